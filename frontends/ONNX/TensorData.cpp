//===- TensorData.cpp - Bytes of a TensorProto
//------------------------------===//
//
// Where the elements of each type are (onnx.proto, TensorProto): raw_data for
// any, or the typed field. float16 and narrower integers are stored in
// int32_data, one element an entry; 4-bit and 2-bit types one byte of packed
// elements an entry.
//
//===----------------------------------------------------------------------===//
#include "frontends/ONNX/TensorData.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"

using namespace llvm;

namespace qcc {

std::optional<DType> onnxDType(int32_t dataType) {
  // Numbers, since newer ones are not in every version of the generated header.
  switch (dataType) {
  case 1:
    return DType::F32;
  case 2:
    return DType::U8;
  case 3:
    return DType::I8;
  case 4:
    return DType::U16;
  case 5:
    return DType::I16;
  case 6:
    return DType::I32;
  case 7:
    return DType::I64;
  case 8:
    return DType::String;
  case 9:
    return DType::Bool;
  case 10:
    return DType::F16;
  case 11:
    return DType::F64;
  case 12:
    return DType::U32;
  case 13:
    return DType::U64;
  case 14:
    return DType::C64;
  case 15:
    return DType::C128;
  case 16:
    return DType::BF16;
  case 17:
    return DType::F8_E4M3;
  case 18:
    return DType::F8_E4M3FNUZ;
  case 19:
    return DType::F8_E5M2;
  case 20:
    return DType::F8_E5M2FNUZ;
  case 21:
    return DType::U4;
  case 22:
    return DType::I4;
  case 23:
    return DType::F4;
  case 24:
    return DType::F8_E8M0;
  case 25:
    return DType::U2;
  case 26:
    return DType::I2;
  default:
    return std::nullopt;
  }
}

namespace {

/// The bytes of a field whose entries are as wide as the elements.
template <typename Field> ArrayRef<uint8_t> fieldBytes(const Field &field) {
  return ArrayRef<uint8_t>(reinterpret_cast<const uint8_t *>(field.data()),
                           field.size() * sizeof(*field.data()));
}

/// Copies the low `width` bytes of each entry. Returns what is wrong, or "".
template <typename Field>
std::string narrow(const Field &field, unsigned width, SourceTensor &tensor) {
  auto copy = std::make_shared<std::vector<uint8_t>>();
  copy->reserve(field.size() * width);
  for (auto entry : field) {
    int64_t value = int64_t(entry);
    int64_t limit = int64_t(1) << (8 * width);
    // Signed or unsigned in that many bits.
    if (value < -limit / 2 || value >= limit)
      return "an element does not fit its type";
    for (unsigned i = 0; i < width; ++i)
      copy->push_back(uint8_t(value >> (8 * i)));
  }
  tensor.bytes = *copy;
  tensor.memory = std::move(copy);
  return "";
}

/// Reads the typed field that belongs to the element type.
std::string typedBytes(const onnx::TensorProto &proto, SourceTensor &tensor) {
  static_assert(llvm::endianness::native == llvm::endianness::little,
                "fields are used as little-endian bytes");
  switch (tensor.dtype) {
  case DType::F32:
  case DType::C64:
    tensor.bytes = fieldBytes(proto.float_data());
    return "";
  case DType::F64:
  case DType::C128:
    tensor.bytes = fieldBytes(proto.double_data());
    return "";
  case DType::I64:
    tensor.bytes = fieldBytes(proto.int64_data());
    return "";
  case DType::U64:
    tensor.bytes = fieldBytes(proto.uint64_data());
    return "";
  case DType::I32:
    tensor.bytes = fieldBytes(proto.int32_data());
    return "";
  case DType::U32:
    return narrow(proto.uint64_data(), 4, tensor);
  default:
    return narrow(proto.int32_data(), info(tensor.dtype).blockBytes, tensor);
  }
}

} // namespace

std::string inlineBytes(const onnx::TensorProto &proto,
                        ArrayRef<uint8_t> rawData, uint64_t size,
                        SourceTensor &tensor) {
  int fields = !rawData.empty() + !proto.float_data().empty() +
               !proto.int32_data().empty() + !proto.int64_data().empty() +
               !proto.double_data().empty() + !proto.uint64_data().empty() +
               !proto.string_data().empty();
  if (fields > 1)
    return "has its data in more than one field";
  if (tensor.dtype == DType::String) {
    if (uint64_t(proto.string_data_size()) != *numElements(tensor.shape))
      return "has " + std::to_string(proto.string_data_size()) +
             " strings, but shape " + shapeString(tensor.shape);
    return "";
  }
  if (!rawData.empty()) {
    tensor.bytes = rawData;
  } else {
    std::string wrong = typedBytes(proto, tensor);
    if (!wrong.empty())
      return wrong;
  }
  if (tensor.bytes.size() != size)
    return "has " + std::to_string(tensor.bytes.size()) +
           " bytes of data, but shape " + shapeString(tensor.shape) + " of " +
           info(tensor.dtype).name + " takes " + std::to_string(size);
  return "";
}

} // namespace qcc
