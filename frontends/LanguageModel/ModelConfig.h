//===- ModelConfig.h - The numbers that define a decoder model
//-------------===//
//
// One description for Hugging Face's config.json and GGUF's metadata, so that
// what comes after the readers cannot tell them apart. Every number was checked
// when it was read: sizes are positive, fit 31 bits and agree with each other.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_LANGUAGEMODEL_MODELCONFIG_H
#define QCC_FRONTENDS_LANGUAGEMODEL_MODELCONFIG_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace qcc {

/// How the frequencies of the rotary embedding are stretched for long contexts.
enum class RopeType : uint8_t { None, Linear, Llama3, Yarn };

/// Rotary position embedding. Element j of a head is rotated with element j +
/// dims/2 (half-split order) by the angle position * frequency[j].
struct RopeConfig {
  RopeType type = RopeType::None;
  double theta = 10000;
  int64_t dims = 0; ///< leading elements of a head that are rotated; even
  double factor = 1;
  int64_t originalMaxPositions = 0; ///< context the model was trained for first
  double lowFreqFactor = 1, highFreqFactor = 4; ///< Llama3
  double betaFast = 32, betaSlow = 1;           ///< Yarn
  bool truncate = true;                         ///< Yarn: round the ramp's ends
  std::optional<double> mscale, mscaleAllDim;   ///< Yarn
  std::optional<double> attentionFactor;        ///< overrides the computed one
  std::vector<float> divisors; ///< [dims/2], GGUF rope_freqs; empty: all one

  /// Radians for each position, [dims/2], after scaling.
  /// Source: transformers, modeling_rope_utils.py.
  std::vector<float> frequencies() const;

  /// What sine and cosine are multiplied by.
  float attentionScale() const;
};

/// A decoder-only model of the llama shape: RMSNorm, attention with rotary
/// embedding, gated feed-forward; see the architecture table for what varies.
struct ModelConfig {
  std::string architecture; ///< "llama", "mistral", "qwen2"
  int64_t hiddenSize = 0;
  int64_t intermediateSize = 0;
  int64_t numLayers = 0;
  int64_t numHeads = 0;
  int64_t numKvHeads =
      0; ///< divides numHeads; query head h reads kv head h / (heads/kv)
  int64_t headDim = 0;
  int64_t vocabSize =
      0; ///< rows of the embedding, may exceed the tokenizer's size
  int64_t maxPositions = 0;
  double rmsNormEps = 0;
  RopeConfig rope;
  /// For each layer: query i sees keys j with i - w < j <= i; 0 means all of
  /// them.
  std::vector<int64_t> slidingWindow;
  bool qkvBias = false;
  bool outputBias = false; ///< of the attention's output projection
  bool mlpBias = false;
  bool tieEmbeddings = false; ///< the output matrix is the token embedding
  std::optional<int64_t> bosTokenId;
  std::vector<int64_t>
      eosTokenIds; ///< any of them ends the text; without duplicates

  std::vector<float> ropeFrequencies() const { return rope.frequencies(); }
  float ropeAttentionFactor() const { return rope.attentionScale(); }
};

/// One "name: value" line for each number.
std::string describe(const ModelConfig &);

} // namespace qcc

#endif // QCC_FRONTENDS_LANGUAGEMODEL_MODELCONFIG_H
