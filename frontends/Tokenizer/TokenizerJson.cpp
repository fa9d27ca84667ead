//===- TokenizerJson.cpp - tokenizer.json ---------------------------------===//
//
// Recognizes the tokenizers of Hugging Face's files part by part: model,
// normalizer, pre-tokenizer, post-processor, decoder. Every part that is read
// changes the spec; every part that is not known is listed, and all of them are
// reported together.
//
//===----------------------------------------------------------------------===//
#include "frontends/Tokenizer/TokenizerJson.h"

#include "frontends/Common/Error.h"
#include "frontends/Tokenizer/ByteLevel.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/Twine.h"

using namespace qcc;
using namespace qcc::text;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;
using nlohmann::json;

namespace {

constexpr StringRef kMeta = "\xE2\x96\x81";

/// The member, or null when it is missing or null itself.
const json *member(const json &object, StringRef key) {
  const json *v = findMember(object, key);
  return v && !v->is_null() ? v : nullptr;
}

StringRef stringMember(const json &object, StringRef key) {
  const json *v = member(object, key);
  return v && v->is_string() ? stringOf(*v) : StringRef();
}

bool boolMember(const json &object, StringRef key, bool otherwise) {
  const json *v = member(object, key);
  return v && v->is_boolean() ? v->get<bool>() : otherwise;
}

/// The elements of the array `key`, or the object itself as the only one.
std::vector<const json *> sequence(const json &object, StringRef key) {
  std::vector<const json *> out;
  if (stringMember(object, "type") != "Sequence")
    return {&object};
  if (const json *list = member(object, key); list && list->is_array())
    for (const json &v : *list)
      out.push_back(&v);
  return out;
}

/// The pattern of a Split or Replace: (text, is a regular expression).
std::pair<StringRef, bool> patternOf(const json &object) {
  if (const json *p = member(object, "pattern")) {
    if (StringRef s = stringMember(*p, "Regex"); !s.empty())
      return {s, true};
    return {stringMember(*p, "String"), false};
  }
  return {"", false};
}

Split splitOfRegex(StringRef regex) {
#define QCC_WORDS(prefix, digits)                                                                  \
  prefix "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" digits                                                  \
         "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define QCC_POSSESSIVE(prefix, digits)                                                             \
  prefix "|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|" digits                                                 \
         "| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"
#define QCC_UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define QCC_LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define QCC_CASED(suffix, digits)                                                                  \
  "[^\\r\\n\\p{L}\\p{N}]?" QCC_UPPER "*" QCC_LOWER "+" suffix "|[^\\r\\n\\p{L}\\p{N}]?" QCC_UPPER  \
  "+" QCC_LOWER "*" suffix "|" digits                                                              \
  "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
  constexpr const char *rest = "| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
  if (regex == std::string("'s|'t|'re|'ve|'m|'ll|'d") + rest ||
      regex == std::string("'(?:[sdmt]|ll|ve|re)") + rest)
    return Split::Gpt2;
  return llvm::StringSwitch<Split>(regex)
      .Case(QCC_WORDS("(?i:'s|'t|'re|'ve|'m|'ll|'d)", "\\p{N}{1,3}"), Split::Llama3)
      .Case(QCC_POSSESSIVE("(?i:'s|'t|'re|'ve|'m|'ll|'d)", "\\p{N}{1,3}"), Split::Llama3)
      .Case(QCC_POSSESSIVE("'(?i:[sdmt]|ll|ve|re)", "\\p{N}{1,3}"), Split::Llama3)
      .Case(QCC_WORDS("(?i:'s|'t|'re|'ve|'m|'ll|'d)", "\\p{N}"), Split::Qwen2)
      .Case("(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|"
            "\\p{N}"
            "| "
            "?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
            Split::Qwen35)
      .Case(QCC_CASED("(?i:'s|'t|'re|'ve|'m|'ll|'d)?", "\\p{N}{1,3}"), Split::O200k)
      .Case(QCC_CASED("", "\\p{N}"), Split::Tekken)
      .Case("\\p{N}", Split::Digits)
      .Case("\\p{N}+", Split::DigitRuns)
      .Case("\\p{N}{1,3}", Split::Digits3)
      .Default(Split::None);
#undef QCC_WORDS
#undef QCC_POSSESSIVE
#undef QCC_UPPER
#undef QCC_LOWER
#undef QCC_CASED
}

class JsonReader {
public:
  JsonReader(StringRef path, const json &root) : root(root) { spec.source = path.str(); }

  llvm::Expected<TokenizerSpec> read();

private:
  Error bad(const Twine &where, const Twine &what) { return badModel(spec.source, where, what); }
  void unknown(const Twine &what) { unsupportedParts.push_back(what.str()); }

  void readNormalizer();
  void readNormalizerStep(const json &);
  void readPreTokenizer();
  void readPreTokenizerStep(const json &, bool first);
  void readSplit(const json &);
  void readMetaspace(const json &);
  void readDecoder();
  void readModelOptions(const json &model);
  Error readVocabulary(const json &model);
  Error readMerges(const json &model);
  Error readAdded();
  Error addAdded(const json &, size_t index);
  Error place(StringRef text, int64_t id, bool added);
  void writeTexts();
  Error readPostProcessor();
  Error readPostProcessorStep(const json &);
  Error readTemplate(const json &);

  const json &root;
  TokenizerSpec spec;
  std::vector<std::string> unsupportedParts;
  llvm::StringMap<uint32_t> ids; ///< of the model's vocabulary
  std::vector<bool> taken;       ///< ids that have a token
  bool byteLevel = false, prependSeen = false, escapeSeen = false;
};

void JsonReader::readNormalizerStep(const json &n) {
  StringRef type = stringMember(n, "type");
  if (type == "NFC") {
    spec.flags |= kNfc;
  } else if (type == "Prepend" && stringMember(n, "prepend") == kMeta) {
    prependSeen = true;
    spec.prepend = Prepend::Always;
  } else if (type == "Replace" && patternOf(n) == std::pair(StringRef(" "), false) &&
             stringMember(n, "content") == kMeta) {
    escapeSeen = true;
    spec.flags |= kEscapeSpaces;
  } else if (type == "BertNormalizer" && boolMember(n, "clean_text", true) &&
             boolMember(n, "handle_chinese_chars", true)) {
    bool lower = boolMember(n, "lowercase", true);
    spec.flags |= kBertNormalize | (lower ? kLowercase : 0) |
                  (boolMember(n, "strip_accents", lower) ? kStripAccents : 0);
  } else {
    unknown("normalizer " + n.dump());
  }
}

void JsonReader::readNormalizer() {
  const json *n = member(root, "normalizer");
  if (!n)
    return;
  for (const json *step : sequence(*n, "normalizers"))
    readNormalizerStep(*step);
  if (prependSeen && !escapeSeen)
    unknown("normalizer Prepend without Replace");
}

void JsonReader::readMetaspace(const json &p) {
  if (StringRef r = stringMember(p, "replacement"); r != kMeta)
    unknown("pre_tokenizer Metaspace with the replacement '" + r + "'");
  spec.flags |= kEscapeSpaces | kMetaspace;
  StringRef scheme = stringMember(p, "prepend_scheme");
  if (scheme.empty())
    scheme = boolMember(p, "add_prefix_space", true) ? "always" : "never";
  if (scheme == "always")
    spec.prepend = Prepend::MetaAlways;
  else if (scheme == "first")
    spec.prepend = Prepend::MetaFirst;
  else if (scheme != "never")
    unknown("pre_tokenizer Metaspace with prepend_scheme '" + scheme + "'");
  if (boolMember(p, "split", true))
    spec.steps.push_back(Split::MetaSpace);
}

void JsonReader::readSplit(const json &p) {
  auto [pattern, isRegex] = patternOf(p);
  StringRef behavior = stringMember(p, "behavior");
  bool invert = boolMember(p, "invert", false);
  // The patterns cover any text: keeping what matches and cutting around it are
  // the same.
  bool cuts = (behavior == "Isolated" && !invert) || (behavior == "Removed" && invert);
  Split split = isRegex && cuts ? splitOfRegex(pattern) : Split::None;
  bool noSpaceLeft = !isRegex && pattern == " " && escapeSeen;
  if (split != Split::None)
    spec.steps.push_back(split);
  else if (!noSpaceLeft)
    unknown("pre_tokenizer Split (" + behavior + ") with the pattern " + pattern);
}

void JsonReader::readPreTokenizerStep(const json &p, bool first) {
  StringRef type = stringMember(p, "type");
  if (type == "ByteLevel") {
    byteLevel = true;
    if (boolMember(p, "add_prefix_space", true)) {
      if (!first)
        unknown("pre_tokenizer ByteLevel with add_prefix_space after other steps");
      spec.prepend = Prepend::SpaceAlways;
    }
    if (boolMember(p, "use_regex", true))
      spec.steps.push_back(Split::Gpt2);
  } else if (type == "Digits") {
    spec.steps.push_back(boolMember(p, "individual_digits", false) ? Split::Digits
                                                                   : Split::DigitRuns);
  } else if (type == "Split") {
    readSplit(p);
  } else if (type == "Metaspace") {
    readMetaspace(p);
  } else if (type == "BertPreTokenizer") {
    spec.steps.push_back(Split::Bert);
  } else {
    unknown("pre_tokenizer " + p.dump());
  }
}

void JsonReader::readPreTokenizer() {
  const json *p = member(root, "pre_tokenizer");
  if (!p)
    return;
  bool first = true;
  for (const json *step : sequence(*p, "pretokenizers")) {
    readPreTokenizerStep(*step, first);
    first = false;
  }
}

void JsonReader::readDecoder() {
  const json *d = member(root, "decoder");
  if (!d)
    return;
  for (const json *step : sequence(*d, "decoders")) {
    StringRef type = stringMember(*step, "type");
    if (type == "Strip") {
      const json *start = member(*step, "start");
      if (stringMember(*step, "content") == " " && start && unsignedOf(*start) == 1)
        spec.flags |= kStripFirst;
      else
        unknown("decoder " + step->dump());
    } else if (type == "Metaspace") {
      if (stringMember(*step, "prepend_scheme") != "never")
        spec.flags |= kStripFirst;
    } else if (type == "Replace") {
      if (patternOf(*step) != std::pair(kMeta, false) || stringMember(*step, "content") != " ")
        unknown("decoder " + step->dump());
    } else if (type != "ByteLevel" && type != "ByteFallback" && type != "Fuse" &&
               type != "WordPiece") {
      unknown("decoder " + step->dump());
    }
  }
}

void JsonReader::readModelOptions(const json &model) {
  StringRef type = stringMember(model, "type");
  if (type.empty() && member(model, "merges"))
    type = "BPE";
  if (type == "WordPiece") {
    spec.model = Model::WordPiece;
    if (stringMember(model, "continuing_subword_prefix") != "##")
      unknown("model WordPiece with a continuing_subword_prefix other than ##");
    if (const json *n = member(model, "max_input_chars_per_word"); n && unsignedOf(*n) != 100)
      unknown("model WordPiece with max_input_chars_per_word other than 100");
    return;
  }
  if (type != "BPE")
    return unknown("model " + type);
  spec.model = byteLevel ? Model::ByteBpe : Model::CharBpe;
  for (StringRef key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (StringRef s = stringMember(model, key); !s.empty())
      unknown("model BPE with " + key + " '" + s + "'");
  if (const json *d = member(model, "dropout"); d && *d != 0)
    unknown("model BPE with dropout");
  if (boolMember(model, "byte_fallback", false) && !byteLevel)
    spec.flags |= kByteFallback;
  if (boolMember(model, "fuse_unk", false))
    spec.flags |= kFuseUnk;
  if (boolMember(model, "ignore_merges", false))
    spec.flags |= kIgnoreMerges;
}

/// Gives token `text` its id.
Error JsonReader::place(StringRef text, int64_t id, bool added) {
  if (id < 0 || id >= kMaxTokens)
    return bad("token '" + text + "'", "id " + Twine(id) + " is not between 0 and 2^24");
  size_t i = static_cast<size_t>(id);
  if (i >= spec.tokens.size()) {
    spec.tokens.resize(i + 1);
    spec.tokenFlags.resize(i + 1);
    spec.matchable.resize(i + 1);
    taken.resize(i + 1);
  }
  if (taken[i] && spec.tokens[i] != text)
    return bad("token '" + text + "'",
               "id " + Twine(id) + " is also the id of '" + spec.tokens[i] + "'");
  taken[i] = true;
  spec.tokens[i] = text.str();
  spec.matchable[i] = !added;
  return Error::success();
}

Error JsonReader::readVocabulary(const json &model) {
  const json *vocab = member(model, "vocab");
  if (!vocab || !vocab->is_object() || vocab->empty())
    return bad("model.vocab", "missing, or not an object of token ids");
  // Ids far apart would make tables of nothing.
  const uint64_t limit = std::min<uint64_t>(vocab->size() * 4 + 65536, kMaxTokens);
  for (auto it = vocab->begin(); it != vocab->end(); ++it) {
    std::optional<uint64_t> id = unsignedOf(it.value());
    if (!id || *id >= limit)
      return bad("model.vocab: '" + Twine(it.key()) + "'", "its id is not an integer from 0 to " +
                                                               Twine(limit) +
                                                               ", the most for this many tokens");
    if (Error e = place(it.key(), static_cast<int64_t>(*id), false))
      return e;
    ids[it.key()] = static_cast<uint32_t>(*id);
  }
  if (StringRef unk = stringMember(model, "unk_token"); !unk.empty()) {
    auto it = ids.find(unk);
    if (it == ids.end())
      return bad("model.unk_token", "'" + unk + "' is not in the vocabulary");
    spec.unk = static_cast<int32_t>(it->second);
  }
  return Error::success();
}

Error JsonReader::readMerges(const json &model) {
  const json *merges = member(model, "merges");
  if (spec.model == Model::WordPiece)
    return Error::success();
  if (!merges || !merges->is_array())
    return bad("model.merges", "missing, or not an array");
  size_t index = 0;
  for (const json &m : *merges) {
    bool pair = m.is_array() && m.size() == 2 && m[0].is_string() && m[1].is_string();
    if (!pair && !m.is_string())
      return bad("model.merges", "element " + Twine(index) + " is not a pair of tokens");
    if (m.is_string() && stringOf(m).starts_with("#version"))
      continue;
    if (Error e = pair ? addMerge(spec, ids, stringOf(m[0]), stringOf(m[1]), index)
                       : addMerge(spec, ids, stringOf(m), index))
      return e;
    ++index;
  }
  return Error::success();
}

Error JsonReader::addAdded(const json &a, size_t index) {
  StringRef text = stringMember(a, "content");
  const json *id = member(a, "id");
  std::optional<uint64_t> number = id ? unsignedOf(*id) : std::nullopt;
  std::string where = ("added_tokens[" + Twine(index) + "]").str();
  if (text.empty() || !number || *number >= kMaxTokens)
    return bad(where, "it needs a content and an id from 0 to 2^24");
  if (auto it = ids.find(text); it != ids.end() && it->second != *number)
    return bad(where, "'" + text + "' has id " + Twine(*number) + " here and " + Twine(it->second) +
                          " in the vocabulary");
  // Ids far past the vocabulary would make tables of nothing.
  if (*number > spec.tokens.size() * 4 + 65536)
    return bad(where, "id " + Twine(*number) + " is far outside the vocabulary");
  bool special = boolMember(a, "special", false);
  bool normalized = boolMember(a, "normalized", !special);
  if (Error e = place(text, static_cast<int64_t>(*number), special || !ids.count(text)))
    return e;
  spec.tokenFlags[*number] |=
      kTokenAdded | (special ? kTokenSpecial : 0) | (byteLevel || special ? kTokenVerbatim : 0);
  spec.added.push_back({text.str(), static_cast<int32_t>(*number), special,
                        boolMember(a, "single_word", false), boolMember(a, "lstrip", false),
                        boolMember(a, "rstrip", false), normalized});
  return Error::success();
}

Error JsonReader::readAdded() {
  const json *added = member(root, "added_tokens");
  if (!added)
    return Error::success();
  if (!added->is_array())
    return bad("added_tokens", "not an array");
  for (const auto &[i, a] : llvm::enumerate(*added))
    if (Error e = addAdded(a, i))
      return e;
  return Error::success();
}

/// Turns texts as they are written into texts as they are matched.
void JsonReader::writeTexts() {
  for (size_t id = 0; id < spec.tokens.size(); ++id) {
    std::string &text = spec.tokens[id];
    if (spec.tokenFlags[id] & kTokenAdded)
      continue;
    if (spec.model == Model::ByteBpe) {
      std::optional<std::string> bytes = bytesOfByteLevel(text);
      spec.matchable[id] = spec.matchable[id] && bytes;
      text = bytes.value_or(text);
    } else if (spec.flags & kByteFallback) {
      if (int byte = byteOfToken(text); byte >= 0) {
        text = std::string(1, static_cast<char>(byte));
        spec.tokenFlags[id] |= kTokenByte;
        spec.matchable[id] = false;
      }
    }
  }
}

Error JsonReader::readTemplate(const json &p) {
  const json *single = member(p, "single"), *tokens = member(p, "special_tokens");
  if (!single || !single->is_array())
    return bad("post_processor", "TemplateProcessing without the array single");
  std::vector<int32_t> *out = &spec.prefix;
  for (const json &item : *single) {
    const json *special = member(item, "SpecialToken");
    if (!special) {
      out = &spec.suffix;
      continue;
    }
    const json *entry =
        tokens && tokens->is_object() ? member(*tokens, stringMember(*special, "id")) : nullptr;
    const json *list = entry ? member(*entry, "ids") : nullptr;
    if (!list || !list->is_array())
      return bad("post_processor",
                 "'" + stringMember(*special, "id") + "' is not among its special_tokens");
    for (const json &id : *list) {
      std::optional<uint64_t> n = unsignedOf(id);
      if (!n || *n >= kMaxTokens)
        return bad("post_processor", "a token id is not an integer from 0 to 2^24");
      out->push_back(static_cast<int32_t>(*n));
    }
  }
  return Error::success();
}

Error JsonReader::readPostProcessorStep(const json &p) {
  StringRef type = stringMember(p, "type");
  if (type == "ByteLevel")
    return Error::success();
  if (type == "TemplateProcessing")
    return readTemplate(p);
  if (type != "BertProcessing" && type != "RobertaProcessing") {
    unknown("post_processor " + p.dump());
    return Error::success();
  }
  for (auto [key, out] : {std::pair("cls", &spec.prefix), std::pair("sep", &spec.suffix)}) {
    const json *pair = member(p, key);
    std::optional<uint64_t> id;
    if (pair && pair->is_array() && pair->size() == 2)
      id = unsignedOf((*pair)[1]);
    if (!id || *id >= kMaxTokens)
      return bad("post_processor." + Twine(key), "not a token and its id");
    out->push_back(static_cast<int32_t>(*id));
  }
  return Error::success();
}

Error JsonReader::readPostProcessor() {
  const json *p = member(root, "post_processor");
  if (!p)
    return Error::success();
  for (const json *step : sequence(*p, "processors"))
    if (Error e = readPostProcessorStep(*step))
      return e;
  return Error::success();
}

llvm::Expected<TokenizerSpec> JsonReader::read() {
  const json *model = member(root, "model");
  if (!model || !model->is_object())
    return bad("model", "missing, or not an object");
  readNormalizer();
  readPreTokenizer();
  readDecoder();
  readModelOptions(*model);
  if (!unsupportedParts.empty())
    return unsupported(spec.source, "parts of this tokenizer are not supported",
                       std::move(unsupportedParts));
  if (Error e = readVocabulary(*model))
    return std::move(e);
  if (Error e = readMerges(*model))
    return std::move(e);
  if (Error e = readAdded())
    return std::move(e);
  writeTexts();
  findByteTokens(spec, ids);
  if (Error e = readPostProcessor())
    return std::move(e);
  if (!unsupportedParts.empty())
    return unsupported(spec.source, "parts of this tokenizer are not supported",
                       std::move(unsupportedParts));
  return std::move(spec);
}

} // namespace

llvm::Expected<TokenizerSpec> qcc::readTokenizerJson(StringRef path, const json &root) {
  return JsonReader(path, root).read();
}
