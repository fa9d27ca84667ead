//===- SmoothQuant.h - Activations that an 8-bit grid can hold -------------===//
//
// Activations have loud channels, weights do not. Dividing the inputs' channels by s and
// multiplying the weights' columns by it moves the difficulty over, as far as that helps.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_METHODS_SMOOTHQUANT_H
#define QCC_COMPILER_METHODS_SMOOTHQUANT_H

#include "compiler/Methods/Awq.h"

namespace qcc {

/// Which activations share a scale.
enum class ActivationScale : uint8_t {
  Tensor, ///< all, chosen while compiling
  Token,  ///< those of a token, chosen while running
};

/// Xiao et al. 2022, equation 4: s_j = absMax_x[j]^a / absMax_w[j]^(1 - a), with absMax_w over all
/// `matrices`; a of 0, 1/20 .. 1 (or s = 1) with the least expected error of the 8-bit product,
///
///   sum over n, j of  dx^2 / 12 * (s_j W[n, j])^2  +  dw[n]^2 / 12 * E[x_j^2] / s_j^2
///
/// where dx and dw[n] are the steps of the grids, dw[n] = max_j |s_j W[n, j]| / 127, dx = max_j
/// (absMax_x[j] / s_j) / 127; for ActivationScale::Token, whose largest values are not known, at
/// most 3 max_j sqrt(E[x_j^2]) / s_j / 127. Rounding errors are taken as uniform and independent,
/// so `error` is this sum. Channels that are 0 in the inputs or in all weights keep s = 1.
/// `statistics` has absMax, and meanSquare or the Hessian.
llvm::Expected<ChannelScales> searchSmoothQuant(const std::vector<MatrixView> &matrices, int64_t k,
                                                const InputStatistics &statistics,
                                                ActivationScale activations);

/// The same with a given exponent and no search, normalized to a geometric mean of 1: [K].
llvm::Expected<std::vector<float>> smoothFactors(const std::vector<MatrixView> &matrices, int64_t k,
                                                 const InputStatistics &statistics, double alpha);

} // namespace qcc

#endif // QCC_COMPILER_METHODS_SMOOTHQUANT_H
