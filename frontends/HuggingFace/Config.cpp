//===- Config.cpp - config.json of a Hugging Face model -------------------===//
//
// Reads keys through an accessor that keeps the first error, so that the code
// below is a list of keys and their meaning.
//
//===----------------------------------------------------------------------===//
#include "frontends/HuggingFace/Config.h"

#include "frontends/Common/Error.h"
#include "frontends/Common/Json.h"
#include "frontends/LanguageModel/Architecture.h"
#include "frontends/LanguageModel/ConfigCheck.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <cmath>

using nlohmann::json;
using namespace llvm;

namespace qcc {
namespace {

/// Typed access to an object's members. A member of the wrong type is recorded
/// as the error (the first one wins) and read as the default. null counts as
/// missing.
class Members {
public:
  Members(StringRef path, const json &object, Error &error, StringRef prefix = "")
      : path(path), object(object), error(error), prefix(prefix) {}

  const json *find(StringRef key) const {
    const json *value = findMember(object, key);
    return value && !value->is_null() ? value : nullptr;
  }
  /// A size of 1 or more. Without a default, the key must be there.
  int64_t size(StringRef key, std::optional<int64_t> missing = std::nullopt) {
    const json *value = find(key);
    if (!value) {
      if (!missing)
        fail(key, "is missing");
      return missing.value_or(1);
    }
    std::optional<uint64_t> number = unsignedOf(*value);
    if (number && *number >= 1 && *number <= uint64_t(kMaxSize))
      return *number;
    fail(key, "must be an integer from 1 to " + Twine(kMaxSize));
    return 1;
  }
  /// A finite number. Without a default, the key must be there.
  double number(StringRef key, std::optional<double> missing = std::nullopt) {
    const json *value = find(key);
    if (value && value->is_number()) {
      double result = value->get<double>();
      if (std::isfinite(result))
        return result;
    }
    if (value)
      fail(key, "must be a finite number");
    else if (!missing)
      fail(key, "is missing");
    return missing.value_or(1);
  }
  std::optional<double> optionalNumber(StringRef key) {
    if (!find(key))
      return std::nullopt;
    return number(key);
  }
  bool flag(StringRef key, bool missing) {
    const json *value = find(key);
    if (!value)
      return missing;
    if (value->is_boolean())
      return value->get<bool>();
    fail(key, "must be true or false");
    return missing;
  }
  StringRef text(StringRef key, StringRef missing) {
    const json *value = find(key);
    if (!value)
      return missing;
    if (value->is_string())
      return stringOf(*value);
    fail(key, "must be a string");
    return missing;
  }
  /// A token id, or a list of them.
  std::vector<int64_t> tokenIds(StringRef key) {
    std::vector<int64_t> ids;
    const json *value = find(key);
    if (!value)
      return ids;
    auto add = [&](const json &item) {
      std::optional<uint64_t> id = unsignedOf(item);
      if (id && *id <= uint64_t(kMaxSize))
        ids.push_back(*id);
      else
        fail(key, "must be a token id or a list of token ids");
    };
    if (!value->is_array())
      add(*value);
    else
      for (const json &item : value->get_ref<const json::array_t &>())
        add(item);
    return ids;
  }
  void fail(StringRef key, const Twine &what) {
    if (!error)
      error = badModel(path, "key " + prefix + key, what);
  }

private:
  StringRef path;
  const json &object;
  Error &error;
  std::string prefix;
};

class ConfigReader {
public:
  ConfigReader(StringRef path, const json &top) : path(path), top(top), keys(path, top, error) {}
  ~ConfigReader() { consumeError(std::move(error)); }
  Expected<ModelConfig> read();

private:
  StringRef path;
  const json &top;
  Error error = Error::success();
  Members keys;
  ModelConfig config;
  const Architecture *family = nullptr;

  Error unsupportedHere(const Twine &what) { return unsupported(path, what); }
  Error findFamily();
  void readSizes();
  void readSlidingWindows();
  Error readRope();
  Error readRopeScaling(const json &object, StringRef name);
};

Error ConfigReader::findFamily() {
  StringRef type = keys.text("model_type", "");
  if (type.empty()) {
    const json *classes = keys.find("architectures");
    if (classes && classes->is_array() && !classes->empty() && classes->front().is_string())
      type = stringOf(classes->front());
  }
  if (error)
    return std::move(error);
  if (type.empty())
    return badModel(path, "key model_type", "is missing");
  family = findHfArchitecture(type);
  if (!family)
    return unsupportedHere("the architecture \"" + type + "\" is not supported; known are " +
                           knownArchitectures());
  // A model without its output layer, or one made for classification, is no
  // text generator.
  const json *classes = keys.find("architectures");
  if (classes && classes->is_array() && !classes->empty() && classes->front().is_string() &&
      stringOf(classes->front()) != family->hfClass)
    return unsupportedHere("the model class \"" + stringOf(classes->front()) +
                           "\" is not supported; of " + family->name + " models, " +
                           family->hfClass + " is");
  StringRef act = keys.text("hidden_act", "silu");
  if (act != "silu" && act != "swish")
    return unsupportedHere("the activation \"" + act + "\" (hidden_act) is not supported; silu is");
  return Error::success();
}

void ConfigReader::readSizes() {
  config.architecture = family->name;
  config.hiddenSize = keys.size("hidden_size");
  config.intermediateSize = keys.size("intermediate_size");
  config.numLayers = keys.size("num_hidden_layers");
  config.numHeads = keys.size("num_attention_heads");
  config.numKvHeads =
      keys.size("num_key_value_heads", family->kvHeads ? family->kvHeads : config.numHeads);
  if (keys.find("head_dim"))
    config.headDim = keys.size("head_dim");
  config.vocabSize = keys.size("vocab_size");
  config.maxPositions = keys.size("max_position_embeddings", family->maxPositions);
  config.rmsNormEps = keys.number("rms_norm_eps", family->rmsNormEps);
  bool attentionBias = family->biasKeys && keys.flag("attention_bias", false);
  config.qkvBias = family->qkvBiasAlways || attentionBias;
  config.outputBias = attentionBias;
  config.mlpBias = family->biasKeys && keys.flag("mlp_bias", false);
  config.tieEmbeddings = keys.flag("tie_word_embeddings", false);
  std::vector<int64_t> bos = keys.tokenIds("bos_token_id");
  if (!bos.empty())
    config.bosTokenId = bos.front();
  config.eosTokenIds = keys.tokenIds("eos_token_id");
}

void ConfigReader::readSlidingWindows() {
  if (config.numLayers > kMaxLayers)
    return; // completeConfig reports it
  config.slidingWindow.assign(config.numLayers, 0);
  if (family->sliding == SlidingRule::None)
    return;
  int64_t window = 0;
  // Here null is not the same as missing: it means no window.
  if (const json *value = findMember(top, "sliding_window"); !value || !value->is_null())
    window = keys.size("sliding_window", family->slidingWindow);
  int64_t first = 0;
  if (family->sliding == SlidingRule::LastLayers) {
    if (!keys.flag("use_sliding_window", false))
      return;
    const json *value = keys.find("max_window_layers");
    std::optional<uint64_t> layers = value ? unsignedOf(*value) : family->maxWindowLayers;
    if (!layers)
      keys.fail("max_window_layers", "must be an integer of 0 or more");
    first = std::min<uint64_t>(layers.value_or(0), config.numLayers);
  }
  std::fill(config.slidingWindow.begin() + first, config.slidingWindow.end(), window);
  const json *types = keys.find("layer_types");
  if (!types)
    return;
  if (!types->is_array() || types->size() != size_t(config.numLayers))
    return keys.fail("layer_types", "must be a list with one entry a layer");
  const auto &list = types->get_ref<const json::array_t &>();
  for (auto [type, slides] : llvm::zip_equal(list, config.slidingWindow)) {
    if (type == "full_attention")
      slides = 0;
    else if (type == "sliding_attention")
      slides = window;
    else
      keys.fail("layer_types", "entries must be full_attention or sliding_attention");
  }
}

Error ConfigReader::readRope() {
  RopeConfig &rope = config.rope;
  rope.theta = keys.number("rope_theta", family->ropeTheta);
  rope.originalMaxPositions = config.maxPositions;
  for (StringRef name : {"rope_parameters", "rope_scaling"}) {
    const json *object = keys.find(name);
    if (!object)
      continue;
    if (!object->is_object())
      return badModel(path, "key " + name, "must be an object or null");
    return readRopeScaling(*object, name);
  }
  if (keys.number("partial_rotary_factor", 1) != 1)
    return unsupportedHere("a partial_rotary_factor other than 1 is not "
                           "supported for this architecture");
  return Error::success();
}

Error ConfigReader::readRopeScaling(const json &object, StringRef name) {
  RopeConfig &rope = config.rope;
  Members scaling(path, object, error, name.str() + ".");
  // Parameters for each kind of layer: none of the known families has them.
  for (const auto &member : object.get_ref<const json::object_t &>())
    if (member.second.is_object())
      return unsupportedHere("rotary embeddings that differ between layers (" + name + "." +
                             member.first + ") are not supported");
  rope.theta = scaling.number("rope_theta", rope.theta);
  StringRef type = scaling.text("rope_type", scaling.text("type", "default"));
  if (scaling.number("partial_rotary_factor", keys.number("partial_rotary_factor", 1)) != 1)
    return unsupportedHere("a partial_rotary_factor other than 1 is not "
                           "supported for this architecture");
  if (type == "default")
    return Error::success();
  if (type != "linear" && type != "llama3" && type != "yarn")
    return unsupportedHere("the rotary embedding \"" + type + "\" (" + name +
                           ") is not supported; default, linear, llama3 and "
                           "yarn are");
  rope.factor = scaling.number("factor");
  if (type == "linear") {
    rope.type = RopeType::Linear;
    return Error::success();
  }
  rope.attentionFactor = scaling.optionalNumber("attention_factor");
  if (type == "llama3") {
    rope.type = RopeType::Llama3;
    rope.attentionFactor.reset(); // llama3 has none
    rope.originalMaxPositions = scaling.size("original_max_position_embeddings");
    rope.lowFreqFactor = scaling.number("low_freq_factor");
    rope.highFreqFactor = scaling.number("high_freq_factor");
    return Error::success();
  }
  rope.type = RopeType::Yarn;
  rope.originalMaxPositions = scaling.size("original_max_position_embeddings", config.maxPositions);
  rope.betaFast = scaling.number("beta_fast", 32);
  rope.betaSlow = scaling.number("beta_slow", 1);
  rope.truncate = scaling.flag("truncate", true);
  rope.mscale = scaling.optionalNumber("mscale");
  rope.mscaleAllDim = scaling.optionalNumber("mscale_all_dim");
  return Error::success();
}

Expected<ModelConfig> ConfigReader::read() {
  if (!top.is_object())
    return badModel(path, "", "is not a JSON object");
  if (Error failure = findFamily())
    return failure;
  readSizes();
  readSlidingWindows();
  if (Error failure = readRope())
    return failure;
  if (error)
    return std::move(error);
  ConfigKeys names{"hidden_size", "num_attention_heads", "num_key_value_heads",
                   "head_dim",    "num_hidden_layers",   "bos_token_id",
                   "rope_theta",  "rope_scaling.factor"};
  if (Error failure = completeConfig(config, path, names))
    return failure;
  return std::move(config);
}

std::string fileIn(StringRef directory, StringRef name) {
  SmallString<256> path(directory);
  sys::path::append(path, name);
  return std::string(path);
}

/// End tokens that only generation_config.json knows.
Error addGenerationConfig(StringRef path, ModelConfig &config) {
  Expected<json> document = readJson(path);
  if (!document)
    return document.takeError();
  Error error = Error::success();
  Members keys(path, *document, error);
  for (int64_t id : keys.tokenIds("eos_token_id"))
    config.eosTokenIds.push_back(id);
  return error;
}

} // namespace

Expected<ModelConfig> readHfConfig(StringRef directory) {
  std::string path = fileIn(directory, "config.json");
  if (!sys::fs::exists(path))
    return badModel(directory, "", "has no config.json; is this a Hugging Face model?");
  Expected<json> document = readJson(path);
  if (!document)
    return document.takeError();
  Expected<ModelConfig> config = ConfigReader(path, *document).read();
  if (!config)
    return config.takeError();
  std::string generation = fileIn(directory, "generation_config.json");
  if (sys::fs::exists(generation))
    if (Error error = addGenerationConfig(generation, *config))
      return error;
  llvm::sort(config->eosTokenIds);
  config->eosTokenIds.erase(llvm::unique(config->eosTokenIds), config->eosTokenIds.end());
  return config;
}

} // namespace qcc
