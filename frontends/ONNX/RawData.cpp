//===- RawData.cpp - Initializers that stay in the mapped file
//--------------===//
//
// A walk over the wire format along ModelProto.graph, GraphProto.initializer,
// TensorProto.raw_data, which copies all else as it is.
// Source: protobuf.dev, "Encoding"; field numbers from onnx.proto.
//
//===----------------------------------------------------------------------===//
#include "frontends/ONNX/RawData.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/LEB128.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace qcc {
namespace {

enum : uint64_t { kGraph = 7, kInitializer = 5, kRawData = 9 };
enum : unsigned { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct Field {
  uint64_t number = 0;
  unsigned wireType = 0;
  ArrayRef<uint8_t> whole;   ///< with its tag
  ArrayRef<uint8_t> payload; ///< of kBytes
};

std::optional<uint64_t> takeVarint(ArrayRef<uint8_t> &rest) {
  unsigned size = 0;
  const char *error = nullptr;
  uint64_t value = decodeULEB128(rest.begin(), &size, rest.end(), &error);
  if (error || size > 10)
    return std::nullopt;
  rest = rest.drop_front(size);
  return value;
}

/// Takes one field off the front; false when the bytes are malformed.
bool takeField(ArrayRef<uint8_t> &rest, Field &field) {
  ArrayRef<uint8_t> start = rest;
  std::optional<uint64_t> tag = takeVarint(rest);
  if (!tag)
    return false;
  field.number = *tag >> 3;
  field.wireType = *tag & 7;
  uint64_t size = 0;
  switch (field.wireType) {
  case kVarint:
    if (!takeVarint(rest))
      return false;
    break;
  case kFixed64:
    size = 8;
    break;
  case kFixed32:
    size = 4;
    break;
  case kBytes: {
    std::optional<uint64_t> length = takeVarint(rest);
    if (!length)
      return false;
    size = *length;
    break;
  }
  default: // groups, which ONNX has never had
    return false;
  }
  if (size > rest.size())
    return false;
  field.payload = rest.take_front(size);
  rest = rest.drop_front(size);
  field.whole = start.drop_back(rest.size());
  return true;
}

void put(std::string &out, ArrayRef<uint8_t> bytes) {
  out += toStringRef(bytes);
}

void putBytes(std::string &out, uint64_t number, StringRef payload) {
  raw_string_ostream os(out);
  encodeULEB128(number << 3 | kBytes, os);
  encodeULEB128(payload.size(), os);
  os << payload;
}

/// A tensor without its raw_data, which comes back if it is large. As in the
/// parser, the last of several counts.
bool cutTensor(ArrayRef<uint8_t> rest, std::string &out,
               std::optional<ArrayRef<uint8_t>> &large) {
  std::optional<ArrayRef<uint8_t>> rawData;
  while (!rest.empty()) {
    Field field;
    if (!takeField(rest, field))
      return false;
    if (field.number == kRawData && field.wireType == kBytes)
      rawData = field.payload;
    else
      put(out, field.whole);
  }
  if (rawData && rawData->size() >= kMinCutBytes)
    large = rawData;
  else if (rawData)
    putBytes(out, kRawData, toStringRef(*rawData));
  return true;
}

bool cutGraph(ArrayRef<uint8_t> rest, std::string &out, int &number,
              CutModel &result) {
  while (!rest.empty()) {
    Field field;
    if (!takeField(rest, field))
      return false;
    if (field.number != kInitializer || field.wireType != kBytes) {
      put(out, field.whole);
      continue;
    }
    std::string tensor;
    std::optional<ArrayRef<uint8_t>> large;
    if (!cutTensor(field.payload, tensor, large))
      return false;
    putBytes(out, kInitializer, tensor);
    if (large)
      result.rawData[number] = *large;
    ++number;
  }
  return true;
}

} // namespace

std::optional<CutModel> cutRawData(ArrayRef<uint8_t> bytes) {
  CutModel result;
  int number = 0;
  while (!bytes.empty()) {
    Field field;
    if (!takeField(bytes, field))
      return std::nullopt;
    if (field.number != kGraph || field.wireType != kBytes) {
      put(result.message, field.whole);
      continue;
    }
    // Several graphs would be merged by the parser, their initializers in
    // order.
    std::string graph;
    if (!cutGraph(field.payload, graph, number, result))
      return std::nullopt;
    putBytes(result.message, kGraph, graph);
  }
  return result;
}

} // namespace qcc
