//===- Hessian.cpp - The factor of the inverse Hessian that GPTQ uses ------===//
//
// One Cholesky decomposition and one triangular inverse, by LAPACK. The reversal is in how elements
// are stored: LAPACK is column-major, so its lower L of the reversed matrix, read backwards from
// the last element, is a row-major upper R.
//
//===----------------------------------------------------------------------===//
#include "compiler/Methods/Hessian.h"

#include "compiler/Methods/Blas.h"

#include "llvm/ADT/Twine.h"

#include <lapacke.h>

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace llvm;

namespace qcc {
namespace {

lapack_int cholesky(lapack_int n, float *a) {
  return LAPACKE_spotrf_work(LAPACK_COL_MAJOR, 'L', n, a, n);
}
lapack_int cholesky(lapack_int n, double *a) {
  return LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'L', n, a, n);
}
lapack_int invert(lapack_int n, float *a) {
  return LAPACKE_strtri_work(LAPACK_COL_MAJOR, 'L', 'N', n, a, n);
}
lapack_int invert(lapack_int n, double *a) {
  return LAPACKE_dtrtri_work(LAPACK_COL_MAJOR, 'L', 'N', n, a, n);
}

/// The upper triangular, row-major U with U^T U = A^-1 of a(i, j), i >= j, in `upper` (all zero
/// before). False when A is not positive definite in type T.
template <typename T, typename Element>
bool factor(int64_t n, Element a, std::vector<float> &upper) {
  std::vector<T> work(n * n);
  // Column c of the reversed matrix is column n - 1 - c from its last element up.
  for (int64_t c = 0; c < n; ++c)
    for (int64_t r = c; r < n; ++r)
      work[c * n + r] = static_cast<T>(a(n - 1 - r, n - 1 - c));
  auto size = static_cast<lapack_int>(n);
  if (cholesky(size, work.data()) != 0 || invert(size, work.data()) != 0)
    return false;
  // (J L^-1 J)(i, j) = L^-1(n-1-i, n-1-j).
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = i; j < n; ++j) {
      T value = work[(n - 1 - j) * n + n - 1 - i];
      if (!std::isfinite(value))
        return false;
      upper[i * n + j] = static_cast<float>(value);
    }
  return true;
}

} // namespace

int64_t HessianFactor::deadChannels() const { return std::count(dead.begin(), dead.end(), true); }

Expected<HessianFactor> HessianFactor::make(const InputStatistics &s, double damping,
                                            bool activationOrder) {
  int64_t k = s.k;
  if (s.hessian.empty())
    return createStringError("GPTQ needs the Hessian of the inputs; calibrate with -calib=FILE");
  if (Error error = checkStatistics(s, k))
    return error;
  HessianFactor f;
  std::vector<float> diagonal(k);
  double sum = 0;
  for (int64_t i = 0; i < k; ++i) {
    diagonal[i] = s.hessian[i * (k + 1)];
    f.dead.push_back(diagonal[i] == 0);
    sum += diagonal[i];
  }
  int64_t alive = k - f.deadChannels();
  if (alive == 0)
    return createStringError("no input channel was active while calibrating; give a calibration "
                             "text that the model can read");
  for (int64_t i = 0; i < k; ++i)
    if (f.dead[i])
      diagonal[i] = static_cast<float>(sum / alive);
  f.order.resize(k);
  std::iota(f.order.begin(), f.order.end(), 0);
  if (activationOrder)
    std::sort(f.order.begin(), f.order.end(), [&](int64_t a, int64_t b) {
      return std::make_pair(-diagonal[a], a) < std::make_pair(-diagonal[b], b);
    });

  keepBlasOnOneThread();
  double ridge = damping * sum / k;
  f.upper.assign(k * k, 0);
  auto element = [&](int64_t i, int64_t j) {
    int64_t a = f.order[i], b = f.order[j];
    return i == j ? diagonal[a] + ridge : static_cast<double>(s.hessian[a * k + b]);
  };
  if (factor<float>(k, element, f.upper) || factor<double>(k, element, f.upper))
    return f;
  return createStringError("the Hessian of the inputs is singular, even with " +
                           Twine(std::to_string(damping)) + " of its mean diagonal added (" +
                           Twine(s.tokens) + " calibration tokens for " + Twine(k) +
                           " input channels); give a longer calibration text, or more damping");
}

} // namespace qcc
