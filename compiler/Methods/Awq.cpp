//===- Awq.cpp - Factors that protect the channels that matter -------------===//
//
// A grid of twenty exponents; each is judged by quantizing the scaled weights.
//
//===----------------------------------------------------------------------===//
#include "compiler/Methods/Awq.h"

#include "compiler/Methods/Metrics.h"
#include "dialects/QuantExt/Codec/Reference.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace llvm;

namespace qcc {
namespace {

constexpr int kSteps = 20;

/// s of one exponent; channels with mean 0 do not count and get 1.
std::vector<float> factors(const std::vector<float> &meanAbs, double alpha) {
  std::vector<float> s(meanAbs.size(), 1.0f);
  double largest = 0, smallest = std::numeric_limits<double>::infinity();
  for (float mean : meanAbs)
    if (mean > 0) {
      largest = std::max(largest, std::pow(static_cast<double>(mean), alpha));
      smallest = std::min(smallest, std::pow(static_cast<double>(mean), alpha));
    }
  double norm = std::sqrt(largest) * std::sqrt(smallest);
  for (size_t i = 0; i < s.size(); ++i)
    if (meanAbs[i] > 0)
      s[i] = static_cast<float>(std::pow(static_cast<double>(meanAbs[i]), alpha) / norm);
  return s;
}

/// The error of `matrix` with factors s.
Expected<double> errorWith(const MatrixView &matrix, const std::vector<float> &s,
                           const Scheme &scheme, const InputStatistics &statistics,
                           const InputStatistics &scaled, const MethodOptions &options) {
  auto k = static_cast<int64_t>(s.size());
  std::vector<float> w(matrix.w, matrix.w + matrix.n * k);
  for (int64_t r = 0; r < matrix.n; ++r)
    for (int64_t i = 0; i < k; ++i)
      w[r * k + i] *= s[i];
  QuantizedMatrix out;
  if (Error error = quantizeMatrix(w.data(), matrix.n, k, scheme, &scaled, options, out))
    return error;
  dequantize(out).swap(w);
  for (int64_t r = 0; r < matrix.n; ++r)
    for (int64_t i = 0; i < k; ++i)
      w[r * k + i] /= s[i];
  return outputErrorSum(matrix.w, w.data(), matrix.n, k, &statistics, options.threads);
}

} // namespace

InputStatistics scaledInputs(const InputStatistics &statistics, const std::vector<float> &s) {
  InputStatistics out = statistics;
  for (size_t i = 0; i < s.size(); ++i) {
    if (!out.absMax.empty())
      out.absMax[i] /= s[i];
    if (!out.meanAbs.empty())
      out.meanAbs[i] /= s[i];
    if (!out.meanSquare.empty())
      out.meanSquare[i] /= s[i] * s[i];
    for (size_t j = 0; !out.hessian.empty() && j < s.size(); ++j)
      out.hessian[i * s.size() + j] /= s[i] * s[j];
  }
  return out;
}

Expected<ChannelScales> searchAwq(const std::vector<MatrixView> &matrices, int64_t k,
                                  const Scheme &scheme, const InputStatistics &statistics,
                                  const MethodOptions &options) {
  if (Error error = checkStatistics(statistics, k))
    return error;
  if (statistics.meanAbs.empty() || importanceOf(statistics).empty())
    return createStringError("AWQ needs mean |x| and E[x^2] of the inputs; calibrate with "
                             "-calib=FILE");
  MethodOptions rounding;
  rounding.scales = options.scales;
  rounding.threads = options.threads;
  // Rounding looks at E[x^2] alone.
  InputStatistics diagonal;
  diagonal.k = k;
  diagonal.tokens = statistics.tokens;
  diagonal.meanSquare = importanceOf(statistics);

  ChannelScales best;
  for (int step = 0; step < kSteps; ++step) {
    double alpha = static_cast<double>(step) / kSteps, error = 0;
    std::vector<float> s = factors(statistics.meanAbs, alpha);
    bool sound = std::all_of(s.begin(), s.end(), [](float f) { return std::isnormal(f); });
    if (!sound)
      break;
    InputStatistics scaled = scaledInputs(diagonal, s);
    for (const MatrixView &matrix : matrices) {
      Expected<double> part = errorWith(matrix, s, scheme, statistics, scaled, rounding);
      if (!part)
        return part.takeError();
      error += *part;
    }
    if (step == 0)
      best.errorBefore = error;
    if (step == 0 || error < best.error) {
      best.s = std::move(s);
      best.alpha = alpha;
      best.error = error;
    }
  }
  return best;
}

} // namespace qcc
