//===- ActivationScaling.h - AWQ, SmoothQuant and LLM.int8 ----------------===//
//
// Methods that treat input channels unequally. AWQ and SmoothQuant find factors s[K] with
// W x = (W diag(s)) (diag(1/s) x); whoever owns the graph folds 1/s into the operation before.
// LLM.int8 finds the channels whose activations no 8-bit grid holds.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_METHODS_ACTIVATIONSCALING_H
#define QCC_COMPILER_METHODS_ACTIVATIONSCALING_H

#include "compiler/Methods/Methods.h"

namespace qcc {

/// One of the matrices that share an input: w[n, k], row-major.
struct MatrixView {
  const float *w;
  int64_t n;
};

/// Factors for the columns of weights, and the search that found them.
struct ChannelScales {
  std::vector<float> s;              ///< [K], positive; all 1 when nothing else was better
  double alpha = 0;                  ///< the exponent that was best
  double error = 0, errorBefore = 0; ///< E |(W - Q) x|^2 with s, and with s = 1
};

/// AWQ (Lin et al. 2023, section 3.2): s = meanAbs^alpha / sqrt(max * min of it), alpha = 0, 1/20
/// .. 19/20; least E |(Q(W diag s) diag(1/s) - W) x|^2 over all `matrices`, from the Hessian when
/// there is one, else from meanSquare. Q is `options.scales` rounding to `scheme`. Channels that
/// were never active keep s = 1. Factors are powers of what was measured, never tuned one by one.
llvm::Expected<ChannelScales> searchAwq(const std::vector<MatrixView> &matrices, int64_t k,
                                        const Scheme &scheme, const InputStatistics &statistics,
                                        const MethodOptions &options);

/// SmoothQuant (Xiao et al. 2022, equation 4): s_j = absMax_x[j]^a / absMax_w[j]^(1 - a), where the
/// activations are divided and the weights multiplied by s. a is the best of 0, 1/20 .. 1 by the
/// expected error of the W8A8 product (activations with one scale for the tensor or, `perToken`,
/// for each token; weights with one scale for each row):
///
///   sum over n, j of  dx^2 / 12 * (s_j W[n, j])^2  +  dw[n]^2 / 12 * E[x_j^2] / s_j^2
///
/// with dx = max_j(absMax_x[j] / s_j) / 127, or sqrt of the mean square over the channels times
/// the same crest factor when `perToken`; dw[n] = max_j |s_j W[n, j]| / 127. Rounding errors are
/// taken as uniform and independent.
llvm::Expected<ChannelScales> searchSmoothQuant(const std::vector<MatrixView> &matrices, int64_t k,
                                                const InputStatistics &statistics, bool perToken);

/// The channels with absMax of at least `threshold` (Dettmers et al. 2022, section 3.2: 6.0), in
/// ascending order.
std::vector<int64_t> outlierChannels(const InputStatistics &statistics, float threshold = 6.0f);

} // namespace qcc

#endif // QCC_COMPILER_METHODS_ACTIVATIONSCALING_H
