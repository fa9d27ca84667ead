//===- TensorData.h - Bytes of a TensorProto
//--------------------------------===//
//
// A TensorProto holds its elements in one of seven fields, in a storage type
// that may be wider than the element. Internal to the ONNX reader.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_ONNX_TENSORDATA_H
#define QCC_FRONTENDS_ONNX_TENSORDATA_H

#include "frontends/Common/TensorStorage.h"

#include <onnx/onnx_pb.h>

namespace qcc {

/// The type that TensorProto.data_type means, or nothing for an unknown number.
std::optional<DType> onnxDType(int32_t dataType);

/// Points tensor.bytes (dtype, shape are set, `size` bytes are expected) to
/// `rawData` or the typed data of `proto`, or to a copy held by tensor.memory.
/// Returns what is wrong, or "".
std::string inlineBytes(const onnx::TensorProto &proto,
                        llvm::ArrayRef<uint8_t> rawData, uint64_t size,
                        SourceTensor &tensor);

} // namespace qcc

#endif // QCC_FRONTENDS_ONNX_TENSORDATA_H
