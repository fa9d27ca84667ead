//===- GgufConfig.cpp - Config of a language model from GGUF metadata
//------===//
//
// Keys are `<architecture>.<name>`; defaults are those of llama.cpp's loader.
//
//===----------------------------------------------------------------------===//
#include "frontends/LanguageModel/GgufConfig.h"

#include "frontends/Common/Error.h"
#include "frontends/LanguageModel/Architecture.h"
#include "frontends/LanguageModel/ConfigCheck.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"

#include <cmath>

using namespace llvm;

namespace qcc {
namespace {

/// Reads keys; the first wrong or missing one is kept as the error.
class MetadataReader {
public:
  explicit MetadataReader(const GgufFile &gguf)
      : gguf(gguf), path(gguf.file->path()) {}
  ~MetadataReader() { consumeError(std::move(error)); }
  Expected<ModelConfig> read();

private:
  const GgufFile &gguf;
  StringRef path;
  Error error = Error::success();
  std::string prefix; ///< "llama."
  ModelConfig config;

  void fail(StringRef key, const Twine &what) {
    if (!error)
      error = badModel(path, "key " + key, what);
  }
  std::string keyOf(StringRef name) const { return prefix + name.str(); }
  int64_t size(StringRef name, std::optional<int64_t> missing = std::nullopt);
  double number(StringRef name, std::optional<double> missing = std::nullopt);
  std::optional<int64_t> tokenId(StringRef key);
  Error findFamily();
  Error checkFeatures();
  Error readSizes();
  void readTokens();
  Error readRope();
  Error readRopeDivisors();
};

/// A size of 1 or more; an array with one value for each layer counts when all
/// are equal.
int64_t MetadataReader::size(StringRef name, std::optional<int64_t> missing) {
  std::string key = keyOf(name);
  const GgufValue *value = gguf.find(key);
  if (!value) {
    if (!missing)
      fail(key, "is missing");
    return missing.value_or(1);
  }
  std::optional<int64_t> number = value->asInteger();
  if (value->isArray() && value->size() <= uint64_t(kMaxLayers)) {
    std::optional<std::vector<int64_t>> all = value->asIntegers();
    if (all && !all->empty() && llvm::all_equal(*all))
      number = all->front();
  }
  if (number && *number >= 1 && *number <= kMaxSize)
    return *number;
  fail(key, "must be an integer from 1 to " + Twine(kMaxSize) +
                ", the same for all layers");
  return 1;
}

double MetadataReader::number(StringRef name, std::optional<double> missing) {
  std::string key = keyOf(name);
  const GgufValue *value = gguf.find(key);
  if (!value) {
    if (!missing)
      fail(key, "is missing");
    return missing.value_or(1);
  }
  std::optional<double> result = value->asFloat();
  if (result && std::isfinite(*result))
    return *result;
  fail(key, "must be a finite float");
  return missing.value_or(1);
}

std::optional<int64_t> MetadataReader::tokenId(StringRef key) {
  const GgufValue *value = gguf.find(key);
  if (!value)
    return std::nullopt;
  std::optional<int64_t> id = value->asInteger();
  if (!id || *id < 0 || *id > kMaxSize)
    fail(key, "must be a token id");
  return id;
}

Error MetadataReader::findFamily() {
  if (const GgufValue *type = gguf.find("general.type"))
    if (type->asString() != StringRef("model"))
      return unsupported(path, "is not a model but a file of type \"" +
                                   type->asString().value_or("?") + "\"");
  const GgufValue *name = gguf.find("general.architecture");
  if (!name || !name->asString())
    return badModel(path, "key general.architecture",
                    "is missing or not a string");
  if (!findGgufArchitecture(*name->asString()))
    return unsupported(path, "the architecture \"" + *name->asString() +
                                 "\" is not supported; known are " +
                                 knownArchitectures());
  config.architecture = name->asString()->str();
  prefix = config.architecture + ".";
  return Error::success();
}

/// Keys that change the computation in ways these families do not have here.
Error MetadataReader::checkFeatures() {
  std::vector<std::string> found;
  for (const char *name :
       {"expert_count", "logit_scale", "residual_scale", "embedding_scale",
        "attention.scale", "attn_logit_softcapping", "final_logit_softcapping",
        "attention.clamp_kqv", "attention.max_alibi_bias"}) {
    const GgufValue *value = gguf.find(keyOf(name));
    if (value && value->asInteger() != 0 && value->asFloat() != 0.0)
      found.push_back(keyOf(name));
  }
  if (found.empty())
    return Error::success();
  return unsupported(path, "uses features that are not supported",
                     std::move(found));
}

Error MetadataReader::readSizes() {
  config.hiddenSize = size("embedding_length");
  config.intermediateSize = size("feed_forward_length");
  config.numLayers = size("block_count");
  config.numHeads = size("attention.head_count");
  config.numKvHeads = size("attention.head_count_kv", config.numHeads);
  if (gguf.find(keyOf("attention.key_length")))
    config.headDim = size("attention.key_length");
  config.maxPositions = size("context_length");
  config.rmsNormEps = number("attention.layer_norm_rms_epsilon");
  const GgufValue *tokens = gguf.find("tokenizer.ggml.tokens");
  const SourceTensor *embedding = gguf.tensors.find("token_embd.weight");
  if (gguf.find(keyOf("vocab_size")))
    config.vocabSize = size("vocab_size");
  else if (tokens && tokens->isArray())
    config.vocabSize = tokens->size();
  else if (embedding && embedding->shape.size() == 2)
    config.vocabSize = embedding->shape[0];
  if (config.vocabSize < 1 || config.vocabSize > kMaxSize)
    fail(keyOf("vocab_size"), "there is neither this key, nor a list of "
                              "tokens, nor a tensor token_embd.weight to tell "
                              "the size of the vocabulary");
  int64_t window = 0;
  if (gguf.find(keyOf("attention.sliding_window")))
    window = size("attention.sliding_window");
  if (config.numLayers <= kMaxLayers)
    config.slidingWindow.assign(config.numLayers, window);
  auto has = [&](StringRef name) { return gguf.tensors.find(name) != nullptr; };
  config.qkvBias = has("blk.0.attn_q.bias");
  config.outputBias = has("blk.0.attn_output.bias");
  config.mlpBias = has("blk.0.ffn_down.bias");
  config.tieEmbeddings = !has("output.weight");
  return Error::success();
}

void MetadataReader::readTokens() {
  config.bosTokenId = tokenId("tokenizer.ggml.bos_token_id");
  for (const char *key :
       {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"})
    if (std::optional<int64_t> id = tokenId(key))
      config.eosTokenIds.push_back(*id);
  llvm::sort(config.eosTokenIds);
  config.eosTokenIds.erase(llvm::unique(config.eosTokenIds),
                           config.eosTokenIds.end());
}

Error MetadataReader::readRope() {
  RopeConfig &rope = config.rope;
  rope.theta = number("rope.freq_base", 10000);
  rope.originalMaxPositions =
      size("rope.scaling.original_context_length", config.maxPositions);
  StringRef type = "linear";
  std::string typeKey = keyOf("rope.scaling.type");
  if (const GgufValue *value = gguf.find(typeKey)) {
    if (!value->asString())
      return badModel(path, "key " + typeKey, "must be a string");
    type = *value->asString();
  }
  // The key's old name, and 0 for "none", are what old converters wrote.
  double factor = number("rope.scaling.factor", number("rope.scale_linear", 0));
  rope.factor = factor == 0 ? 1 : factor;
  if (type == "yarn") {
    rope.type = RopeType::Yarn;
    rope.betaFast = number("rope.scaling.yarn_beta_fast", 32);
    rope.betaSlow = number("rope.scaling.yarn_beta_slow", 1);
    double computed = rope.attentionScale();
    rope.attentionFactor = computed * number("rope.scaling.attn_factor", 1);
  } else if (type == "linear") {
    rope.type = rope.factor == 1 ? RopeType::None : RopeType::Linear;
  } else if (type == "none") {
    rope.factor = 1;
  } else {
    return unsupported(path, "the rotary embedding \"" + type + "\" (" +
                                 typeKey +
                                 ") is not supported; none, linear and yarn "
                                 "are");
  }
  return Error::success();
}

Error MetadataReader::readRopeDivisors() {
  const SourceTensor *tensor = gguf.tensors.find("rope_freqs.weight");
  if (!tensor)
    return Error::success();
  if (tensor->dtype != DType::F32 ||
      ArrayRef<int64_t>(tensor->shape) !=
          ArrayRef<int64_t>(config.rope.dims / 2))
    return badModel(path, "tensor rope_freqs.weight",
                    "must be F32 of shape [" + Twine(config.rope.dims / 2) +
                        "], is " + info(tensor->dtype).name + " of shape " +
                        shapeString(tensor->shape));
  for (int64_t i = 0; i < config.rope.dims / 2; ++i) {
    float divisor = llvm::bit_cast<float>(
        support::endian::read32le(tensor->bytes.data() + 4 * i));
    if (!std::isfinite(divisor) || divisor <= 0)
      return badModel(path, "tensor rope_freqs.weight",
                      "must hold finite numbers above 0");
    config.rope.divisors.push_back(divisor);
  }
  return Error::success();
}

Expected<ModelConfig> MetadataReader::read() {
  for (auto step : {&MetadataReader::findFamily, &MetadataReader::checkFeatures,
                    &MetadataReader::readSizes, &MetadataReader::readRope})
    if (Error failure = (this->*step)())
      return failure;
  readTokens();
  int64_t valueLength = gguf.find(keyOf("attention.value_length"))
                            ? size("attention.value_length")
                            : 0;
  int64_t ropeDims = gguf.find(keyOf("rope.dimension_count"))
                         ? size("rope.dimension_count")
                         : 0;
  if (error)
    return std::move(error);
  ConfigKeys names{keyOf("embedding_length"),
                   keyOf("attention.head_count"),
                   keyOf("attention.head_count_kv"),
                   keyOf("attention.key_length"),
                   keyOf("block_count"),
                   "tokenizer.ggml.bos_token_id",
                   keyOf("rope.freq_base"),
                   keyOf("rope.scaling.factor")};
  if (Error failure = completeConfig(config, path, names))
    return failure;
  if (valueLength && valueLength != config.headDim)
    return unsupported(path, "values of another length than keys (" +
                                 keyOf("attention.value_length") +
                                 ") are not supported");
  if (ropeDims && ropeDims != config.headDim)
    return unsupported(path, "rotating a part of each head (" +
                                 keyOf("rope.dimension_count") +
                                 ") is not supported for this architecture");
  if (Error failure = readRopeDivisors())
    return failure;
  return std::move(config);
}

} // namespace

Expected<ModelConfig> readGgufConfig(const GgufFile &gguf) {
  return MetadataReader(gguf).read();
}

} // namespace qcc
