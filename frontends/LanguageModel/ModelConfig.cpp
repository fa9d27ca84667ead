//===- ModelConfig.cpp - The numbers that define a decoder model
//-----------===//
//
// Checks that all sources of a config share, and the config as text.
//
//===----------------------------------------------------------------------===//
#include "frontends/LanguageModel/ModelConfig.h"

#include "frontends/Common/Error.h"
#include "frontends/LanguageModel/ConfigCheck.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace llvm;

namespace qcc {
namespace {

const char *ropeTypeName(RopeType type) {
  switch (type) {
  case RopeType::None:
    return "default";
  case RopeType::Linear:
    return "linear";
  case RopeType::Llama3:
    return "llama3";
  case RopeType::Yarn:
    return "yarn";
  }
  llvm_unreachable("all types are listed");
}

Error checkRope(const ModelConfig &config, StringRef path,
                const ConfigKeys &keys) {
  const RopeConfig &rope = config.rope;
  if (!std::isfinite(rope.theta) || rope.theta <= 1)
    return badModel(path, "key " + keys.theta,
                    "must be a finite number above 1");
  if (!std::isfinite(rope.factor) || rope.factor <= 0)
    return badModel(path, "key " + keys.factor,
                    "must be a finite number above 0");
  bool scaled = rope.type == RopeType::Llama3 || rope.type == RopeType::Yarn;
  if (scaled && rope.originalMaxPositions <= 0)
    return badModel(path, "rotary embedding",
                    "the original context length must be above 0");
  if (rope.type == RopeType::Llama3 &&
      !(rope.lowFreqFactor > 0 && rope.highFreqFactor > rope.lowFreqFactor))
    return badModel(path, "rotary embedding",
                    "high_freq_factor must be above low_freq_factor, and both "
                    "above 0");
  if (rope.type == RopeType::Yarn &&
      !(rope.betaSlow > 0 && rope.betaFast > rope.betaSlow))
    return badModel(path, "rotary embedding",
                    "beta_fast must be above beta_slow, and both above 0");
  float scale = rope.attentionScale();
  if (!std::isfinite(scale) || scale <= 0)
    return badModel(path, "rotary embedding",
                    "the attention factor must be a finite number above 0");
  for (float f : rope.frequencies())
    if (!std::isfinite(f))
      return badModel(path, "rotary embedding",
                      "its parameters give a frequency that is not finite");
  return Error::success();
}

} // namespace

Error completeConfig(ModelConfig &config, StringRef path,
                     const ConfigKeys &keys) {
  if (config.numLayers > kMaxLayers)
    return badModel(path, "key " + keys.layers,
                    Twine(config.numLayers) + " layers; at most " +
                        Twine(kMaxLayers) + " are allowed");
  if (config.numHeads % config.numKvHeads != 0)
    return badModel(path, "key " + keys.heads,
                    Twine(config.numHeads) + " is no multiple of " +
                        keys.kvHeads + " = " + Twine(config.numKvHeads));
  if (config.headDim == 0) {
    if (config.hiddenSize % config.numHeads != 0)
      return badModel(path, "key " + keys.hidden,
                      Twine(config.hiddenSize) + " is no multiple of " +
                          keys.heads + " = " + Twine(config.numHeads) +
                          ", and " + keys.headDim + " is not given");
    config.headDim = config.hiddenSize / config.numHeads;
  }
  if (config.headDim % 2 != 0)
    return badModel(path, "key " + keys.headDim,
                    "a head of " + Twine(config.headDim) +
                        " elements cannot be rotated; the size must be even");
  // Both factors are below 2^31: the product fits.
  if (config.numHeads * config.headDim > kMaxSize)
    return badModel(path, "key " + keys.heads,
                    Twine(config.numHeads) + " heads of " +
                        Twine(config.headDim) + " elements are too many");
  if (config.bosTokenId && *config.bosTokenId >= config.vocabSize)
    return badModel(path, "key " + keys.bos,
                    Twine(*config.bosTokenId) +
                        " is outside the vocabulary of " +
                        Twine(config.vocabSize));
  if (!std::isfinite(config.rmsNormEps) || config.rmsNormEps < 0)
    return badModel(path, "epsilon of the norms",
                    "must be finite and not "
                    "negative");
  if (config.rope.dims == 0)
    config.rope.dims = config.headDim;
  return checkRope(config, path, keys);
}

std::string describe(const ModelConfig &config) {
  std::string text;
  raw_string_ostream os(text);
  auto line = [&](StringRef name, const Twine &value) {
    os << "  " << name << ": " << value << '\n';
  };
  auto number = [](double value) {
    std::string digits;
    raw_string_ostream(digits) << format("%g", value);
    return digits;
  };
  line("architecture", config.architecture);
  line("hidden size", Twine(config.hiddenSize));
  line("intermediate size", Twine(config.intermediateSize));
  line("layers", Twine(config.numLayers));
  line("heads", Twine(config.numHeads) + " of " + Twine(config.headDim));
  line("kv heads", Twine(config.numKvHeads));
  line("vocabulary", Twine(config.vocabSize));
  line("context", Twine(config.maxPositions));
  line("norm epsilon", number(config.rmsNormEps));
  line("rope", ropeTypeName(config.rope.type) + Twine(", theta ") +
                   number(config.rope.theta));
  if (config.rope.type != RopeType::None)
    line("rope factor", number(config.rope.factor));
  auto sliding =
      llvm::count_if(config.slidingWindow, [](int64_t w) { return w != 0; });
  if (sliding)
    line("sliding window", Twine(*llvm::max_element(config.slidingWindow)) +
                               " in " + Twine(sliding) + " layers");
  line("biases",
       Twine(config.qkvBias ? "q k v " : "") + (config.outputBias ? "o " : "") +
           (config.mlpBias ? "mlp" : "") +
           (config.qkvBias || config.outputBias || config.mlpBias ? ""
                                                                  : "none"));
  line("tied embeddings", config.tieEmbeddings ? "yes" : "no");
  if (config.bosTokenId)
    line("bos", Twine(*config.bosTokenId));
  std::string ids;
  raw_string_ostream idStream(ids);
  llvm::interleave(config.eosTokenIds, idStream, " ");
  line("eos", ids);
  return text;
}

} // namespace qcc
