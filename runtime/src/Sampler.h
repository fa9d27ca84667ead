//===- Sampler.h - From logits to a token
//----------------------------------===//
//
// Greedy choice, or sampling: repeat penalty, top-k, top-p, min-p, temperature,
// in the order and with the meaning of llama.cpp, so that settings carry over.
// The same seed and logits give the same tokens everywhere.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_RUNTIME_SRC_SAMPLER_H
#define QCC_RUNTIME_SRC_SAMPLER_H

#include "runtime/src/Support.h"

namespace qcc::rt {

struct SamplerOptions {
  double temperature = 0.8; ///< 0: the most likely token
  int64_t topK = 40;        ///< 0: all
  double topP = 0.95;       ///< 1: all
  double minP = 0.05;       ///< 0: all
  double repeatPenalty = 1; ///< 1: none
  int64_t repeatLast = 64;  ///< tokens that the penalty looks back
  uint64_t seed = 0;
};

/// Empty, or which option has no meaning.
Status checkOptions(const SamplerOptions &options);

class Sampler {
public:
  explicit Sampler(const SamplerOptions &options);

  /// Chooses a token. NaN counts as impossible; the lower id wins a tie.
  /// Returns -1 when no logit is a number.
  int32_t sample(const float *logits, int64_t size);

  /// Tells it of a token of the text, for the penalty.
  void accept(int32_t token);

private:
  struct Candidate {
    float logit;
    int32_t id;
  };
  float penalized(float logit, int32_t id) const;
  int32_t greedy(const float *logits, int64_t size) const;
  void keepLikely();
  double uniform();

  SamplerOptions options;
  std::vector<Candidate> candidates;
  std::vector<int32_t> recent; ///< ring of the last tokens
  size_t next = 0;
  uint64_t state[4];
};

} // namespace qcc::rt

#endif // QCC_RUNTIME_SRC_SAMPLER_H
