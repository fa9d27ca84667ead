//===- TensorStorage.cpp - Named tensors of a model file
//-------------------===//
//
// The table of element types, and sizes computed without overflow.
//
//===----------------------------------------------------------------------===//
#include "frontends/Common/TensorStorage.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace qcc {

const DTypeInfo &info(DType dtype) {
  // In the order of the enum.
  static const DTypeInfo table[] = {
      {"F64", 1, 8},        {"F32", 1, 4},         {"F16", 1, 2},
      {"BF16", 1, 2},       {"F8_E4M3", 1, 1},     {"F8_E5M2", 1, 1},
      {"F8_E8M0", 1, 1},    {"F8_E4M3FNUZ", 1, 1}, {"F8_E5M2FNUZ", 1, 1},
      {"F6_E2M3", 4, 3},    {"F6_E3M2", 4, 3},     {"F4", 2, 1},
      {"I64", 1, 8},        {"I32", 1, 4},         {"I16", 1, 2},
      {"I8", 1, 1},         {"I4", 2, 1},          {"I2", 4, 1},
      {"U64", 1, 8},        {"U32", 1, 4},         {"U16", 1, 2},
      {"U8", 1, 1},         {"U4", 2, 1},          {"U2", 4, 1},
      {"BOOL", 1, 1},       {"C64", 1, 8},         {"C128", 1, 16},
      {"STRING", 1, 0},     {"Q4_0", 32, 18},      {"Q4_1", 32, 20},
      {"Q5_0", 32, 22},     {"Q5_1", 32, 24},      {"Q8_0", 32, 34},
      {"Q2_K", 256, 84},    {"Q3_K", 256, 110},    {"Q4_K", 256, 144},
      {"Q5_K", 256, 176},   {"Q6_K", 256, 210},    {"IQ4_NL", 32, 18},
      {"IQ4_XS", 256, 136}, {"IQ2_XXS", 256, 66},  {"IQ2_XS", 256, 74},
      {"IQ2_S", 256, 82},   {"IQ3_XXS", 256, 98},  {"IQ3_S", 256, 110},
      {"IQ1_S", 256, 50},   {"IQ1_M", 256, 56},    {"TQ1_0", 256, 54},
      {"TQ2_0", 256, 66},   {"MXFP4", 32, 17},     {"NVFP4", 64, 36},
      {"Q1_0", 128, 18},    {"Q2_0", 64, 18},
  };
  static_assert(std::size(table) == size_t(DType::Q2_0) + 1);
  return table[size_t(dtype)];
}

bool isFloat(DType dtype) { return dtype <= DType::BF16; }

bool isBlock(DType dtype) { return dtype >= DType::Q4_0; }

std::optional<uint64_t> numElements(ArrayRef<int64_t> shape) {
  uint64_t count = 1;
  for (int64_t dim : shape) {
    if (dim < 0)
      return std::nullopt;
    std::optional<uint64_t> product = checkedMul(count, dim);
    if (!product)
      return std::nullopt;
    count = *product;
  }
  return count;
}

std::optional<uint64_t> numBytes(DType dtype, ArrayRef<int64_t> shape) {
  std::optional<uint64_t> count = numElements(shape);
  if (!count)
    return std::nullopt;
  const DTypeInfo &type = info(dtype);
  if (isBlock(dtype) &&
      (shape.empty() || shape.back() % int64_t(type.blockElements) != 0))
    return std::nullopt;
  uint64_t blocks = *count / type.blockElements;
  uint64_t rest = *count % type.blockElements;
  std::optional<uint64_t> bytes = checkedMul(blocks, type.blockBytes);
  if (!bytes)
    return std::nullopt;
  // A rest exists for sub-byte types alone; its bits are rounded up to bytes.
  uint64_t restBits = rest * type.blockBytes * 8 / type.blockElements;
  return checkedAdd(*bytes, (restBits + 7) / 8);
}

std::string shapeString(ArrayRef<int64_t> shape) {
  std::string text;
  raw_string_ostream os(text);
  os << '[';
  interleaveComma(shape, os);
  os << ']';
  return text;
}

bool TensorTable::add(SourceTensor tensor) {
  if (!index.try_emplace(tensor.name, list.size()).second)
    return false;
  list.push_back(std::move(tensor));
  return true;
}

const SourceTensor *TensorTable::find(StringRef name) const {
  auto it = index.find(name);
  return it == index.end() ? nullptr : &list[it->second];
}

std::string describe(const TensorTable &table) {
  std::string text;
  raw_string_ostream os(text);
  for (const SourceTensor &tensor : table) {
    os << "  ";
    printEscapedString(tensor.name, os);
    os << "  " << info(tensor.dtype).name << "  " << shapeString(tensor.shape)
       << "  " << tensor.bytes.size() << " bytes\n";
  }
  return text;
}

} // namespace qcc
