//===- Metrics.cpp - How far a quantized matrix is from the float one ------===//
//
// Sums of e H e^T over rows e, by strips of rows whose sums are added in order.
//
//===----------------------------------------------------------------------===//
#include "compiler/Methods/Metrics.h"

#include "compiler/Methods/Blas.h"

#include <cmath>
#include <limits>

namespace qcc {
namespace {

constexpr int64_t kStrip = 64;

/// sum over rows of e[rows, k] of e H e^T, with H as outputError says.
double quadraticForm(const std::vector<float> &e, int64_t rows, int64_t k,
                     const std::vector<float> *hessian, const std::vector<float> &diagonal) {
  double sum = 0;
  if (!hessian) {
    for (int64_t i = 0; i < rows * k; ++i)
      sum += static_cast<double>(e[i]) * e[i] * (diagonal.empty() ? 1.0f : diagonal[i % k]);
    return sum;
  }
  std::vector<float> product(rows * k);
  multiply({rows, k, k}, e.data(), k, hessian->data(), k, product.data(), k);
  for (int64_t i = 0; i < rows * k; ++i)
    sum += static_cast<double>(e[i]) * product[i];
  return sum;
}

} // namespace

double OutputError::relative() const {
  if (error <= 0)
    return 0;
  return signal > 0 ? std::sqrt(error / signal) : std::numeric_limits<double>::infinity();
}

double OutputError::signalToNoise() const {
  return error > 0 ? 10 * std::log10(signal / error) : std::numeric_limits<double>::infinity();
}

namespace {

OutputError measure(const float *w, const float *q, int64_t n, int64_t k,
                    const InputStatistics *statistics, unsigned threads, bool withSignal) {
  bool full = statistics && !statistics->hessian.empty();
  const std::vector<float> *hessian = full ? &statistics->hessian : nullptr;
  std::vector<float> diagonal = statistics ? importanceOf(*statistics) : std::vector<float>();
  std::vector<OutputError> parts((n + kStrip - 1) / kStrip);
  forEachStrip(n, kStrip, threads, [&](int64_t first, int64_t rows) {
    std::vector<float> e(w + first * k, w + (first + rows) * k);
    OutputError &part = parts[first / kStrip];
    if (withSignal)
      part.signal = quadraticForm(e, rows, k, hessian, diagonal);
    for (int64_t i = 0; i < rows * k; ++i)
      e[i] -= q[first * k + i];
    part.error = quadraticForm(e, rows, k, hessian, diagonal);
  });
  OutputError total;
  for (const OutputError &part : parts) {
    total.error += part.error;
    total.signal += part.signal;
  }
  return total;
}

} // namespace

OutputError outputError(const float *w, const float *q, int64_t n, int64_t k,
                        const InputStatistics *statistics, unsigned threads) {
  return measure(w, q, n, k, statistics, threads, true);
}

double outputErrorSum(const float *w, const float *q, int64_t n, int64_t k,
                      const InputStatistics *statistics, unsigned threads) {
  return measure(w, q, n, k, statistics, threads, false).error;
}

} // namespace qcc
