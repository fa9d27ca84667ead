//===- CalibratedTensors.h - What calibration found, as tensors ---------------------===//
//
// The values behind the `calibration:` tensors that passes ask for
// (dialects/NN/IR/CalibratedWeights.h): added by calibration as it goes, or read from a file that
// says what an earlier one found.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_WEIGHTS_CALIBRATEDTENSORS_H
#define QCC_COMPILER_WEIGHTS_CALIBRATEDTENSORS_H

#include "dialects/NN/IR/CalibratedWeights.h"
#include "frontends/Common/TensorStorage.h"
#include "mlir/IR/BuiltinOps.h"

namespace qcc {

/// Adds `what` (nn::kInputScale, ...) of the weight in tensor `tensor`: `values`, row-major of
/// shape `shape`. False when the table has it.
bool addCalibrated(TensorTable &table, llvm::StringRef tensor, llvm::StringRef what,
                   llvm::ArrayRef<int64_t> shape, std::vector<float> values);
bool addCalibrated(TensorTable &table, llvm::StringRef tensor, llvm::StringRef what,
                   llvm::ArrayRef<int64_t> shape, std::vector<int32_t> values);

/// Reads static scales of inputs: {"tensor": scale, ...} (JSON; scales are positive, largest
/// magnitude / 127). Errors name the tensor.
llvm::Expected<TensorTable> readActivationScales(llvm::StringRef path);

/// Fails (WrongUse), with all that is missing, unless `table` has every `calibration:` tensor of
/// `module`: of a compilation without -calib, whose only such tensors are static scales.
llvm::Error checkCalibrated(mlir::ModuleOp module, const TensorTable &table);

} // namespace qcc

#endif // QCC_COMPILER_WEIGHTS_CALIBRATEDTENSORS_H
