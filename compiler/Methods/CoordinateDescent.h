//===- CoordinateDescent.h - Changing codes and scales one at a time -------===//
//
// GPTQ decides on each column once. Afterwards single codes can be moved to where the output error,
// with all other codes as they are now, is least; and the scales can be fitted to the codes.
// Each step lowers the error or does nothing.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_METHODS_COORDINATEDESCENT_H
#define QCC_COMPILER_METHODS_COORDINATEDESCENT_H

#include "compiler/Methods/InputStatistics.h"
#include "dialects/QuantExt/Codec/Matrix.h"

namespace qcc {

struct DescentOptions {
  int sweeps = 1;           ///< over all codes
  bool refitScales = false; ///< before each sweep
  double damping = 0.01;    ///< added to the diagonal: this share of its mean
  unsigned threads = 1;
};

/// Lowers tr(E H E^T), E = W - Q, for w[n, k] and the quantized `out`. With g = E H (a row at a
/// time), moving the value q_k by d changes the error by -2 d g_k + d^2 H_kk, so each code in turn
/// becomes the nearest to q_k + g_k / H_kk.
///
/// Refit: for given codes, q is linear in a row's scales and minima t (their storage types aside),
/// so the error is quadratic: with A = (dq/dt) H (dq/dt)^T and b = (dq/dt) g, the best step solves
/// A d = b. It is rounded to what the scheme can hold, and taken if that is still better; then each
/// number in turn becomes the best one it can hold. Super-blocks' d and dmin and zero points stay.
///
/// `statistics` has a Hessian. Returns the number of codes changed.
int64_t descend(const float *w, int64_t n, int64_t k, const InputStatistics &statistics,
                const DescentOptions &options, QuantizedMatrix &out);

} // namespace qcc

#endif // QCC_COMPILER_METHODS_COORDINATEDESCENT_H
