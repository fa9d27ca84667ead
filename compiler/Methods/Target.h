//===- Target.h - What weights should be when their inputs have changed ----===//
//
// The layers before a matrix are quantized too, so it does not get the inputs x of the float model
// but x'. Weights moved so that W* x' is near W x undo part of that error before W* is quantized.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_METHODS_TARGET_H
#define QCC_COMPILER_METHODS_TARGET_H

#include "compiler/Methods/InputStatistics.h"

namespace qcc {

/// What ties the inputs of the quantized model to the float one's. Empty when not collected.
struct TargetStatistics {
  std::vector<float> cross;    ///< [K, K] mean over tokens of x x'^T: x row, x' column
  std::vector<float> residual; ///< [N, K] mean of r x'^T: r what else the output should make up for
};

struct TargetOptions {
  double alpha = 0.25;   ///< share of the inputs' change to undo, 0 .. 1
  double rho = 0.5;      ///< share of `residual` to undo, 0 .. 1
  double damping = 0.03; ///< pull towards W: this share of the mean diagonal of H
};

/// The W* with the least E |W x_a + rho r - W* x'|^2 + l |W* - W|^2, where x_a = x' + alpha (x -
/// x') and l = damping * mean(diag H): the normal equations
///
///   W* (H + l I) = W (H + alpha (cross - H) + l I) + rho residual,   H = E x' x'^T
///
/// (the asymmetric calibration of Li et al. 2025, GPTAQ, solved at once instead of by columns).
/// w[n, k] becomes W*. `statistics` is of x' and has the Hessian. Errors: sizes, values that are
/// not finite, a singular Hessian.
llvm::Error moveTarget(float *w, int64_t n, int64_t k, const InputStatistics &statistics,
                       const TargetStatistics &target, const TargetOptions &options);

} // namespace qcc

#endif // QCC_COMPILER_METHODS_TARGET_H
