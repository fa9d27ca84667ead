//===- Metrics.h - How far a quantized matrix is from the float one --------===//
//
// Errors of weights and of the outputs they make, for the report and for choosing between
// options.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_METHODS_METRICS_H
#define QCC_COMPILER_METHODS_METRICS_H

#include "compiler/Methods/InputStatistics.h"

namespace qcc {

/// Sums over all outputs and, by expectation, over the inputs.
struct OutputError {
  double error = 0;  ///< tr((W - Q) H (W - Q)^T) = E |(W - Q) x|^2
  double signal = 0; ///< tr(W H W^T) = E |W x|^2
  /// |(W - Q) x| / |W x|, root mean square; 0 when both are 0, infinite when only the signal is.
  double relative() const;
  /// 10 log10(signal / error) in dB; infinite without error.
  double signalToNoise() const;
};

/// Of w[n, k] and its dequantized form q[n, k]. H is the Hessian, or diag(meanSquare) when there is
/// none, or 1 when `statistics` is null or has neither. Sums in double; `threads` as in
/// MethodOptions.
OutputError outputError(const float *w, const float *q, int64_t n, int64_t k,
                        const InputStatistics *statistics, unsigned threads = 1);

/// OutputError::error alone, in half the time.
double outputErrorSum(const float *w, const float *q, int64_t n, int64_t k,
                      const InputStatistics *statistics, unsigned threads = 1);

} // namespace qcc

#endif // QCC_COMPILER_METHODS_METRICS_H
