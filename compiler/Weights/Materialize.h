//===- Materialize.h - Runs the weights' recipes ----------------------------------===//
//
// From the mapped source straight into the artifact, a few rows at a time: the memory needed does
// not grow with the model.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_WEIGHTS_MATERIALIZE_H
#define QCC_COMPILER_WEIGHTS_MATERIALIZE_H

#include "compiler/Weights/WeightQuantizer.h"
#include "compiler/Weights/WeightSource.h"
#include "mlir/IR/BuiltinOps.h"
#include <functional>

namespace qcc {

/// Where bytes of the blob go; called by several threads at a time.
using WeightSink = std::function<llvm::Error(uint64_t offset, llvm::ArrayRef<uint8_t> bytes)>;

/// What has been done so far, in bytes of the blob; for a progress bar.
using WeightProgress = std::function<void(uint64_t done, uint64_t total)>;

/// Runs the recipe of every nn.weight of `module` (after the Pack stage) on `files`, on
/// `jobs` threads (0: all the machine has). NaN and infinity in a weight that is to be quantized
/// are an error (BadModel) that names the tensor. `quantizer`, if there is one, does what the methods ask
/// beyond rounding to nearest.
llvm::Error materializeWeights(mlir::ModuleOp module, const WeightFiles &files,
                               llvm::StringRef path, const WeightSink &sink,
                               const WeightProgress &progress, unsigned jobs = 0,
                               WeightQuantizer *quantizer = nullptr);

/// Size of the blob, after the Pack stage.
uint64_t weightBytes(mlir::ModuleOp module);

} // namespace qcc

#endif // QCC_COMPILER_WEIGHTS_MATERIALIZE_H
