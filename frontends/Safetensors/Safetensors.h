//===- Safetensors.h - Reader of safetensors files
//-------------------------===//
//
// Reads one file, or a directory that holds `model.safetensors` or the shards
// that `model.safetensors.index.json` names. Accepts exactly what the format
// allows: no holes, no overlaps, no duplicate names, no trailing bytes. Values
// are not looked at. Format: safetensors/src/tensor.rs of the reference
// implementation.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_SAFETENSORS_SAFETENSORS_H
#define QCC_FRONTENDS_SAFETENSORS_SAFETENSORS_H

#include "frontends/Common/TensorStorage.h"

namespace qcc {

/// Tensors in the order of their data, and the `__metadata__` strings.
struct SafetensorsFile {
  TensorTable tensors;
  llvm::StringMap<std::string> metadata;
};

/// Reads the header of one file. All failures are BadModel.
llvm::Expected<SafetensorsFile>
readSafetensors(std::shared_ptr<const MappedFile> file);

/// Reads all tensors of a model directory; a single file wins over an index.
/// Fails with BadModel (a missing shard is named), or WrongUse when there is
/// neither.
llvm::Expected<TensorTable> readSafetensorsDirectory(llvm::StringRef directory);

} // namespace qcc

#endif // QCC_FRONTENDS_SAFETENSORS_SAFETENSORS_H
