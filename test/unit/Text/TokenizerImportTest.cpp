//===- TokenizerImportTest.cpp - tokenizer.json and GGUF keys -------------===//
//
// What is recognized, and a case for every error.
//
//===----------------------------------------------------------------------===//
#include "TextTesting.h"
#include "frontends/Tokenizer/GgufMetadata.h"
#include "frontends/Tokenizer/TokenizerJson.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/raw_ostream.h"

#include <map>

using namespace qcc;
using namespace qcc::testing;
using nlohmann::json;

namespace {

json smallJson() {
  return json::parse(R"({
    "added_tokens": [{"id": 5, "content": "<s>", "special": true}],
    "normalizer": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
    "post_processor": {"type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}],
      "special_tokens": {"<s>": {"ids": [5]}}},
    "decoder": {"type": "ByteLevel"},
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "Ġ": 3, "Ġa": 4},
              "merges": ["a b", ["Ġ", "a"]]}
  })");
}

std::string errorOf(const json &root) {
  llvm::Expected<TokenizerSpec> spec = readTokenizerJson("t.json", root);
  if (!spec)
    return llvm::toString(spec.takeError());
  llvm::Expected<std::vector<uint8_t>> blob = buildTokenizer(*spec);
  return blob ? "" : llvm::toString(blob.takeError());
}

/// A copy with the value at `pointer` replaced by `value`.
json with(const char *pointer, const char *value) {
  json root = smallJson();
  root[json::json_pointer(pointer)] = json::parse(value);
  return root;
}

TEST(TokenizerJson, Small) {
  OpenTokenizer t(readTokenizerJson("t.json", smallJson()));
  ASSERT_EQ(t.error, "");
  EXPECT_EQ(t.tokenizer.encode("ab a<s>", true, true), (std::vector<int32_t>{5, 2, 4, 5}));
  EXPECT_EQ(t.tokenizer.decode({2, 4}, true), "ab a");
}

TEST(TokenizerJson, RecognizesParts) {
  const char *normalizers[] = {
      "null", R"({"type": "NFC"})", R"({"type": "Sequence", "normalizers": [{"type": "NFC"}]})",
      R"({"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
          {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]})"};
  for (const char *n : normalizers)
    EXPECT_EQ(errorOf(with("/normalizer", n)), "");
  const char *preTokenizers[] = {
      "null", R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first",
                  "split": false})",
      R"({"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": true},
          {"type": "ByteLevel", "add_prefix_space": false}]})",
      R"({"type": "Split", "pattern": {"Regex": "\\p{N}{1,3}"}, "behavior": "Isolated"})"};
  for (const char *p : preTokenizers)
    EXPECT_EQ(errorOf(with("/pre_tokenizer", p)), "");
}

TEST(TokenizerJson, NamesErrors) {
  const std::tuple<const char *, const char *, const char *> cases[] = {
      {"/model", "3", "t.json: model: missing, or not an object"},
      {"/model/vocab", "[]", "t.json: model.vocab: missing, or not an object of token ids"},
      {"/model/vocab/a", "\"x\"",
       "t.json: model.vocab: 'a': its id is not an integer from 0 to 65556, the most for this "
       "many tokens"},
      {"/model/vocab/a", "-1", "its id is not an integer"},
      {"/model/vocab/a", "16777217", "its id is not an integer"},
      {"/model/vocab/a", "1", "is also the id of"},
      {"/model/merges", "null", "t.json: model.merges: missing, or not an array"},
      {"/model/merges/0", "7", "t.json: model.merges: element 0 is not a pair of tokens"},
      {"/model/merges/0", "\"ab\"", "merge 0: 'ab' is not two tokens with a space between them"},
      {"/model/merges/1", "\"a x\"", "t.json: merge 1: 'x' is not in the vocabulary"},
      {"/model/merges/1", "\"b a\"", "t.json: merge 1: 'ba' is not in the vocabulary"},
      {"/model/unk_token", "\"u\"", "t.json: model.unk_token: 'u' is not in the vocabulary"},
      {"/added_tokens", "{}", "t.json: added_tokens: not an array"},
      {"/added_tokens/0", "{}",
       "t.json: added_tokens[0]: it needs a content and an id from 0 to 2^24"},
      {"/added_tokens/0/id", "16777216", "it needs a content and an id from 0 to 2^24"},
      {"/added_tokens/0/id", "9000000", "id 9000000 is far outside the vocabulary"},
      {"/added_tokens/0/id", "1", "id 1 is also the id of 'b'"},
      {"/added_tokens/0", R"({"id": 7, "content": "ab"})",
       "'ab' has id 7 here and 2 in the vocabulary"},
      {"/post_processor/single", "3", "TemplateProcessing without the array single"},
      {"/post_processor/special_tokens", "{}", "'<s>' is not among its special_tokens"},
      {"/post_processor/special_tokens/<s>/ids/0", "\"x\"", "a token id is not an integer"},
      {"/post_processor/special_tokens/<s>/ids/0", "77",
       "t.json: post-processor: id 77 is not below the number of tokens, 6"},
      {"/post_processor", R"({"type": "BertProcessing"})",
       "t.json: post_processor.cls: not a token and its id"},
      {"/post_processor", R"({"type": "Other"})", "post_processor {\"type\":\"Other\"}"},
      {"/normalizer", R"({"type": "NFKC"})", "normalizer {\"type\":\"NFKC\"}"},
      {"/normalizer", R"({"type": "Prepend", "prepend": "▁"})",
       "normalizer Prepend without Replace"},
      {"/pre_tokenizer", R"({"type": "Whitespace"})", "pre_tokenizer {\"type\":\"Whitespace\"}"},
      {"/pre_tokenizer",
       R"({"type": "Split", "pattern": {"Regex": "[a-z]+"}, "behavior": "Isolated"})",
       "pre_tokenizer Split (Isolated) with the pattern [a-z]+"},
      {"/pre_tokenizer", R"({"type": "Metaspace", "replacement": "_"})",
       "pre_tokenizer Metaspace with the replacement '_'"},
      {"/pre_tokenizer", R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "x"})",
       "pre_tokenizer Metaspace with prepend_scheme 'x'"},
      {"/pre_tokenizer",
       R"({"type": "Sequence", "pretokenizers": [{"type": "Digits"}, {"type": "ByteLevel"}]})",
       "pre_tokenizer ByteLevel with add_prefix_space after other steps"},
      {"/decoder", R"({"type": "CTC"})", "decoder {\"type\":\"CTC\"}"},
      {"/model/type", "\"Unigram\"", "model Unigram"},
      {"/model/dropout", "0.1", "model BPE with dropout"},
      {"/model/end_of_word_suffix", "\"</w>\"", "model BPE with end_of_word_suffix '</w>'"},
  };
  for (auto &[pointer, value, error] : cases)
    EXPECT_NE(errorOf(with(pointer, value)).find(error), std::string::npos)
        << pointer << " = " << value << "\n"
        << errorOf(with(pointer, value));
}

/// A directory with these files, removed at the end.
class TestDirectory {
public:
  explicit TestDirectory(const std::map<std::string, std::string> &files) {
    EXPECT_FALSE(llvm::sys::fs::createUniqueDirectory("qcc-tokenizer", path));
    for (auto &[name, content] : files) {
      std::error_code error;
      llvm::raw_fd_ostream out((path + "/" + name).str(), error);
      out << content;
    }
  }
  ~TestDirectory() { llvm::sys::fs::remove_directories(path); }

  llvm::SmallString<128> path;
};

TEST(TokenizerDirectory, ReadsTheFilesBeside) {
  TestDirectory dir({{"tokenizer.json", smallJson().dump()},
                     {"tokenizer_config.json",
                      R"({"bos_token": {"content": "<s>"}, "eos_token": "b", "pad_token": null,
                          "add_bos_token": false, "tokenizer_class": "LlamaTokenizer",
                          "chat_template": [{"name": "x", "template": "X"},
                                            {"name": "default", "template": "T"}]})"},
                     {"generation_config.json", R"({"eos_token_id": [1, 5, 999]})"}});
  llvm::Expected<TokenizerSpec> spec = readTokenizerDirectory(dir.path);
  ASSERT_TRUE(static_cast<bool>(spec));
  EXPECT_EQ(spec->bos, 5);
  EXPECT_EQ(spec->eos, 1);
  EXPECT_EQ(spec->pad, -1);
  EXPECT_EQ(spec->stops, (std::vector<int32_t>{1, 5}));
  EXPECT_TRUE(spec->prefix.empty());
  EXPECT_EQ(spec->chatTemplate, "T");
}

TEST(TokenizerDirectory, TemplateFileWins) {
  TestDirectory dir({{"tokenizer.json", smallJson().dump()},
                     {"tokenizer_config.json", R"({"chat_template": "old"})"},
                     {"chat_template.jinja", "new"}});
  llvm::Expected<TokenizerSpec> spec = readTokenizerDirectory(dir.path);
  ASSERT_TRUE(static_cast<bool>(spec));
  EXPECT_EQ(spec->chatTemplate, "new");
}

TEST(TokenizerDirectory, NamesErrors) {
  std::string good = smallJson().dump();
  const std::pair<std::map<std::string, std::string>, const char *> cases[] = {
      {{}, "there is no tokenizer.json here"},
      {{{"tokenizer.json", "{"}}, "tokenizer.json"},
      {{{"tokenizer.json", good}, {"tokenizer_config.json", "[]"}},
       "tokenizer_config.json: not a JSON object"},
      {{{"tokenizer.json", good}, {"tokenizer_config.json", R"({"eos_token": "zz"})"}},
       "tokenizer_config.json: eos_token: 'zz' is not a token of the vocabulary"},
      {{{"tokenizer.json", good}, {"config.json", R"({"eos_token_id": "x"})"}},
       "config.json: eos_token_id: not an integer of 0 or more, nor a list of them"},
      {{{"tokenizer.json", good}, {"chat_template.jinja", std::string(2000000, 'x')}},
       "chat_template.jinja: not a readable file of at most 1 MiB"},
  };
  for (auto &[files, error] : cases) {
    TestDirectory dir(files);
    OpenTokenizer t(readTokenizerDirectory(dir.path));
    EXPECT_NE(t.error.find(error), std::string::npos) << error << "\n" << t.error;
  }
}

/// GGUF keys held in memory.
struct FakeMetadata : TokenizerMetadata {
  std::map<std::string, std::string> strings;
  std::map<std::string, std::vector<std::string>> lists;
  std::map<std::string, std::vector<float>> floats;
  std::map<std::string, std::vector<int64_t>> intLists;
  std::map<std::string, int64_t> ints;
  std::map<std::string, bool> bools;

  template <typename M, typename T = typename M::mapped_type>
  static std::optional<T> get(const M &map, llvm::StringRef key) {
    auto it = map.find(key.str());
    return it == map.end() ? std::nullopt : std::optional<T>(it->second);
  }
  std::optional<llvm::StringRef> getString(llvm::StringRef key) const override {
    auto it = strings.find(key.str());
    return it == strings.end() ? std::nullopt : std::optional<llvm::StringRef>(it->second);
  }
  std::optional<std::vector<llvm::StringRef>> getStrings(llvm::StringRef key) const override {
    auto it = lists.find(key.str());
    if (it == lists.end())
      return std::nullopt;
    return std::vector<llvm::StringRef>(it->second.begin(), it->second.end());
  }
  std::optional<std::vector<float>> getFloats(llvm::StringRef key) const override {
    return get(floats, key);
  }
  std::optional<std::vector<int64_t>> getInts(llvm::StringRef key) const override {
    return get(intLists, key);
  }
  std::optional<int64_t> getInt(llvm::StringRef key) const override { return get(ints, key); }
  std::optional<bool> getBool(llvm::StringRef key) const override { return get(bools, key); }

  FakeMetadata() {
    strings = {{"tokenizer.ggml.model", "gpt2"}, {"tokenizer.ggml.pre", "gpt-2"}};
    lists = {{"tokenizer.ggml.tokens", {"a", "b", "ab", "<|im_end|>", "<x>"}},
             {"tokenizer.ggml.merges", {"a b"}}};
    intLists = {{"tokenizer.ggml.token_type", {1, 1, 1, 3, 4}}};
    ints = {{"tokenizer.ggml.eos_token_id", 3}};
  }
};

std::string errorOf(const FakeMetadata &m) {
  OpenTokenizer t(readTokenizerGguf(m, "m.gguf"));
  return t.error;
}

TEST(TokenizerGguf, Small) {
  FakeMetadata m;
  OpenTokenizer t(readTokenizerGguf(m, "m.gguf"));
  ASSERT_EQ(t.error, "");
  EXPECT_EQ(t.tokenizer.encode("ab<x><|im_end|>", false, true), (std::vector<int32_t>{2, 4, 3}));
  EXPECT_TRUE(t.tokenizer.isStop(3));
  EXPECT_TRUE(t.tokenizer.isSpecial(3));
  EXPECT_FALSE(t.tokenizer.isSpecial(4));
}

TEST(TokenizerGguf, NamesErrors) {
  using M = FakeMetadata;
  const std::pair<void (*)(M &), const char *> cases[] = {
      {[](M &m) { m.strings.erase("tokenizer.ggml.model"); },
       "m.gguf: tokenizer.ggml.model: missing, or not a string"},
      {[](M &m) { m.strings["tokenizer.ggml.model"] = "t5"; },
       "tokenizer.ggml.model 't5' is not supported"},
      {[](M &m) { m.strings.erase("tokenizer.ggml.pre"); }, "m.gguf: tokenizer.ggml.pre: missing"},
      {[](M &m) { m.strings["tokenizer.ggml.pre"] = "new-one"; },
       "tokenizer.ggml.pre 'new-one' is not supported"},
      {[](M &m) { m.lists.erase("tokenizer.ggml.tokens"); },
       "m.gguf: tokenizer.ggml.tokens: missing"},
      {[](M &m) { m.lists["tokenizer.ggml.tokens"][1] = "a"; }, "'a' is token 0 and token 1"},
      {[](M &m) { m.intLists["tokenizer.ggml.token_type"].pop_back(); }, "4 types of 5 tokens"},
      {[](M &m) { m.intLists["tokenizer.ggml.token_type"][2] = 9; },
       "token 2 has the unknown type 9"},
      {[](M &m) { m.lists.erase("tokenizer.ggml.merges"); },
       "m.gguf: tokenizer.ggml.merges: missing"},
      {[](M &m) { m.lists["tokenizer.ggml.merges"] = {"a z"}; },
       "m.gguf: merge 0: 'z' is not in the vocabulary"},
      {[](M &m) { m.ints["tokenizer.ggml.eos_token_id"] = 5; },
       "m.gguf: tokenizer.ggml.eos_token_id: id 5 is not below the number of tokens, 5"},
      {[](M &m) { m.bools["tokenizer.ggml.add_bos_token"] = true; },
       "tokenizer.ggml.add_bos_token: true, but there is no bos_token_id"},
      {[](M &m) {
         m.ints.clear();
         m.bools["tokenizer.ggml.add_eos_token"] = true;
       },
       "tokenizer.ggml.add_eos_token: true, but there is no eos_token_id"},
      {[](M &m) { m.strings["tokenizer.ggml.model"] = "llama"; },
       "tokenizer.ggml.scores: missing, or not one float for each token"},
      {[](M &m) {
         m.strings["tokenizer.ggml.model"] = "llama";
         m.floats["tokenizer.ggml.scores"] = {0, 0, 0, 0, NAN};
       },
       "m.gguf: token 4: its score is not a number"},
  };
  for (auto &[change, error] : cases) {
    FakeMetadata m;
    change(m);
    EXPECT_NE(errorOf(m).find(error), std::string::npos) << error << "\n" << errorOf(m);
  }
}

TEST(TokenizerBlob, NamesErrors) {
  TokenizerSpec good;
  good.source = "s";
  good.tokens = {"a"};
  good.tokenFlags = {0};
  good.matchable = {true};
  const std::pair<void (*)(TokenizerSpec &), const char *> cases[] = {
      {[](TokenizerSpec &s) { s.tokens.clear(); }, "s: vocabulary: 0 tokens; 1 to 2^24"},
      {[](TokenizerSpec &s) { s.tokenFlags.clear(); }, "differ in length"},
      {[](TokenizerSpec &s) { s.tokens[0].assign(70000, 'x'); },
       "s: token 0: its text is longer than 65536 bytes"},
      {[](TokenizerSpec &s) { s.merges = {{0, 0, 1}}; }, "s: merge 0: id 1 is not below"},
      {[](TokenizerSpec &s) { s.added = {{"x", 4}}; }, "s: added token 'x': id 4 is not below"},
      {[](TokenizerSpec &s) { s.added = {{"", 0}}; }, "s: added token of id 0: its text is empty"},
      {[](TokenizerSpec &s) { s.stops = {1}; }, "s: end-of-text token: id 1 is not below"},
      {[](TokenizerSpec &s) { s.bos = 1; }, "s: bos_token: id 1 is not below"},
      {[](TokenizerSpec &s) { s.byteIds = {-2}; }, "s: byte tokens: id -2 is not below"},
      {[](TokenizerSpec &s) { s.steps.assign(9, text::Split::Gpt2); },
       "a pre-tokenizer of more than 8 steps"},
  };
  for (auto &[change, error] : cases) {
    TokenizerSpec spec = good;
    change(spec);
    llvm::Expected<std::vector<uint8_t>> blob = buildTokenizer(spec);
    ASSERT_FALSE(static_cast<bool>(blob));
    std::string text = llvm::toString(blob.takeError());
    EXPECT_NE(text.find(error), std::string::npos) << text;
  }
}

/// The GGUF file and the directory of one model have one tokenizer.
TEST(TokenizerGguf, SharedFileMatchesDirectory) {
  auto text = readFile(sharedPath("text/c4.txt"));
  std::string path = sharedPath("gguf/q4_0.gguf");
  if (!text || !llvm::sys::fs::exists(path))
    GTEST_SKIP() << "no shared test data";
  llvm::Expected<GgufFile> file = openGguf(path);
  ASSERT_TRUE(static_cast<bool>(file));
  OpenTokenizer gguf(readTokenizerGguf(GgufMetadata(*file), path));
  OpenTokenizer json(readTokenizerDirectory(sharedPath("checkpoints/base")));
  ASSERT_EQ(gguf.error, "");
  ASSERT_EQ(json.error, "");
  EXPECT_EQ(gguf.tokenizer.encode(*text, true, true), json.tokenizer.encode(*text, true, true));
}

TEST(TokenizerGguf, SmolLm2MatchesDirectory) {
  const char *path = std::getenv("QCC_SMOLLM2_GGUF");
  auto text = readFile(sharedPath("text/wiki.test.raw"));
  if (!path || !text)
    GTEST_SKIP() << "QCC_SMOLLM2_GGUF names no file";
  llvm::Expected<GgufFile> file = openGguf(path);
  ASSERT_TRUE(static_cast<bool>(file));
  OpenTokenizer gguf(readTokenizerGguf(GgufMetadata(*file), path));
  OpenTokenizer json(readTokenizerDirectory(sharedPath("smollm2")));
  ASSERT_EQ(gguf.error, "");
  ASSERT_EQ(json.error, "");
  std::vector<int32_t> ids = gguf.tokenizer.encode(*text, true, true);
  EXPECT_EQ(ids.size(), 304830u);
  EXPECT_EQ(ids, json.tokenizer.encode(*text, true, true));
}

} // namespace
