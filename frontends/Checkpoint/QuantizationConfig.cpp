//===- QuantizationConfig.cpp - How another tool quantized a checkpoint ---===//
//
// One parser for each tool. Keys with other spellings in old files are tried in
// turn.
//
//===----------------------------------------------------------------------===//
#include "frontends/Checkpoint/QuantizationConfig.h"

#include "frontends/Common/Error.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Regex.h"

using nlohmann::json;
using namespace llvm;

namespace qcc {
namespace {

/// Typed members of an object; the first wrong one is remembered as the error.
class Reader {
public:
  Reader(StringRef path, const json &object, std::string where = "")
      : path(path), object(object), where(std::move(where)) {}

  /// The first of `keys` that is there and not null.
  const json *get(ArrayRef<StringRef> keys) {
    for (StringRef key : keys)
      if (const json *value = findMember(object, key); value && !value->is_null()) {
        last = key;
        return value;
      }
    last = keys.front();
    return nullptr;
  }

  std::string text(ArrayRef<StringRef> keys, StringRef otherwise) {
    const json *value = get(keys);
    if (value && !value->is_string())
      fail("is not a string");
    return value && value->is_string() ? stringOf(*value).str() : otherwise.str();
  }

  bool flag(ArrayRef<StringRef> keys, bool otherwise) {
    const json *value = get(keys);
    if (value && !value->is_boolean())
      fail("is neither true nor false");
    return value && value->is_boolean() ? value->get<bool>() : otherwise;
  }

  /// An integer within low..high that must be there.
  int64_t integer(ArrayRef<StringRef> keys, int64_t low, int64_t high) {
    const json *value = get(keys);
    if (!value) {
      fail("is missing");
      return low;
    }
    bool fits = value->is_number_integer() &&
                (!value->is_number_unsigned() || value->get<uint64_t>() <= uint64_t(INT64_MAX));
    int64_t number = fits ? value->get<int64_t>() : low;
    if (!fits || number < low || number > high)
      fail("is " +
           StringRef(value->dump(-1, ' ', false, json::error_handler_t::replace)).take_front(40) +
           ", not an integer within " + Twine(low) + ".." + Twine(high));
    return number;
  }

  /// group_size: -1 is the row, as 0.
  int64_t groupSize(ArrayRef<StringRef> keys) {
    int64_t size = integer(keys, -1, INT32_MAX);
    if (size == 0)
      fail("is 0; it is a number of columns, or -1 for the whole row");
    return std::max<int64_t>(size, 0);
  }

  void fail(const Twine &what) {
    if (!message.empty())
      return;
    message = what.str();
    at = keyName(last);
  }
  std::string keyName(StringRef key) const {
    return where.empty() ? key.str() : where + "." + key.str();
  }
  Error takeError() const {
    return message.empty() ? Error::success() : badModel(path, at, message);
  }

private:
  StringRef path;
  const json &object;
  std::string where, message, at;
  StringRef last;
};

Error parseGptq(Reader &reader, QuantizationConfig &config) {
  config.bits = reader.integer({"bits", "w_bit"}, 1, 32);
  config.groupSize = reader.groupSize({"group_size", "q_group_size"});
  config.activationOrder = reader.flag({"desc_act"}, false);
  reader.flag({"sym"}, true);
  std::string format = reader.text({"checkpoint_format", "format"}, "gptq");
  std::string words = reader.text({"pack_dtype"}, "int32");
  const json *dynamic = reader.get({"dynamic"});
  if (Error error = reader.takeError())
    return error;
  if (format != "gptq" && format != "gptq_v2")
    return unsupported(config.path, "checkpoint_format \"" + format +
                                        "\" of gptq is not supported; save the model as "
                                        "gptq or gptq_v2");
  if (!is_contained({2u, 3u, 4u, 8u}, config.bits))
    return unsupported(config.path,
                       "gptq with bits " + Twine(config.bits) + "; 2, 3, 4 and 8 are supported");
  if (words != "int32")
    return unsupported(config.path, "gptq with pack_dtype \"" + words + "\"; int32 is supported");
  if (dynamic && !dynamic->empty())
    return unsupported(config.path, "gptq with settings for single modules (dynamic)");
  config.zerosLessOne = format == "gptq";
  return Error::success();
}

Error parseAwq(Reader &reader, QuantizationConfig &config) {
  config.bits = reader.integer({"bits", "w_bit"}, 1, 32);
  config.groupSize = reader.groupSize({"group_size", "q_group_size"});
  bool zeroPoint = reader.flag({"zero_point"}, true);
  std::string version = StringRef(reader.text({"version"}, "gemm")).lower();
  if (Error error = reader.takeError())
    return error;
  if (version != "gemm")
    return unsupported(config.path, "version \"" + version +
                                        "\" of awq is not supported; save the "
                                        "model as gemm");
  if (config.bits != 4)
    return unsupported(config.path, "awq with bits " + Twine(config.bits) + "; 4 is supported");
  if (!zeroPoint)
    return unsupported(config.path, "awq with zero_point false");
  return Error::success();
}

Error parseBitsAndBytes(Reader &reader, QuantizationConfig &config) {
  bool eight = reader.flag({"load_in_8bit", "_load_in_8bit"}, false);
  bool four = reader.flag({"load_in_4bit", "_load_in_4bit"}, false);
  if (Error error = reader.takeError())
    return error;
  if (eight == four)
    return badModel(config.path, "load_in_4bit",
                    "exactly one of load_in_4bit and load_in_8bit must be true");
  config.bits = eight ? 8 : 4;
  return Error::success();
}

/// Rules for activations change no weight; those that need stored scales are
/// refused, for they would be lost silently.
Error checkActivations(const QuantizationConfig &config, Reader &group, StringRef key) {
  const json *value = group.get({key});
  if (!value)
    return Error::success();
  std::string where = group.keyName(key);
  Reader reader(config.path, *value, where);
  if (!value->is_object())
    return badModel(config.path, where, "is not an object");
  std::string type = reader.text({"type"}, "int");
  const json *dynamic = reader.get({"dynamic"});
  bool isDynamic = dynamic && dynamic->is_boolean() && dynamic->get<bool>();
  if (Error error = reader.takeError())
    return error;
  if (key == "input_activations" && type == "int" && isDynamic)
    return Error::success();
  return unsupported(config.path, where + " other than dynamic integers for inputs");
}

Error parseWeights(const QuantizationConfig &config, StringRef where, const json &object,
                   CompressedGroup &group) {
  Reader reader(config.path, object, where.str());
  std::string type = reader.text({"type"}, "int");
  std::string strategy = reader.text({"strategy"}, "tensor");
  group.symmetric = reader.flag({"symmetric"}, true);
  group.bits = reader.integer({"num_bits"}, 1, 32);
  if (strategy == "group")
    group.groupSize = reader.groupSize({"group_size"});
  group.perTensor = strategy == "tensor";
  if (Error error = reader.takeError())
    return error;
  if (type != "int")
    return unsupported(config.path, where + ".type \"" + type + "\"; int is supported");
  if (!is_contained({"tensor", "channel", "group"}, strategy))
    return unsupported(config.path, where + ".strategy \"" + strategy +
                                        "\"; tensor, channel and group are "
                                        "supported");
  if (group.bits < 2 || group.bits > 8)
    return unsupported(config.path,
                       where + ".num_bits " + Twine(group.bits) + "; 2 to 8 are supported");
  return Error::success();
}

/// Python's expressions as far as the POSIX ones mean the same.
Error checkTarget(const QuantizationConfig &config, StringRef where, StringRef target) {
  if (!target.consume_front("re:"))
    return Error::success();
  std::string why;
  bool escapes = false;
  for (size_t i = 0; i + 1 < target.size(); ++i)
    if (target[i] == '\\' && !ispunct(uint8_t(target[++i])))
      escapes = true;
  if (escapes || target.contains("(?") || target.contains("*?") ||
      !Regex(("^(" + target + ")").str()).isValid(why))
    return unsupported(config.path,
                       where + ": the regular expression \"" + target + "\" is not supported");
  return Error::success();
}

Expected<CompressedGroup> parseGroup(const QuantizationConfig &config, const std::string &name,
                                     const json &object, StringRef format) {
  std::string where = "config_groups." + name;
  CompressedGroup group;
  group.name = name;
  if (!object.is_object())
    return badModel(config.path, where, "is not an object");
  Reader reader(config.path, object, where);
  std::string own = reader.text({"format"}, format);
  const json *weights = reader.get({"weights"});
  const json *targets = reader.get({"targets"});
  if (Error error = reader.takeError())
    return error;
  if (!weights || !weights->is_object())
    return badModel(config.path, where + ".weights", "is not an object");
  if (!targets || !targets->is_array())
    return badModel(config.path, where + ".targets", "is not a list");
  for (const json &target : *targets) {
    if (!target.is_string())
      return badModel(config.path, where + ".targets", "holds no string");
    if (Error error = checkTarget(config, where + ".targets", stringOf(target)))
      return error;
    group.targets.push_back(stringOf(target).str());
  }
  if (own != "pack-quantized" && own != "int-quantized")
    return unsupported(config.path, where + ": format \"" + own +
                                        "\"; pack-quantized and int-quantized "
                                        "are supported");
  group.packed = own == "pack-quantized";
  if (Error error = parseWeights(config, where + ".weights", *weights, group))
    return error;
  for (StringRef key : {"input_activations", "output_activations"})
    if (Error error = checkActivations(config, reader, key))
      return error;
  return group;
}

Error parseCompressed(Reader &reader, QuantizationConfig &config) {
  std::string format = reader.text({"format"}, "");
  std::string status = reader.text({"quantization_status"}, "compressed");
  const json *groups = reader.get({"config_groups"});
  if (Error error = reader.takeError())
    return error;
  for (StringRef key : {"sparsity_config", "transform_config", "kv_cache_scheme"})
    if (const json *value = reader.get({key}); value && !value->empty())
      return unsupported(config.path, "compressed-tensors with " + key);
  if (status != "compressed")
    return unsupported(config.path, "compressed-tensors with "
                                    "quantization_status \"" +
                                        status + "\"; compressed is supported");
  if (!groups || !groups->is_object() || groups->empty())
    return badModel(config.path, "config_groups", "is not an object with one group or more");
  for (const auto &[name, object] : groups->get_ref<const json::object_t &>()) {
    Expected<CompressedGroup> group = parseGroup(config, name, object, format);
    if (!group)
      return group.takeError();
    config.groups.push_back(std::move(*group));
  }
  return Error::success();
}

struct Method {
  QuantizationMethod method;
  StringLiteral name;
  Error (*parse)(Reader &, QuantizationConfig &);
};

// In the order of the enum.
constexpr Method kMethods[] = {
    {QuantizationMethod::Gptq, "gptq", parseGptq},
    {QuantizationMethod::Awq, "awq", parseAwq},
    {QuantizationMethod::BitsAndBytes, "bitsandbytes", parseBitsAndBytes},
    {QuantizationMethod::CompressedTensors, "compressed-tensors", parseCompressed},
};

} // namespace

StringRef methodName(QuantizationMethod method) { return kMethods[size_t(method)].name; }

std::string describe(const QuantizationConfig &config) {
  std::string text = ("quantized by " + methodName(config.method)).str();
  if (config.bits)
    text += ", " + std::to_string(config.bits) + " bits";
  if (config.groupSize)
    text += ", groups of " + std::to_string(config.groupSize);
  if (config.activationOrder)
    text += ", activation order";
  for (const CompressedGroup &group : config.groups)
    text += ", " + group.name + ": " + std::to_string(group.bits) + " bits" +
            (group.groupSize ? ", groups of " + std::to_string(group.groupSize) : "");
  return text + "\n";
}

const CompressedGroup *QuantizationConfig::groupOf(StringRef name) const {
  const CompressedGroup *byRegex = nullptr, *byClass = nullptr;
  for (const CompressedGroup &group : groups) {
    for (StringRef target : group.targets) {
      if (target == name)
        return &group;
      if (target == "Linear" && !byClass)
        byClass = &group;
      if (target.consume_front("re:") && !byRegex && Regex(("^(" + target + ")").str()).match(name))
        byRegex = &group;
    }
  }
  return byRegex ? byRegex : byClass;
}

Expected<QuantizationConfig> parseQuantizationConfig(StringRef path, const json &object,
                                                     StringRef assumed) {
  if (!object.is_object())
    return badModel(path, "quantization_config", "is not an object");
  QuantizationConfig config;
  config.path = path.str();
  Reader reader(path, object);
  std::string method = reader.text({"quant_method", "method"}, assumed);
  if (Error error = reader.takeError())
    return error;
  if (method.empty())
    return badModel(path, "quant_method", "is missing");
  auto known = find_if(kMethods, [&](const Method &m) { return m.name == method; });
  if (known == std::end(kMethods))
    return unsupported(path, "quant_method \"" + method +
                                 "\" is not supported; gptq, awq, bitsandbytes and "
                                 "compressed-tensors are");
  config.method = known->method;
  if (Error error = known->parse(reader, config))
    return error;
  return config;
}

Expected<std::optional<QuantizationConfig>> readQuantizationConfig(StringRef directory) {
  struct {
    const char *file, *method;
  } candidates[] = {
      {"config.json", ""}, {"quantize_config.json", "gptq"}, {"quant_config.json", "awq"}};
  for (const auto &candidate : candidates) {
    SmallString<128> path(directory);
    sys::path::append(path, candidate.file);
    if (!sys::fs::exists(path))
      continue;
    Expected<json> root = readJson(path);
    if (!root)
      return root.takeError();
    const json *object = &*root;
    if (StringRef(candidate.method).empty()) {
      object = findMember(*root, "quantization_config");
      if (!object || object->is_null())
        object = findMember(*root, "compression_config");
      if (!object || object->is_null())
        continue;
    }
    Expected<QuantizationConfig> config = parseQuantizationConfig(path, *object, candidate.method);
    if (!config)
      return config.takeError();
    return std::optional<QuantizationConfig>(std::move(*config));
  }
  return std::nullopt;
}

} // namespace qcc
