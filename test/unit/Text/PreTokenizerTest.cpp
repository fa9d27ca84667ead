//===- PreTokenizerTest.cpp - Patterns and NFC against Hugging Face's -----===//
//
// data/pretokens.json holds what PyPI's tokenizers makes of random texts over awkward
// characters (make_golden.py).
//
//===----------------------------------------------------------------------===//
#include "runtime/text/PreTokenizer.h"

#include "TextTesting.h"
#include "runtime/text/Unicode.h"

using namespace qcc::text;
using namespace qcc::testing;

namespace {

std::vector<std::string> cut(Split kind, std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    size_t n = firstPiece(kind, text);
    out.emplace_back(text.substr(0, n));
    text.remove_prefix(n);
  }
  return out;
}

class PreTokenizer : public ::testing::TestWithParam<std::pair<const char *, Split>> {};

TEST_P(PreTokenizer, CutsAsHuggingFace) {
  Value table = goldenTable("pretokens.json");
  for (const Value &entry : table.asList()) {
    std::vector<std::string> expected;
    for (const Value &piece : entry.find("cuts")->find(GetParam().first)->asList())
      expected.push_back(piece.asString());
    std::string text = textOf(entry, "text");
    EXPECT_EQ(cut(GetParam().second, text), expected) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, PreTokenizer,
    ::testing::Values(std::pair("gpt2", Split::Gpt2), std::pair("llama3", Split::Llama3),
                      std::pair("qwen2", Split::Qwen2), std::pair("qwen35", Split::Qwen35),
                      std::pair("o200k", Split::O200k), std::pair("tekken", Split::Tekken),
                      std::pair("digits", Split::Digits), std::pair("digitruns", Split::DigitRuns)),
    [](const auto &info) { return info.param.first; });

TEST(PreTokenizerPieces, AreNeverEmptyAndCoverAnyBytes) {
  uint32_t seed = 1;
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (int i = 0; i < 40; ++i) {
      seed = seed * 1664525 + 1013904223;
      text += static_cast<char>(round % 2 ? seed >> 24 : "a'sT 1\n\xE2\x96\x81"[seed % 10 % 9]);
    }
    for (int kind = 0; kind <= static_cast<int>(Split::Bert); ++kind) {
      std::string joined;
      for (const std::string &piece : cut(static_cast<Split>(kind), text)) {
        ASSERT_FALSE(piece.empty());
        joined += piece;
      }
      ASSERT_EQ(joined, text);
    }
  }
}

TEST(PreTokenizerPieces, LongRunsTakeLinearTime) {
  // A quadratic matcher would need hours.
  for (const char *unit : {" ", "\n", "a", "A", "1", ".", "'", "\xC2\xAA", "\xCC\x81"})
    for (int kind = 0; kind <= static_cast<int>(Split::Bert); ++kind) {
      std::string text;
      while (text.size() < 1000000)
        text += unit;
      size_t total = 0;
      for (std::string_view rest = text; !rest.empty();) {
        size_t n = firstPiece(static_cast<Split>(kind), rest);
        rest.remove_prefix(n);
        total += n;
      }
      EXPECT_EQ(total, text.size());
    }
}

TEST(Unicode, NfcAsPython) {
  Value table = goldenTable("pretokens.json");
  for (const Value &entry : table.asList())
    EXPECT_EQ(toNfc(textOf(entry, "text")), textOf(entry, "nfc"));
}

TEST(Unicode, InvalidBytesSurvive) {
  for (const char *bytes : {"\xff", "a\xC3", "\xE2\x82", "\xF4\x90\x80\x80", "\xC0\x80",
                            "\xED\xA0\x80", "\xCC\x81\x80\xF0\x9F"})
    EXPECT_EQ(toNfc(bytes), bytes);
}

TEST(Unicode, CompletePrefix) {
  const std::pair<const char *, size_t> cases[] = {
      {"", 0},         {"ab", 2},           {"a\xC3", 1},         {"a\xC3\xA9", 3},
      {"\xE2\x82", 0}, {"\xE2\x82\xAC", 3}, {"x\xF0\x9F\x98", 1}, {"\xF0\x9F\x98\x80", 4},
      {"\x80\x80", 2}, {"\xff", 1}};
  for (auto [text, expected] : cases)
    EXPECT_EQ(completePrefix(text), expected) << text;
}

TEST(Unicode, Case) {
  const std::pair<uint32_t, uint32_t> pairs[] = {{'A', 'a'},    {0xC9, 0xE9},       {0x416, 0x436},
                                                 {0x178, 0xFF}, {0x10400, 0x10428}, {0x100, 0x101}};
  for (auto [upper, lower] : pairs) {
    EXPECT_EQ(toLower(upper), lower);
    EXPECT_EQ(toUpper(lower), upper);
    EXPECT_EQ(toLower(lower), lower);
    EXPECT_EQ(toUpper(upper), upper);
  }
}

} // namespace
