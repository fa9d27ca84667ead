//===- Awq.h - Factors that protect the channels that matter ---------------===//
//
// W x = (W diag(s)) (diag(1/s) x): a column of W multiplied by s > 1 is held more finely relative
// to its weights. Whoever owns the graph folds 1/s into the operation before.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_METHODS_AWQ_H
#define QCC_COMPILER_METHODS_AWQ_H

#include "compiler/Methods/Methods.h"

namespace qcc {

/// One of the matrices that share an input: w[n, k], row-major.
struct MatrixView {
  const float *w;
  int64_t n;
};

/// Factors for the columns of weights, and the search that found them.
struct ChannelScales {
  std::vector<float> s;   ///< [K], positive and finite; all 1 when nothing else was better
  double alpha = 0;       ///< the exponent that was best
  double error = 0;       ///< what was minimized, with s
  double errorBefore = 0; ///< and with s = 1
};

/// Lin et al. 2023, section 3.2: s = meanAbs^alpha / sqrt(its largest * its smallest), alpha = 0,
/// 1/20 .. 19/20, with the least E |(Q(W diag s) diag(1/s) - W) x|^2 in sum over `matrices`; from
/// the Hessian when there is one, else from E[x^2]. Q is rounding with `options.scales` to
/// `scheme`; with Mse or Importance that is AWQ's clip search too. Channels that were never active
/// keep s = 1. `statistics` has meanAbs, and meanSquare or the Hessian. Errors as of
/// quantizeMatrix.
llvm::Expected<ChannelScales> searchAwq(const std::vector<MatrixView> &matrices, int64_t k,
                                        const Scheme &scheme, const InputStatistics &statistics,
                                        const MethodOptions &options);

/// What the inputs diag(1/s) x are like when x is as `statistics` says: for quantizing W diag(s).
InputStatistics scaledInputs(const InputStatistics &statistics, const std::vector<float> &s);

} // namespace qcc

#endif // QCC_COMPILER_METHODS_AWQ_H
