//===- ActivationScales.h - Static scales of activations ---------------------------===//
//
// The values behind the `calibration:` tensors that qcc-quantize-activations-static asks for, read
// from a file that says what calibration found.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_WEIGHTS_ACTIVATIONSCALES_H
#define QCC_COMPILER_WEIGHTS_ACTIVATIONSCALES_H

#include "frontends/Common/TensorStorage.h"
#include "mlir/IR/BuiltinOps.h"

namespace qcc {

/// Adds the scale of the input that the weight in tensor `tensor` meets. False when it has one.
bool addActivationScale(TensorTable &table, llvm::StringRef tensor, float scale);

/// Reads {"tensor": scale, ...} (JSON; scales are positive, largest magnitude / 127). Errors name
/// the tensor.
llvm::Expected<TensorTable> readActivationScales(llvm::StringRef path);

/// Fails (WrongUse), with all that is missing, unless `table` has every `calibration:` tensor of
/// `module`.
llvm::Error checkCalibrated(mlir::ModuleOp module, const TensorTable &table);

} // namespace qcc

#endif // QCC_COMPILER_WEIGHTS_ACTIVATIONSCALES_H
