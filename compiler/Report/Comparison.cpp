//===- Comparison.cpp - Two language models on the same text -------------------------------===//

#include "compiler/Report/Comparison.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <cmath>

using namespace llvm;

namespace qcc {
namespace {
/// ln of the sum of e^logit, and the index of the largest.
struct Normalizer {
  double logSum = 0;
  int64_t top = 0;

  Normalizer(const float *logits, int64_t count) {
    top = std::max_element(logits, logits + count) - logits;
    double sum = 0;
    for (int64_t i = 0; i < count; ++i)
      sum += std::exp(logits[i] - logits[top]);
    logSum = logits[top] + std::log(sum);
  }
};
} // namespace

bool Comparison::add(const float *exact, const float *quantized, int64_t vocabulary, int32_t next) {
  Normalizer p(exact, vocabulary), q(quantized, vocabulary);
  if (!std::isfinite(p.logSum) || !std::isfinite(q.logSum))
    return false;
  double divergence = 0;
  for (int64_t i = 0; i < vocabulary; ++i) {
    double logP = exact[i] - p.logSum;
    // A probability below e^-40 adds nothing that a sum of doubles would keep.
    if (logP > -40)
      divergence += std::exp(logP) * (logP - (quantized[i] - q.logSum));
  }
  double logP = exact[next] - p.logSum, logQ = quantized[next] - q.logSum;
  double change = std::exp(logQ) - std::exp(logP);
  lossFloat -= logP;
  loss -= logQ;
  differenceSquares += (logP - logQ) * (logP - logQ);
  delta += change;
  deltaSquares += change * change;
  sameTop += p.top == q.top;
  divergences.push_back(static_cast<float>(std::max(0.0, divergence)));
  return true;
}

Quality Comparison::finish() const {
  Quality result;
  result.positions = static_cast<int64_t>(divergences.size());
  if (divergences.empty())
    return result;
  double n = result.positions;
  auto standardError = [&](double squares, double mean) {
    return std::sqrt(std::max(0.0, squares / n - mean * mean) / n);
  };
  result.perplexityFloat = std::exp(lossFloat / n);
  result.perplexity = std::exp(loss / n);
  result.logRatio = (loss - lossFloat) / n;
  result.logRatioError = standardError(differenceSquares, result.logRatio);
  std::vector<float> sorted = divergences;
  std::sort(sorted.begin(), sorted.end());
  double squares = 0;
  for (float value : sorted) {
    result.divergence += value / n;
    squares += double(value) * value;
  }
  result.divergenceError = standardError(squares, result.divergence);
  result.divergenceMedian = sorted[sorted.size() / 2];
  result.divergence99 = sorted[static_cast<size_t>(0.99 * (sorted.size() - 1))];
  result.divergenceMax = sorted.back();
  result.sameTop = sameTop / n;
  result.meanDelta = delta / n;
  result.rmsDelta = std::sqrt(deltaSquares / n);
  return result;
}

std::string Quality::lines() const {
  std::string text;
  raw_string_ostream os(text);
  os << format("perplexity: %.4f (float %.4f, %+.2f %%)\n", perplexity, perplexityFloat,
               100 * (perplexity / perplexityFloat - 1))
     << format("ln ratio: %.5f +- %.5f\n", logRatio, logRatioError)
     << format("KL divergence: mean %.5f +- %.5f, median %.5f, 99 %% %.4f, max %.3f nats\n",
               divergence, divergenceError, divergenceMedian, divergence99, divergenceMax)
     << format("same top token: %.2f %%\n", 100 * sameTop)
     << format("probability of the right token: mean change %+.3f %%, rms %.3f %%\n",
               100 * meanDelta, 100 * rmsDelta)
     << "positions scored: " << positions << '\n';
  return text;
}

} // namespace qcc
