//===- RawData.h - Initializers that stay in the mapped file
//----------------===//
//
// Protobuf copies every byte it parses, and weights are nearly all bytes of a
// model. Before parsing, the raw_data of large initializers is cut out of the
// message, so that the parsed model is small and weights are read from the
// mapped file. Internal to the ONNX reader.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_ONNX_RAWDATA_H
#define QCC_FRONTENDS_ONNX_RAWDATA_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace qcc {

/// raw_data from this size on is cut out.
constexpr size_t kMinCutBytes = 4096;

/// A serialized ModelProto without the large raw_data of its main graph's
/// initializers, and what was cut out, by the initializer's number.
struct CutModel {
  std::string message;
  std::map<int, llvm::ArrayRef<uint8_t>> rawData;
};

/// Nothing when `bytes` are not a well-formed protobuf message on the way to
/// the initializers; the rest is left to the parser.
std::optional<CutModel> cutRawData(llvm::ArrayRef<uint8_t> bytes);

} // namespace qcc

#endif // QCC_FRONTENDS_ONNX_RAWDATA_H
