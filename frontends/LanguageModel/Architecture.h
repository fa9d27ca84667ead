//===- Architecture.h - The table of known model families
//------------------===//
//
// What sets one family of decoder models apart from the next, as data. A family
// that has the structure of these needs one more row in Architecture.cpp.
// Source of defaults and rules: transformers' configuration classes; llama.cpp
// for GGUF.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_LANGUAGEMODEL_ARCHITECTURE_H
#define QCC_FRONTENDS_LANGUAGEMODEL_ARCHITECTURE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <string>

namespace qcc {

/// Which layers have a sliding window, when config.json gives one.
enum class SlidingRule : uint8_t {
  None,      ///< the family has none; the key means nothing
  AllLayers, ///< every layer
  LastLayers ///< if use_sliding_window, layers from max_window_layers on
};

/// A family, and the values that keys missing from its config.json stand for.
struct Architecture {
  const char *name;    ///< model_type, and ModelConfig::architecture
  const char *hfClass; ///< architectures[0]
  const char
      *ggufName; ///< general.architecture; null: known there by another name
  bool qkvBiasAlways;  ///< q, k and v have biases whatever the config says
  bool biasKeys;       ///< attention_bias and mlp_bias mean something
  bool ggufPermutesQK; ///< GGUF stores rows of q and k in interleaved order
  SlidingRule sliding;
  int64_t slidingWindow;   ///< default of sliding_window
  int64_t maxWindowLayers; ///< default of max_window_layers
  int64_t kvHeads;         ///< default of num_key_value_heads; 0: all heads
  int64_t maxPositions;    ///< default of max_position_embeddings
  double rmsNormEps;
  double ropeTheta;
};

/// All rows.
llvm::ArrayRef<Architecture> architectures();

/// By model_type or class name (Hugging Face), or by general.architecture
/// (GGUF); null for an unknown one.
const Architecture *findHfArchitecture(llvm::StringRef nameOrClass);
const Architecture *findGgufArchitecture(llvm::StringRef name);

/// "llama, mistral, qwen2", for messages.
std::string knownArchitectures();

} // namespace qcc

#endif // QCC_FRONTENDS_LANGUAGEMODEL_ARCHITECTURE_H
