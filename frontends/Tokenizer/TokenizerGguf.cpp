//===- TokenizerGguf.cpp - The tokenizer of a GGUF file -------------------===//
//
// GGUF names the kind of a tokenizer (tokenizer.ggml.model) and of its
// pre-tokenizer
// (.pre); what the names mean is fixed by the tools that write them.
//
//===----------------------------------------------------------------------===//
#include "frontends/Common/Error.h"
#include "frontends/Tokenizer/ByteLevel.h"
#include "frontends/Tokenizer/TokenizerBuilder.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

using namespace qcc;
using namespace qcc::text;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

namespace {

/// Values of tokenizer.ggml.token_type.
enum TokenType { Normal = 1, Unknown, Control, UserDefined, Unused, Byte };

/// What a pre-tokenizer's name stands for.
struct PreTokenizer {
  const char *name;
  Split steps[2];
  bool ignoreMerges, addBos, nfc;
};

constexpr Split kDigits = Split::Digits, kGpt2 = Split::Gpt2, kNone = Split::None;
const PreTokenizer kPreTokenizers[] = {
    {"gpt-2", {kGpt2}, false, false, false},
    {"phi-2", {kGpt2}, false, false, false},
    {"mpt", {kGpt2}, false, false, false},
    {"olmo", {kGpt2}, false, false, false},
    {"smollm", {kDigits, kGpt2}, false, false, false},
    {"starcoder", {kDigits, kGpt2}, false, false, false},
    {"refact", {kDigits, kGpt2}, false, false, false},
    {"command-r", {kDigits, kGpt2}, false, false, false},
    {"codeshell", {kDigits, kGpt2}, false, false, false},
    {"llama-bpe", {Split::Llama3}, true, true, false},
    {"llama3", {Split::Llama3}, true, true, false},
    {"llama-v3", {Split::Llama3}, true, true, false},
    {"falcon3", {Split::Llama3}, true, true, false},
    {"dbrx", {Split::Llama3}, false, false, false},
    {"smaug-bpe", {Split::Llama3}, false, false, false},
    {"qwen2", {Split::Qwen2}, false, false, true},
    {"deepseek-r1-qwen", {Split::Qwen2}, false, false, true},
    {"stablelm2", {Split::Qwen2}, false, false, false},
    {"qwen35", {Split::Qwen35}, false, false, true},
    {"gpt-4o", {Split::O200k}, false, false, false},
    {"llama4", {Split::O200k}, false, false, false},
    {"tekken", {Split::Tekken}, true, true, false},
};

/// Control tokens that end a turn; files often name only one of them.
constexpr StringRef kTurnEnds[] = {"<|im_end|>", "<|eot_id|>",    "<|eom_id|>",
                                   "<|end|>",    "<end_of_turn>", "<|endoftext|>"};

class GgufTokenizerReader {
public:
  GgufTokenizerReader(const TokenizerMetadata &m, StringRef file) : metadata(m) {
    spec.source = file.str();
  }
  llvm::Expected<TokenizerSpec> read();

private:
  static std::string key(StringRef name) { return ("tokenizer.ggml." + name).str(); }
  Error bad(StringRef name, const Twine &what) { return badModel(spec.source, key(name), what); }
  Error readModel();
  Error readPre();
  Error readTokens();
  void addToken(StringRef text, int64_t type);
  Error readMerges();
  Error readSpecial();
  Error readId(StringRef name, int32_t &id);

  const TokenizerMetadata &metadata;
  TokenizerSpec spec;
  llvm::StringMap<uint32_t> ids;
  bool addBos = false, addEos = false;
};

Error GgufTokenizerReader::readModel() {
  std::optional<StringRef> model = metadata.getString(key("model"));
  if (!model)
    return bad("model", "missing, or not a string");
  if (*model == "gpt2") {
    spec.model = Model::ByteBpe;
    return readPre();
  }
  if (*model != "llama")
    return unsupported(spec.source, "tokenizer.ggml.model '" + *model + "' is not supported",
                       {("tokenizer.ggml.model " + *model).str()});
  spec.model = Model::ScoreBpe;
  spec.flags = kEscapeSpaces | kByteFallback;
  addBos = true;
  spec.bos = 1;
  spec.eos = 2;
  spec.unk = 0;
  if (metadata.getBool(key("add_space_prefix")).value_or(true)) {
    spec.prepend = Prepend::Always;
    spec.flags |= kStripFirst;
  }
  return Error::success();
}

Error GgufTokenizerReader::readPre() {
  std::optional<StringRef> pre = metadata.getString(key("pre"));
  if (!pre)
    return bad("pre", "missing, so it is not known how text is split; convert "
                      "the model again "
                      "with a current convert_hf_to_gguf.py");
  const auto *found =
      llvm::find_if(kPreTokenizers, [&](const PreTokenizer &p) { return *pre == p.name; });
  if (found == std::end(kPreTokenizers))
    return unsupported(spec.source, "tokenizer.ggml.pre '" + *pre + "' is not supported",
                       {("tokenizer.ggml.pre " + *pre).str()});
  for (Split s : found->steps)
    if (s != kNone)
      spec.steps.push_back(s);
  spec.flags = (found->ignoreMerges ? kIgnoreMerges : 0) | (found->nfc ? kNfc : 0);
  addBos = found->addBos;
  return Error::success();
}

void GgufTokenizerReader::addToken(StringRef text, int64_t type) {
  int32_t id = static_cast<int32_t>(spec.tokens.size());
  bool special = type == Control || type == Unknown, added = special || type == UserDefined;
  uint8_t flags = (special ? kTokenSpecial : 0) | (added ? kTokenAdded | kTokenVerbatim : 0);
  bool matchable = type != Unused && !special;
  std::string stored = text.str();
  if (added && !text.empty())
    spec.added.push_back({stored, id, special});
  if (spec.model == Model::ByteBpe && !added) {
    std::optional<std::string> bytes = bytesOfByteLevel(text);
    matchable = bytes.has_value();
    stored = bytes.value_or(stored);
  } else if (int byte = byteOfToken(text); byte >= 0 && type == Byte) {
    stored = std::string(1, static_cast<char>(byte));
    flags |= kTokenByte;
    matchable = false;
  }
  spec.tokens.push_back(std::move(stored));
  spec.tokenFlags.push_back(flags);
  spec.matchable.push_back(matchable);
}

Error GgufTokenizerReader::readTokens() {
  auto tokens = metadata.getStrings(key("tokens"));
  if (!tokens || tokens->empty() || tokens->size() > kMaxTokens)
    return bad("tokens", "missing, empty, not an array of strings, or of more than 2^24");
  auto types = metadata.getInts(key("token_type"));
  if (types && types->size() != tokens->size())
    return bad("token_type",
               Twine(types->size()) + " types of " + Twine(tokens->size()) + " tokens");
  for (const auto &[i, text] : llvm::enumerate(*tokens)) {
    int64_t type = types ? (*types)[i] : static_cast<int64_t>(Normal);
    if (type < 0 || type > Byte)
      return bad("token_type", "token " + Twine(i) + " has the unknown type " + Twine(type));
    if (!text.empty() && !ids.try_emplace(text, static_cast<uint32_t>(i)).second)
      return bad("tokens",
                 "'" + text + "' is token " + Twine(ids[text]) + " and token " + Twine(i));
    addToken(text, type);
  }
  if (spec.model == Model::ScoreBpe) {
    auto scores = metadata.getFloats(key("scores"));
    if (!scores || scores->size() != tokens->size())
      return bad("scores", "missing, or not one float for each token");
    spec.scores = std::move(*scores);
  }
  return Error::success();
}

Error GgufTokenizerReader::readMerges() {
  if (spec.model != Model::ByteBpe)
    return Error::success();
  auto merges = metadata.getStrings(key("merges"));
  if (!merges)
    return bad("merges", "missing, or not an array of strings");
  for (const auto &[i, rule] : llvm::enumerate(*merges))
    if (Error e = addMerge(spec, ids, rule, i))
      return e;
  return Error::success();
}

Error GgufTokenizerReader::readId(StringRef name, int32_t &id) {
  if (std::optional<int64_t> v = metadata.getInt(key(name))) {
    // Writers put 2^32 - 1 where there is no such token.
    bool none = *v == UINT32_MAX || *v == -1;
    if (!none && (*v < 0 || *v >= static_cast<int64_t>(spec.tokens.size())))
      return bad(name, "id " + Twine(*v) + " is not below the number of tokens, " +
                           Twine(spec.tokens.size()));
    id = none ? -1 : static_cast<int32_t>(*v);
  } else if (id >= static_cast<int32_t>(spec.tokens.size())) {
    id = -1; // a default of the model kind
  }
  return Error::success();
}

Error GgufTokenizerReader::readSpecial() {
  int32_t unk = spec.unk, eot = -1, eom = -1;
  for (auto [name, id] :
       {std::pair("bos_token_id", &spec.bos), std::pair("eos_token_id", &spec.eos),
        std::pair("padding_token_id", &spec.pad), std::pair("eot_token_id", &eot),
        std::pair("eom_token_id", &eom), std::pair("unknown_token_id", &unk)})
    if (Error e = readId(name, *id))
      return e;
  // Byte-level models leave out what they have no byte for.
  if (spec.model == Model::ScoreBpe)
    spec.unk = unk;
  auto stop = [&](int32_t id) {
    if (id >= 0 && !llvm::is_contained(spec.stops, id))
      spec.stops.push_back(id);
  };
  for (int32_t id : {spec.eos, eot, eom})
    stop(id);
  for (StringRef text : kTurnEnds)
    if (auto it = ids.find(text); it != ids.end() && (spec.tokenFlags[it->second] & kTokenSpecial))
      stop(static_cast<int32_t>(it->second));
  addBos = metadata.getBool(key("add_bos_token")).value_or(addBos);
  addEos = metadata.getBool(key("add_eos_token")).value_or(false);
  if (addBos && spec.bos < 0)
    return bad("add_bos_token", "true, but there is no bos_token_id");
  if (addEos && spec.eos < 0)
    return bad("add_eos_token", "true, but there is no eos_token_id");
  if (addBos)
    spec.prefix = {spec.bos};
  if (addEos)
    spec.suffix = {spec.eos};
  spec.chatTemplate = metadata.getString("tokenizer.chat_template").value_or("").str();
  return Error::success();
}

llvm::Expected<TokenizerSpec> GgufTokenizerReader::read() {
  for (auto step : {&GgufTokenizerReader::readModel, &GgufTokenizerReader::readTokens,
                    &GgufTokenizerReader::readMerges, &GgufTokenizerReader::readSpecial})
    if (Error e = (this->*step)())
      return std::move(e);
  findByteTokens(spec, ids);
  return std::move(spec);
}

} // namespace

llvm::Expected<TokenizerSpec> qcc::readTokenizerGguf(const TokenizerMetadata &metadata,
                                                     StringRef file) {
  return GgufTokenizerReader(metadata, file).read();
}
