//===- Open.cpp - From what a user names to an opened language model ------===//
//
// A path wins over the hub cache. Files are told apart by their content, not by
// their names.
//
//===----------------------------------------------------------------------===//
#include "frontends/Common/Error.h"
#include "frontends/HuggingFace/Config.h"
#include "frontends/LanguageModel/GgufConfig.h"
#include "frontends/LanguageModel/LanguageModel.h"
#include "frontends/Safetensors/Safetensors.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"

using namespace llvm;

namespace qcc {
namespace {

/// The hub's cache directory, by the rules of huggingface_hub.
std::string hubCache() {
  if (auto cache = sys::Process::GetEnv("HF_HUB_CACHE"))
    return *cache;
  SmallString<256> path;
  if (auto home = sys::Process::GetEnv("HF_HOME")) {
    path = *home;
  } else if (auto cache = sys::Process::GetEnv("XDG_CACHE_HOME")) {
    path = *cache;
    sys::path::append(path, "huggingface");
  } else {
    sys::path::home_directory(path);
    sys::path::append(path, ".cache", "huggingface");
  }
  sys::path::append(path, "hub");
  return std::string(path);
}

/// A name of the hub: an organization, a model, a revision.
bool isPlainName(StringRef part) {
  return !part.empty() && !part.starts_with(".") &&
         llvm::all_of(part, [](char c) { return isAlnum(c) || c == '-' || c == '_' || c == '.'; });
}

/// "org/name".
bool isHubName(StringRef name) {
  auto [org, model] = name.split('/');
  return isPlainName(org) && isPlainName(model);
}

/// The snapshot that `main` refers to.
Expected<std::string> findInHub(StringRef name) {
  SmallString<256> model(hubCache());
  auto [org, repository] = name.split('/');
  sys::path::append(model, "models--" + org + "--" + repository);
  if (!sys::fs::is_directory(model))
    return badModel(name, "",
                    "is neither a file or directory nor a model in the local "
                    "hub cache (" +
                        hubCache() + ")");
  SmallString<256> ref(model);
  sys::path::append(ref, "refs", "main");
  Expected<std::shared_ptr<const MappedFile>> file = MappedFile::open(ref);
  if (!file)
    return file.takeError();
  StringRef revision = toStringRef((*file)->bytes()).trim();
  if (!isPlainName(revision))
    return badModel(ref, "", "does not hold a revision");
  sys::path::append(model, "snapshots", revision);
  if (!sys::fs::is_directory(model))
    return badModel(name, "",
                    "the hub cache has no snapshot " + revision + " of it; download it again");
  return std::string(model);
}

Expected<LanguageModelSource> openDirectory(StringRef path) {
  Expected<ModelConfig> config = readHfConfig(path);
  if (!config)
    return config.takeError();
  Expected<std::optional<QuantizationConfig>> quantization = readQuantizationConfig(path);
  if (!quantization)
    return quantization.takeError();
  Expected<TensorTable> tensors = readSafetensorsDirectory(path);
  if (!tensors)
    return tensors.takeError();
  LanguageModelSource model;
  model.path = path.str();
  model.config = std::move(*config);
  model.quantization = std::move(*quantization);
  model.tensors = std::move(*tensors);
  return std::move(model);
}

Expected<LanguageModelSource> openFile(StringRef path) {
  Expected<std::shared_ptr<const MappedFile>> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  if (toStringRef((*file)->bytes().take_front(4)) != "GGUF") {
    if (path.ends_with(".safetensors"))
      return wrongUse(path, "holds weights only; name the directory that has "
                            "config.json, too");
    return badModel(path, "",
                    "is no GGUF file: it does not begin with "
                    "\"GGUF\"");
  }
  Expected<GgufFile> gguf = openGguf(path);
  if (!gguf)
    return gguf.takeError();
  Expected<ModelConfig> config = readGgufConfig(*gguf);
  if (!config)
    return config.takeError();
  LanguageModelSource model;
  model.path = path.str();
  model.config = std::move(*config);
  model.tensors = std::move(gguf->tensors);
  gguf->tensors = TensorTable();
  model.gguf = std::make_shared<const GgufFile>(std::move(*gguf));
  return std::move(model);
}

} // namespace

Expected<LanguageModelSource> openLanguageModel(StringRef path) {
  std::string place = path.str();
  if (!sys::fs::exists(path)) {
    if (!isHubName(path))
      return badModel(path, "", "there is no such file or directory");
    Expected<std::string> snapshot = findInHub(path);
    if (!snapshot)
      return snapshot.takeError();
    place = *snapshot;
  }
  Expected<LanguageModelSource> model =
      sys::fs::is_directory(place) ? openDirectory(place) : openFile(place);
  if (!model)
    return model.takeError();
  if (Error error = model->bind())
    return error;
  return model;
}

} // namespace qcc
