//===- GGUF.cpp - Values of GGUF metadata
//-----------------------------------===//
//
// Accessors of values whose bounds the reader has checked.
//
//===----------------------------------------------------------------------===//
#include "frontends/GGUF/GGUF.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"

using namespace llvm;
using namespace llvm::support::endian;

namespace qcc {
namespace {

using Type = GgufValue::Type;

std::optional<int64_t> readInteger(Type type, const uint8_t *p) {
  switch (type) {
  case Type::U8:
    return *p;
  case Type::I8:
    return int8_t(*p);
  case Type::U16:
    return read16le(p);
  case Type::I16:
    return int16_t(read16le(p));
  case Type::U32:
    return read32le(p);
  case Type::I32:
    return int32_t(read32le(p));
  case Type::I64:
    return int64_t(read64le(p));
  case Type::U64: {
    uint64_t value = read64le(p);
    if (value > uint64_t(INT64_MAX))
      return std::nullopt;
    return int64_t(value);
  }
  default:
    return std::nullopt;
  }
}

std::optional<double> readFloat(Type type, const uint8_t *p) {
  if (type == Type::F32)
    return llvm::bit_cast<float>(read32le(p));
  if (type == Type::F64)
    return llvm::bit_cast<double>(read64le(p));
  return std::nullopt;
}

} // namespace

std::optional<int64_t> GgufValue::asInteger() const {
  return readInteger(kind, payload.data());
}

std::optional<double> GgufValue::asFloat() const {
  return readFloat(kind, payload.data());
}

std::optional<bool> GgufValue::asBool() const {
  if (kind != Type::Bool)
    return std::nullopt;
  return payload[0] != 0;
}

std::optional<StringRef> GgufValue::asString() const {
  if (kind != Type::String)
    return std::nullopt;
  return toStringRef(payload.drop_front(8));
}

std::optional<std::vector<int64_t>> GgufValue::asIntegers() const {
  if (kind != Type::Array)
    return std::nullopt;
  std::vector<int64_t> values;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t size = payload.size() / count;
    std::optional<int64_t> value =
        readInteger(element, payload.data() + i * size);
    if (!value)
      return std::nullopt;
    values.push_back(*value);
  }
  return values;
}

std::optional<std::vector<float>> GgufValue::asFloats() const {
  if (kind != Type::Array)
    return std::nullopt;
  std::vector<float> values;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t size = payload.size() / count;
    std::optional<double> value = readFloat(element, payload.data() + i * size);
    if (!value)
      return std::nullopt;
    values.push_back(float(*value));
  }
  return values;
}

std::optional<std::vector<StringRef>> GgufValue::asStrings() const {
  if (kind != Type::Array || element != Type::String)
    return std::nullopt;
  std::vector<StringRef> values;
  ArrayRef<uint8_t> rest = payload;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t length = read64le(rest.data());
    values.push_back(toStringRef(rest.slice(8, length)));
    rest = rest.drop_front(8 + length);
  }
  return values;
}

const GgufValue *GgufFile::find(StringRef key) const {
  auto it = index.find(key);
  return it == index.end() ? nullptr : &metadata[it->second].second;
}

} // namespace qcc
