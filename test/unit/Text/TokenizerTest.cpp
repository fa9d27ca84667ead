//===- TokenizerTest.cpp - Encoding, decoding, damaged blobs --------------===//
//
// Real tokenizers against Hugging Face's results (golden files and counts), a small one
// for each model kind made here, and blobs with random damage.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/Tokenizer.h"

#include "TextTesting.h"
#include "frontends/Tokenizer/ByteLevel.h"

using namespace qcc;
using namespace qcc::text;
using namespace qcc::testing;

namespace {

using Ids = std::vector<int32_t>;

std::string withPlainBreaks(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), '\r'), text.end());
  return text;
}

uint64_t hashOf(const Ids &ids) {
  uint64_t h = 14695981039346656037ull;
  for (int32_t id : ids)
    h = (h ^ static_cast<uint32_t>(id)) * 1099511628211ull;
  return h;
}

/// Bytes as a byte-level model of 256 single bytes, "ab", "abc", " a" and two added tokens.
TokenizerSpec byteSpec() {
  TokenizerSpec s;
  s.source = "test";
  s.steps = {Split::Gpt2};
  for (int b = 0; b < 256; ++b)
    s.tokens.push_back(std::string(1, static_cast<char>(b)));
  for (const char *t : {"ab", "abc", " a", "bc"})
    s.tokens.push_back(t);
  s.matchable.assign(s.tokens.size(), true);
  s.merges = {{'a', 'b', 256}, {256, 'c', 257}, {' ', 'a', 258}, {'b', 'c', 259}};
  for (const char *t : {"<s>", "<tool>"}) {
    s.added.push_back({t, static_cast<int32_t>(s.tokens.size()), t[1] == 's'});
    s.tokens.push_back(t);
    s.matchable.push_back(false);
  }
  s.tokenFlags.assign(s.tokens.size(), 0);
  s.tokenFlags[260] = kTokenSpecial | kTokenAdded | kTokenVerbatim;
  s.tokenFlags[261] = kTokenAdded | kTokenVerbatim;
  s.bos = 260;
  s.stops = {260};
  s.prefix = {260};
  for (int b = 0; b < 256; ++b)
    s.byteIds.push_back(b);
  return s;
}

/// Characters as SentencePiece: scores decide, bytes stand in for the unknown.
TokenizerSpec scoreSpec() {
  TokenizerSpec s;
  s.source = "test";
  s.model = Model::ScoreBpe;
  s.flags = kEscapeSpaces | kByteFallback | kStripFirst;
  s.prepend = Prepend::Always;
  const std::pair<const char *, float> tokens[] = {{"<unk>", 0},
                                                   {"<s>", 0},
                                                   {"a", -5},
                                                   {"b", -6},
                                                   {"ab", -2},
                                                   {"ba", -1},
                                                   {"\xE2\x96\x81", -7},
                                                   {"\xE2\x96\x81"
                                                    "a",
                                                    -3},
                                                   {"xy", -1}};
  for (auto [t, score] : tokens) {
    s.tokens.push_back(t);
    s.scores.push_back(score);
    s.matchable.push_back(t[0] != '<');
  }
  s.tokenFlags.assign(s.tokens.size(), 0);
  s.tokenFlags[0] = s.tokenFlags[1] = kTokenSpecial;
  for (int b = 0; b < 256; ++b) {
    s.byteIds.push_back(static_cast<int32_t>(s.tokens.size()));
    s.tokens.push_back(std::string(1, static_cast<char>(b)));
    s.scores.push_back(0);
    s.matchable.push_back(false);
    s.tokenFlags.push_back(kTokenByte);
  }
  s.unk = 0;
  return s;
}

TEST(Tokenizer, ByteLevel) {
  OpenTokenizer t(byteSpec());
  ASSERT_EQ(t.error, "");
  const std::tuple<const char *, bool, bool, Ids> cases[] = {
      {"", false, false, {}},
      {"", true, false, {260}},
      {"abc", false, false, {257}},
      {"abcabc ab", false, false, {257, 257, 32, 256}},
      {"bcab", false, false, {259, 256}},
      {"<s>ab", false, true, {260, 256}},
      {"<s>ab", false, false, {'<', 's', '>', 256}},
      {"<tool>ab", false, false, {261, 256}}, // not special: always itself
      {"<too", false, true, {'<', 't', 'o', 'o'}},
      {"ab", true, true, {260, 256}},
  };
  for (auto &[text, addSpecial, parseSpecial, ids] : cases)
    EXPECT_EQ(t.tokenizer.encode(text, addSpecial, parseSpecial), ids) << text;
  EXPECT_EQ(t.tokenizer.decode({260, 257, 261}, true), "<s>abc<tool>");
  EXPECT_EQ(t.tokenizer.decode({260, 257, 261, -1, 9999}, false), "abc<tool>");
  EXPECT_EQ(t.tokenizer.find("<s>"), 260);
  EXPECT_EQ(t.tokenizer.find("ab"), 256);
  EXPECT_EQ(t.tokenizer.find("zz"), -1);
  EXPECT_TRUE(t.tokenizer.isStop(260));
  EXPECT_FALSE(t.tokenizer.isStop(1));
  EXPECT_EQ(t.tokenizer.size(), 262);
}

TEST(Tokenizer, AddedTokenFlags) {
  TokenizerSpec s = byteSpec();
  s.added[0].lstrip = s.added[0].rstrip = true;
  s.added[1].singleWord = true;
  OpenTokenizer t(std::move(s));
  ASSERT_EQ(t.error, "");
  EXPECT_EQ(t.tokenizer.encode("a  <s> \n b", false, true), (Ids{'a', 260, 'b'}));
  EXPECT_EQ(t.tokenizer.encode("a<tool>", false, true).size(), 7u);
  EXPECT_EQ(t.tokenizer.encode(".<tool>.", false, true), (Ids{'.', 261, '.'}));
}

TEST(Tokenizer, Scores) {
  OpenTokenizer t(scoreSpec());
  ASSERT_EQ(t.error, "");
  auto byte = [](int b) { return 9 + b; };
  const std::pair<const char *, Ids> cases[] = {
      {"aba", {7, 5}}, // ba (-1) first, then _a
      {"ab", {6, 4}},  // ab (-2) before _a (-3)
      {" a", {6, 7}},  // one space is added
      {"xy", {6, 8}},  // merges of characters that are no tokens
      {"x", {6, byte('x')}}, {"\xC3\xA9", {6, byte(0xC3), byte(0xA9)}}, {"\xff", {6, byte(0xff)}},
  };
  for (auto &[text, ids] : cases)
    EXPECT_EQ(t.tokenizer.encode(text, false, true), ids) << text;
  EXPECT_EQ(t.tokenizer.decode({7, 5, byte(0xC3), byte(0xA9)}, true), "aba\xC3\xA9");
  EXPECT_EQ(t.tokenizer.decode({6, 7}, true), " a");
}

TEST(Tokenizer, WordPiece) {
  TokenizerSpec s;
  s.source = "test";
  s.model = Model::WordPiece;
  s.flags = kBertNormalize | kLowercase | kStripAccents;
  s.steps = {Split::Bert};
  for (const char *t :
       {"[UNK]", "[CLS]", "un", "##aff", "##able", "cafe", ",", "\xE6\x9D\xB1", "##fordable"}) {
    s.tokens.push_back(t);
    s.matchable.push_back(t[0] != '[');
  }
  s.tokenFlags.assign(s.tokens.size(), 0);
  s.unk = 0;
  s.prefix = {1};
  OpenTokenizer t(s);
  ASSERT_EQ(t.error, "");
  const std::pair<std::string, Ids> cases[] = {
      {"", {1}},
      {"Unaffable", {1, 2, 3, 4}},
      {"CAF\xC3\x89,cafe\xCC\x81", {1, 5, 6, 5}},
      {"un\xE6\x9D\xB1\xE6\x9D\xB1", {1, 2, 7, 7}},
      {"unx un", {1, 0, 2}}, // one part is unknown, so the word is
      {std::string(101, 'u'), {1, 0}},
      {"u\xC2\xADn\n\tun", {1, 2, 2}}, // controls vanish
  };
  for (auto &[text, ids] : cases)
    EXPECT_EQ(t.tokenizer.encode(text, true, true), ids) << text;
  EXPECT_EQ(t.tokenizer.decode({2, 3, 4, 5}, true), "unaffable cafe");
}

TEST(Tokenizer, LongPreTokensTakeLittleTime) {
  OpenTokenizer bytes(byteSpec()), scores(scoreSpec());
  std::string text;
  while (text.size() < 300000)
    text += "ab";
  EXPECT_EQ(bytes.tokenizer.encode(text, false, true).size(), 150000u);
  EXPECT_EQ(scores.tokenizer.encode(text, false, true).size(), 150001u);
}

TEST(Tokenizer, AnyBytesSurvive) {
  OpenTokenizer bytes(byteSpec()), scores(scoreSpec());
  uint32_t seed = 5;
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (int i = round % 60; i > 0; --i) {
      seed = seed * 1664525 + 1013904223;
      text += static_cast<char>(round % 2 ? seed >> 24 : "ab c<s>"[(seed >> 24) % 7]);
    }
    for (bool special : {false, true})
      EXPECT_EQ(bytes.tokenizer.decode(bytes.tokenizer.encode(text, false, special), true), text);
    EXPECT_EQ(scores.tokenizer.decode(scores.tokenizer.encode(text, false, false), true), text);
  }
}

TEST(Tokenizer, StreamsWholeCharacters) {
  OpenTokenizer t(byteSpec());
  StreamDecoder stream(t.tokenizer);
  std::vector<std::string> parts;
  for (int b : {int('a'), 0xC3, 0xA9, 0xE2, 0x82, int('x'), 0xff, 0xF0, 0x9F})
    parts.push_back(stream.push(b));
  parts.push_back(stream.finish());
  const char *r = "\xEF\xBF\xBD";
  EXPECT_EQ(parts, (std::vector<std::string>{"a", "", "\xC3\xA9", "", "", std::string(r) + r + "x",
                                             r, "", "", std::string(r) + r}));
  OpenTokenizer spm(scoreSpec());
  StreamDecoder first(spm.tokenizer), later(spm.tokenizer);
  later.continueText();
  EXPECT_EQ(first.push(7) + first.push(7), "a a");
  EXPECT_EQ(later.push(7) + later.push(7), " a a");
}

TEST(Tokenizer, RefusesDamagedBlobs) {
  OpenTokenizer t(byteSpec());
  Tokenizer other;
  auto open = [&](auto change) {
    std::vector<uint8_t> blob = t.blob;
    change(blob, *reinterpret_cast<BlobHeader *>(blob.data()));
    return other.open(blob.data(), blob.size());
  };
  using Blob = std::vector<uint8_t>;
  EXPECT_EQ(open([](Blob &b, BlobHeader &) { b.resize(10); }),
            "the tokenizer is not one of this program's");
  EXPECT_EQ(open([](Blob &, BlobHeader &h) { h.magic[0] = 'X'; }),
            "the tokenizer is not one of this program's");
  EXPECT_EQ(open([](Blob &, BlobHeader &h) { ++h.version; }),
            "the tokenizer is of another version");
  EXPECT_EQ(open([](Blob &b, BlobHeader &) { b.pop_back(); }), "the tokenizer is cut off");
  EXPECT_EQ(open([](Blob &, BlobHeader &h) { h.merges.count = UINT64_MAX / 8; }),
            "the tokenizer is damaged: merge table");
  EXPECT_EQ(open([](Blob &, BlobHeader &h) { h.tokenBytes.offset = UINT64_MAX - 3; }),
            "the tokenizer is damaged: token texts");
  EXPECT_EQ(open([](Blob &, BlobHeader &h) { --h.tokenFlags.count; }),
            "the tokenizer is damaged: its sections disagree");
  EXPECT_EQ(open([](Blob &, BlobHeader &h) { h.steps[0] = static_cast<Split>(99); }),
            "the tokenizer is damaged: pre-tokenizer");
  EXPECT_EQ(open([](Blob &b, BlobHeader &h) {
              reinterpret_cast<int32_t *>(b.data() + h.byteIds.offset)[3] = 1 << 20;
            }),
            "the tokenizer is damaged: token ids");
}

TEST(Tokenizer, DamagedBlobsDoNoHarm) {
  for (const TokenizerSpec &spec : {byteSpec(), scoreSpec()}) {
    OpenTokenizer t(spec);
    uint32_t seed = 11, opened = 0;
    for (int round = 0; round < 3000; ++round) {
      std::vector<uint8_t> blob = t.blob;
      for (int i = 0; i < 8; ++i) {
        seed = seed * 1664525 + 1013904223;
        size_t at = (seed >> 8) % blob.size();
        blob[at] = static_cast<uint8_t>(seed >> 24);
      }
      Tokenizer other;
      if (!other.open(blob.data(), blob.size()).empty())
        continue;
      ++opened;
      for (int32_t id : other.encode("abc ab<s> <tool> xy\xff", true, true))
        ASSERT_TRUE(id >= 0 && id < other.size());
      other.decode({0, 1, 257, 258, 260}, true);
      other.find("<s>");
    }
    EXPECT_GT(opened, 100u);
  }
}

struct RealCase {
  const char *directory, *text;
  size_t count;
  uint64_t hash; ///< of the ids PyPI's tokenizers gives
};

class RealTokenizer : public ::testing::TestWithParam<RealCase> {};

TEST_P(RealTokenizer, EncodesAsHuggingFace) {
  auto text = readFile(sharedPath(GetParam().text));
  if (!text)
    GTEST_SKIP() << "no shared test data";
  OpenTokenizer t(readTokenizerDirectory(sharedPath(GetParam().directory)));
  ASSERT_EQ(t.error, "");
  Ids ids = t.tokenizer.encode(withPlainBreaks(*text), false, true);
  EXPECT_EQ(ids.size(), GetParam().count);
  EXPECT_EQ(hashOf(ids), GetParam().hash);
  EXPECT_EQ(t.tokenizer.decode(ids, true), withPlainBreaks(*text));
}

INSTANTIATE_TEST_SUITE_P(
    Texts, RealTokenizer,
    ::testing::Values(RealCase{"smollm2", "text/wiki.test.raw", 301948, 0x916992b6fac494bull},
                      RealCase{"smollm2", "text/c4.txt", 302437, 0xb99f4b715dbb4524ull},
                      RealCase{"stories260k", "text/c4.txt", 815614, 0x35b0150c40776c94ull},
                      RealCase{"checkpoints/base", "text/calibration_datav3.txt", 179389,
                               0x4a380c0ada63b11ull}));

TEST(Tokenizer, GoldenPrompts) {
  auto json = readFile(sharedPath("smollm2/golden.json"));
  if (!json)
    GTEST_SKIP() << "no shared test data";
  Value golden;
  ASSERT_EQ(parseJson(*json, golden), "");
  OpenTokenizer t(readTokenizerDirectory(sharedPath("smollm2")));
  ASSERT_EQ(t.error, "");
  auto idsOf = [](const Value *list) {
    Ids ids;
    for (const Value &v : list->asList())
      ids.push_back(static_cast<int32_t>(v.asInt()));
    return ids;
  };
  for (const Value &prompt : golden.find("prompts")->asList()) {
    EXPECT_EQ(t.tokenizer.encode(textOf(prompt, "text"), false, true), idsOf(prompt.find("ids")));
    EXPECT_EQ(t.tokenizer.decode(idsOf(prompt.find("greedy")), true),
              textOf(prompt, "greedy_text"));
  }
  EXPECT_EQ(t.tokenizer.bos(), 1);
  EXPECT_EQ(t.tokenizer.eos(), 2);
  EXPECT_TRUE(t.tokenizer.isStop(2));
}

} // namespace
