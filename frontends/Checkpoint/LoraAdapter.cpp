//===- LoraAdapter.cpp - A low-rank adapter of PEFT -----------------------===//
//
// Which layers an adapter changes is read off its tensors; the config gives the
// scale, and says when the tensors mean something else.
//
//===----------------------------------------------------------------------===//
#include "frontends/Checkpoint/LoraAdapter.h"

#include "frontends/Common/Error.h"
#include "frontends/Common/Json.h"
#include "frontends/Safetensors/Safetensors.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <cmath>

using nlohmann::json;
using namespace llvm;

namespace qcc {
namespace {

std::string fileIn(StringRef directory, StringRef name) {
  SmallString<128> path(directory);
  sys::path::append(path, name);
  return std::string(path);
}

/// null, false, "", [] and {}: as if the key were not there.
bool isOff(const json *value) {
  if (!value || value->is_null())
    return true;
  if (value->is_boolean())
    return !value->get<bool>();
  return (value->is_array() || value->is_object() || value->is_string()) && value->empty();
}

/// Keys that, when they are set, give the tensors another meaning.
constexpr StringLiteral kRefused[] = {
    "modules_to_save",         "use_dora",          "lora_bias",       "rank_pattern",
    "alpha_pattern",           "layer_replication", "megatron_config", "trainable_token_indices",
    "alora_invocation_tokens", "use_qalora",        "arrow_config",    "target_parameters",
};

/// Initializations that leave the base as it was. (pissa, olora, corda and loftq change it.)
bool keepsBase(const json *init) {
  if (!init || init->is_null() || init->is_boolean())
    return true;
  return init->is_string() && (*init == "gaussian" || *init == "eva" || *init == "orthogonal");
}

} // namespace

Error LoraAdapter::readConfig() {
  std::string file = fileIn(path, "adapter_config.json");
  if (!sys::fs::exists(file))
    return badModel(path, "", "has no adapter_config.json; is this a PEFT adapter?");
  Expected<json> config = readJson(file);
  if (!config)
    return config.takeError();
  if (!config->is_object())
    return badModel(file, "", "is not a JSON object");
  const json *type = findMember(*config, "peft_type");
  if (!type || !type->is_string())
    return badModel(file, "key peft_type", "is missing or no string");
  if (*type != "LORA")
    return unsupported(file, "peft_type \"" + stringOf(*type) + "\"; LORA is supported");
  std::vector<std::string> refused;
  for (StringRef key : kRefused)
    if (!isOff(findMember(*config, key)))
      refused.push_back(key.str());
  if (const json *bias = findMember(*config, "bias"); !isOff(bias) && *bias != "none")
    refused.push_back("bias other than none");
  if (!keepsBase(findMember(*config, "init_lora_weights")))
    refused.push_back("init_lora_weights that changes the base model");
  if (!refused.empty())
    return unsupported(file,
                       "settings of the adapter are not supported; merge it with PEFT "
                       "(merge_and_unload) and compile the result",
                       std::move(refused));
  const json *r = findMember(*config, "r"), *alpha = findMember(*config, "lora_alpha");
  std::optional<uint64_t> size = r ? unsignedOf(*r) : std::nullopt;
  if (!size || *size == 0 || *size > 65536)
    return badModel(file, "key r", "is not an integer from 1 to 65536");
  if (!alpha || !alpha->is_number() || !(std::fabs(alpha->get<double>()) <= 1e30))
    return badModel(file, "key lora_alpha", "is not a number within -1e30..1e30");
  rank = *size;
  const json *root = findMember(*config, "use_rslora");
  if (root && !root->is_boolean() && !root->is_null())
    return badModel(file, "key use_rslora", "is neither true nor false");
  double divisor = isOff(root) ? double(rank) : std::sqrt(double(rank));
  scale = static_cast<float>(alpha->get<double>() / divisor);
  // fan_in_fan_out is about how the base lies in memory; A and B are the same either way.
  return Error::success();
}

Error LoraAdapter::readFactors() {
  std::string file = fileIn(path, "adapter_model.safetensors");
  if (!sys::fs::exists(file))
    return badModel(path, "",
                    sys::fs::exists(fileIn(path, "adapter_model.bin"))
                        ? "has its weights in adapter_model.bin; save it as safetensors"
                        : "has no adapter_model.safetensors");
  Expected<std::shared_ptr<const MappedFile>> mapped = MappedFile::open(file);
  if (!mapped)
    return mapped.takeError();
  Expected<SafetensorsFile> contents = readSafetensors(*mapped);
  if (!contents)
    return contents.takeError();
  tensors = std::move(contents->tensors);
  std::vector<std::string> strange;
  for (const SourceTensor &tensor : tensors) {
    StringRef module = tensor.name;
    bool named = module.consume_front("base_model.model.");
    bool isA = named && module.consume_back(".lora_A.weight");
    bool isB = named && !isA && module.consume_back(".lora_B.weight");
    if (!isA && !isB) {
      strange.push_back(tensor.name);
      continue;
    }
    if (!isFloat(tensor.dtype) || tensor.dtype == DType::F64)
      return unsupported(file, tensor.name + ": type " + info(tensor.dtype).name);
    if (tensor.shape.size() != 2 || tensor.shape[isA ? 0 : 1] != rank)
      return badModel(file, tensor.name,
                      "has shape " + shapeString(tensor.shape) + ", which does not fit the rank " +
                          Twine(rank));
    (isA ? modules[module].a : modules[module].b) = &tensor;
  }
  if (!strange.empty())
    return unsupported(file, "has tensors that are no factors of linear layers",
                       std::move(strange));
  if (modules.empty())
    return badModel(file, "", "has no factors");
  for (const auto &entry : modules)
    if (!entry.second.a || !entry.second.b)
      return badModel(file, entry.getKey(),
                      entry.second.a ? "has lora_A but no lora_B" : "has lora_B but no lora_A");
  return Error::success();
}

Expected<LoraAdapter> LoraAdapter::open(StringRef directory) {
  LoraAdapter adapter;
  adapter.path = directory.rtrim('/').str();
  if (Error error = adapter.readConfig())
    return error;
  if (Error error = adapter.readFactors())
    return error;
  return adapter;
}

const LoraFactors *LoraAdapter::find(StringRef module) const {
  auto found = modules.find(module);
  return found == modules.end() ? nullptr : &found->second;
}

} // namespace qcc
