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
#include <optional>

namespace qcc {

/// The nn.weight that holds the static scales of what weight `symbol` is multiplied with.
inline std::string activationScalesOf(llvm::StringRef symbol) {
  return (symbol + ".input_scale").str();
}

/// The tensor whose input a `calibration:` source has the scales of.
std::optional<llvm::StringRef> scaledTensor(llvm::StringRef source);

/// Adds the scales of the input that the weight in tensor `tensor` meets: of each 32 channels, or one of
/// all. False when it has them.
bool addActivationScales(TensorTable &table, llvm::StringRef tensor, std::vector<float> scales);

/// Reads {"tensor": scale, ...} (JSON; scales are positive, largest magnitude / 127). Errors name
/// the tensor.
llvm::Expected<TensorTable> readActivationScales(llvm::StringRef path);

/// Fails (WrongUse), with all that is missing, unless `table` has every `calibration:` tensor of
/// `module`.
llvm::Error checkCalibrated(mlir::ModuleOp module, const TensorTable &table);

} // namespace qcc

#endif // QCC_COMPILER_WEIGHTS_ACTIVATIONSCALES_H
