//===- SmoothQuant.cpp - Activations that an 8-bit grid can hold -----------===//
//
// The error model needs of the weights only, for each exponent, the rows' largest and the columns'
// squares.
//
//===----------------------------------------------------------------------===//
#include "compiler/Methods/SmoothQuant.h"

#include <algorithm>
#include <cmath>

using namespace llvm;

namespace qcc {
namespace {

constexpr int kSteps = 20;
constexpr double kLevels = 127, kTypicalCrest = 3;

/// Largest magnitude and sum of squares of each column over all matrices.
struct Columns {
  std::vector<double> largest, squares;

  Columns(const std::vector<MatrixView> &matrices, int64_t k) : largest(k), squares(k) {
    for (const MatrixView &matrix : matrices)
      for (int64_t i = 0; i < matrix.n * k; ++i) {
        double w = matrix.w[i];
        largest[i % k] = std::max(largest[i % k], std::fabs(w));
        squares[i % k] += w * w;
      }
  }
};

class SmoothSearch {
public:
  SmoothSearch(const std::vector<MatrixView> &matrices, int64_t k,
               const InputStatistics &statistics, ActivationScale activations)
      : matrices(matrices), k(k), absMax(statistics.absMax), meanSquare(importanceOf(statistics)),
        activations(activations), columns(matrices, k) {}

  std::vector<float> factors(double alpha) const {
    std::vector<float> s(k, 1.0f);
    for (int64_t j = 0; j < k; ++j) {
      if (!(absMax[j] > 0 && columns.largest[j] > 0))
        continue;
      auto f = static_cast<float>(std::pow(static_cast<double>(absMax[j]), alpha) /
                                  std::pow(columns.largest[j], 1 - alpha));
      if (std::isnormal(f))
        s[j] = f;
    }
    return s;
  }

  double error(const std::vector<float> &s) const {
    double largest = 0, loudest = 0, weights = 0, inputs = 0;
    for (int64_t j = 0; j < k; ++j) {
      double square = static_cast<double>(s[j]) * s[j];
      largest = std::max(largest, static_cast<double>(absMax[j]) / s[j]);
      loudest = std::max(loudest, std::sqrt(meanSquare[j] / square));
      weights += columns.squares[j] * square;
      inputs += meanSquare[j] / square;
    }
    if (activations == ActivationScale::Token)
      largest = std::min(largest, kTypicalCrest * loudest);
    double steps = 0;
    for (const MatrixView &matrix : matrices)
      for (int64_t n = 0; n < matrix.n; ++n) {
        float top = 0;
        for (int64_t j = 0; j < k; ++j)
          top = std::max(top, std::fabs(matrix.w[n * k + j] * s[j]));
        steps += static_cast<double>(top) * top;
      }
    return (largest * largest * weights + steps * inputs) / (12 * kLevels * kLevels);
  }

private:
  const std::vector<MatrixView> &matrices;
  int64_t k;
  const std::vector<float> &absMax;
  std::vector<float> meanSquare;
  ActivationScale activations;
  Columns columns;
};

} // namespace

Expected<ChannelScales> searchSmoothQuant(const std::vector<MatrixView> &matrices, int64_t k,
                                          const InputStatistics &statistics,
                                          ActivationScale activations) {
  if (Error error = checkStatistics(statistics, k))
    return error;
  if (statistics.absMax.empty() || importanceOf(statistics).empty())
    return createStringError("SmoothQuant needs max |x| and E[x^2] of the inputs; calibrate with "
                             "-calib=FILE");
  SmoothSearch search(matrices, k, statistics, activations);
  ChannelScales best;
  best.s.assign(k, 1.0f);
  best.error = best.errorBefore = search.error(best.s);
  for (int step = 0; step <= kSteps; ++step) {
    double alpha = static_cast<double>(step) / kSteps;
    std::vector<float> s = search.factors(alpha);
    double error = search.error(s);
    if (!(error < best.error))
      continue;
    best.s = std::move(s);
    best.alpha = alpha;
    best.error = error;
  }
  return best;
}

Expected<std::vector<float>> smoothFactors(const std::vector<MatrixView> &matrices, int64_t k,
                                           const InputStatistics &statistics, double alpha) {
  if (Error error = checkStatistics(statistics, k))
    return error;
  if (statistics.absMax.empty())
    return createStringError("SmoothQuant needs max |x| of the inputs; calibrate with "
                             "-calib=FILE");
  Columns columns(matrices, k);
  std::vector<double> logs(k);
  double sum = 0;
  int64_t active = 0;
  for (int64_t j = 0; j < k; ++j)
    if (statistics.absMax[j] > 0 && columns.largest[j] > 0) {
      logs[j] = alpha * std::log(statistics.absMax[j]) - (1 - alpha) * std::log(columns.largest[j]);
      sum += logs[j];
      ++active;
    }
  std::vector<float> s(k, 1.0f);
  for (int64_t j = 0; j < k; ++j)
    if (statistics.absMax[j] > 0 && columns.largest[j] > 0)
      s[j] = static_cast<float>(std::exp(std::clamp(logs[j] - sum / active, -40.0, 40.0)));
  return s;
}

} // namespace qcc
