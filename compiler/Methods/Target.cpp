//===- Target.cpp - What weights should be when their inputs have changed --===//
//
// One Cholesky decomposition in double; the correction alone is solved for, so that W* is W to the
// last bit where nothing changed.
//
//===----------------------------------------------------------------------===//
#include "compiler/Methods/Target.h"

#include "compiler/Methods/Blas.h"

#include "llvm/ADT/Twine.h"

#include <lapacke.h>

#include <algorithm>
#include <cmath>

using namespace llvm;

namespace qcc {
namespace {

Error checkMoments(StringRef name, const std::vector<float> &values, int64_t rows, int64_t k) {
  if (values.empty())
    return Error::success();
  if (static_cast<int64_t>(values.size()) != rows * k)
    return createStringError("calibration statistics have " + Twine(values.size()) + " values of " +
                             name + ", not " + Twine(rows) + " x " + Twine(k) +
                             "; calibrate again");
  for (float f : values)
    if (!std::isfinite(f))
      return createStringError("calibration statistics: " + name +
                               " is not finite; the float model does not compute this text; check "
                               "it with -bits=32");
  return Error::success();
}

} // namespace

Error moveTarget(float *w, int64_t n, int64_t k, const InputStatistics &statistics,
                 const TargetStatistics &target, const TargetOptions &options) {
  if (Error error = checkStatistics(statistics, k))
    return error;
  if (statistics.hessian.empty())
    return createStringError("moving weights to changed inputs needs their Hessian; calibrate with "
                             "-calib=FILE");
  if (Error error = checkMoments("x x'^T", target.cross, k, k))
    return error;
  if (Error error = checkMoments("r x'^T", target.residual, n, k))
    return error;

  // W* - W = (alpha W (cross - H) + rho residual) (H + l I)^-1
  const std::vector<float> &h = statistics.hessian;
  std::vector<float> right(n * k, 0.0f);
  if (!target.cross.empty()) {
    std::vector<float> difference(k * k);
    for (int64_t i = 0; i < k * k; ++i)
      difference[i] = static_cast<float>(options.alpha * (target.cross[i] - h[i]));
    keepBlasOnOneThread();
    multiply({n, k, k}, w, k, difference.data(), k, right.data(), k);
  }
  if (!target.residual.empty())
    for (int64_t i = 0; i < n * k; ++i)
      right[i] += static_cast<float>(options.rho) * target.residual[i];

  std::vector<double> a(h.begin(), h.end()), step(right.begin(), right.end());
  double sum = 0;
  for (int64_t i = 0; i < k; ++i)
    sum += h[i * (k + 1)];
  for (int64_t i = 0; i < k; ++i)
    a[i * (k + 1)] += h[i * (k + 1)] == 0 ? std::max(sum / k, 1.0) : options.damping * sum / k;
  // A is symmetric, so rows of the right side are columns to LAPACK.
  auto size = static_cast<lapack_int>(k);
  if (LAPACKE_dposv_work(LAPACK_COL_MAJOR, 'L', size, static_cast<lapack_int>(n), a.data(), size,
                         step.data(), size) != 0)
    return createStringError("the Hessian of the inputs is singular, even with " +
                             Twine(std::to_string(options.damping)) +
                             " of its mean diagonal added; give a longer calibration text, or more "
                             "damping");
  for (int64_t i = 0; i < n * k; ++i)
    w[i] += static_cast<float>(step[i]);
  return Error::success();
}

} // namespace qcc
