//===- Comparison.h - Two language models on the same text ---------------------------------===//
//
// What quantization costs, token by token: how the distributions over the next token differ, and
// how well each predicts the token that came. The same positions of the same text go through both
// models, so differences are measured far more precisely than either perplexity.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_REPORT_COMPARISON_H
#define QCC_COMPILER_REPORT_COMPARISON_H

#include <cstdint>
#include <string>
#include <vector>

namespace qcc {

/// Over all positions that were scored. Logarithms are natural; a standard error is that of a mean
/// over positions taken as independent.
struct Quality {
  int64_t positions = 0;
  double perplexityFloat = 0, perplexity = 0;
  double logRatio = 0,
         logRatioError = 0; ///< ln(perplexity / perplexityFloat) and its paired standard error
  /// KL(float || quantized) = sum over v of p (ln p - ln q), in nats.
  double divergence = 0, divergenceError = 0, divergenceMedian = 0, divergence99 = 0,
         divergenceMax = 0;
  double sameTop = 0; ///< share of positions where both find the same token most likely
  /// Of the probability of the token that came: mean and root mean square of the difference.
  double meanDelta = 0, rmsDelta = 0;

  /// "key: value" lines.
  std::string lines() const;
};

class Comparison {
public:
  /// Adds a position: logits[vocabulary] of both models, and the token that came next. False when
  /// logits are not numbers.
  [[nodiscard]] bool add(const float *exact, const float *quantized, int64_t vocabulary,
                         int32_t next);
  Quality finish() const;
  /// The KL divergence of each position, in the order in which they came.
  const std::vector<float> &all() const { return divergences; }

private:
  double lossFloat = 0, loss = 0, differenceSquares = 0, delta = 0, deltaSquares = 0;
  int64_t sameTop = 0;
  std::vector<float> divergences;
};

} // namespace qcc

#endif // QCC_COMPILER_REPORT_COMPARISON_H
