//===- TokenizerDirectory.cpp - The tokenizer of a Hugging Face directory -===//
//
// tokenizer.json says how text becomes tokens; which of them begin and end a
// text, and how a chat is written, is spread over the files beside it.
//
//===----------------------------------------------------------------------===//
#include "frontends/Common/Error.h"
#include "frontends/Tokenizer/TokenizerBuilder.h"
#include "frontends/Tokenizer/TokenizerJson.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace qcc;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;
using nlohmann::json;

namespace {

/// Largest chat template read; real ones have a few kilobytes.
constexpr uint64_t kMaxTemplate = 1 << 20;

std::string pathOf(StringRef directory, StringRef name) {
  llvm::SmallString<256> path(directory);
  llvm::sys::path::append(path, name);
  return path.str().str();
}

/// The id of a token's text, or -1.
int32_t idOf(const TokenizerSpec &spec, StringRef text) {
  for (const auto &a : spec.added)
    if (a.text == text)
      return a.id;
  for (size_t id = 0; id < spec.tokens.size(); ++id)
    if (!text.empty() && spec.tokens[id] == text)
      return static_cast<int32_t>(id);
  return -1;
}

/// The text of a token given as a string or as {"content": string}.
StringRef tokenText(const json &config, StringRef key) {
  const json *v = findMember(config, key);
  if (v && v->is_object())
    v = findMember(*v, "content");
  return v && v->is_string() ? stringOf(*v) : StringRef();
}

void addStop(TokenizerSpec &spec, int32_t id) {
  if (id >= 0 && !llvm::is_contained(spec.stops, id))
    spec.stops.push_back(id);
}

/// Adds the eos_token_id (an integer or a list) of a configuration file.
Error addStops(TokenizerSpec &spec, StringRef path, const json &config) {
  const json *v = findMember(config, "eos_token_id");
  if (!v || v->is_null())
    return Error::success();
  std::vector<const json *> values;
  if (v->is_array())
    for (const json &item : *v)
      values.push_back(&item);
  else
    values.push_back(v);
  for (const json *item : values) {
    std::optional<uint64_t> id = unsignedOf(*item);
    if (!id)
      return badModel(path, "eos_token_id", "not an integer of 0 or more, nor a list of them");
    // Test and pruned models keep the ids of the tokenizer they came from.
    if (*id < spec.tokens.size())
      addStop(spec, static_cast<int32_t>(*id));
  }
  return Error::success();
}

/// Applies add_bos_token / add_eos_token, which the Llama and Gemma classes
/// obey whatever tokenizer.json says.
void overrideSpecial(TokenizerSpec &spec, const json &config) {
  StringRef type = tokenText(config, "tokenizer_class");
  if (!type.contains("Llama") && !type.contains("Gemma"))
    return;
  auto apply = [&](StringRef key, int32_t id, std::vector<int32_t> &ids) {
    const json *v = findMember(config, key);
    if (v && v->is_boolean())
      ids = v->get<bool>() && id >= 0 ? std::vector<int32_t>{id} : std::vector<int32_t>{};
  };
  apply("add_bos_token", spec.bos, spec.prefix);
  apply("add_eos_token", spec.eos, spec.suffix);
}

/// The chat template of tokenizer_config.json: a string, or the one named
/// "default" of a list.
std::string templateOf(const json &config) {
  const json *v = findMember(config, "chat_template");
  if (v && v->is_string())
    return stringOf(*v).str();
  if (v && v->is_array())
    for (const json &item : *v)
      if (tokenText(item, "name") == "default")
        return tokenText(item, "template").str();
  return "";
}

Error readConfig(TokenizerSpec &spec, StringRef path) {
  llvm::Expected<json> config = readJson(path);
  if (!config)
    return config.takeError();
  if (!config->is_object())
    return badModel(path, "", "not a JSON object");
  auto find = [&](StringRef key, int32_t &id) -> Error {
    StringRef text = tokenText(*config, key);
    if (text.empty())
      return Error::success();
    id = idOf(spec, text);
    if (id < 0)
      return badModel(path, key, "'" + text + "' is not a token of the vocabulary");
    return Error::success();
  };
  if (Error e = find("bos_token", spec.bos))
    return e;
  if (Error e = find("eos_token", spec.eos))
    return e;
  if (Error e = find("pad_token", spec.pad))
    return e;
  addStop(spec, spec.eos);
  overrideSpecial(spec, *config);
  spec.chatTemplate = templateOf(*config);
  return Error::success();
}

Error readTemplate(TokenizerSpec &spec, StringRef path) {
  uint64_t size = 0;
  if (llvm::sys::fs::file_size(path, size) || size > kMaxTemplate)
    return badModel(path, "", "not a readable file of at most 1 MiB");
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return badModel(path, "", buffer.getError().message());
  spec.chatTemplate = (*buffer)->getBuffer().str();
  return Error::success();
}

} // namespace

llvm::Expected<TokenizerSpec> qcc::readTokenizerDirectory(StringRef directory) {
  std::string main = pathOf(directory, "tokenizer.json");
  if (!llvm::sys::fs::exists(main))
    return unsupported(directory, "there is no tokenizer.json here; convert the tokenizer with "
                                  "transformers' save_pretrained (fast tokenizer)");
  llvm::Expected<json> root = readJson(main);
  if (!root)
    return root.takeError();
  llvm::Expected<TokenizerSpec> spec = readTokenizerJson(main, *root);
  if (!spec)
    return spec.takeError();

  std::string config = pathOf(directory, "tokenizer_config.json");
  if (llvm::sys::fs::exists(config))
    if (Error e = readConfig(*spec, config))
      return std::move(e);
  for (StringRef name : {"generation_config.json", "config.json"}) {
    std::string path = pathOf(directory, name);
    if (!llvm::sys::fs::exists(path))
      continue;
    llvm::Expected<json> content = readJson(path);
    if (!content)
      return content.takeError();
    if (Error e = addStops(*spec, path, *content))
      return std::move(e);
  }
  if (spec->eos < 0 && !spec->stops.empty())
    spec->eos = spec->stops.front();
  std::string chat = pathOf(directory, "chat_template.jinja");
  if (llvm::sys::fs::exists(chat))
    if (Error e = readTemplate(*spec, chat))
      return std::move(e);
  return spec;
}
