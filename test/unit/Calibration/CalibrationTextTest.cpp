//===- CalibrationTextTest.cpp - Windows of tokens from a text ------------------------===//
//
// A tokenizer of the letters and one pair, so that tokens tell where in the text they are from.
//
//===----------------------------------------------------------------------===//

#include "compiler/Calibration/CalibrationText.h"
#include "frontends/Tokenizer/TokenizerBuilder.h"
#include "frontends/Tokenizer/TokenizerJson.h"
#include "test/unit/Frontends/Support.h"

using namespace qcc;
using namespace qcc::test;

namespace {
constexpr uint32_t kPair = 26, kNewline = 27, kReturn = 28, kBegin = 29, kPart = 30;

/// Tokens 0 .. 25 are the letters, 26 is "xyz"; `begin` says whether texts start with <s>.
std::vector<uint8_t> tokenizer(bool begin) {
  nlohmann::json vocabulary = nlohmann::json::object();
  for (int32_t i = 0; i < 26; ++i)
    vocabulary[std::string(1, 'a' + i)] = uint32_t(i);
  vocabulary["xyz"] = kPair;
  vocabulary["Ċ"] = kNewline;
  vocabulary["č"] = kReturn;
  vocabulary["xy"] = kPart;
  nlohmann::json root = {
      {"added_tokens", {{{"id", kBegin}, {"content", "<s>"}, {"special", true}}}},
      {"normalizer", nullptr},
      {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}},
      {"decoder", {{"type", "ByteLevel"}}},
      {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", {"x y", "xy z"}}}}};
  if (begin)
    root["post_processor"] = nlohmann::json::parse(R"({"type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}],
      "special_tokens": {"<s>": {"ids": [29]}}})");
  llvm::Expected<TokenizerSpec> spec = readTokenizerJson("t.json", root);
  if (spec && begin)
    spec->bos = kBegin; // as tokenizer_config.json says it
  llvm::Expected<std::vector<uint8_t>> blob =
      spec ? buildTokenizer(*spec) : llvm::Expected<std::vector<uint8_t>>(spec.takeError());
  if (blob)
    return *blob;
  ADD_FAILURE() << failureOf(blob.takeError()).text;
  return {};
}

class CalibrationTexts : public testing::Test {
protected:
  llvm::Expected<CalibrationText> read(llvm::StringRef text, int64_t windows, int64_t window,
                                       TakeWindows take = TakeWindows::Spread, bool begin = false) {
    blob = tokenizer(begin);
    return readText("-calib", directory.write("text", text), blob, windows, window, take);
  }

  CalibrationText good(llvm::StringRef text, int64_t windows, int64_t window,
                       TakeWindows take = TakeWindows::Spread, bool begin = false) {
    llvm::Expected<CalibrationText> result = read(text, windows, window, take, begin);
    if (result)
      return *result;
    ADD_FAILURE() << failureOf(result.takeError()).text;
    return {};
  }

  TempDir directory;
  std::vector<uint8_t> blob;
};

TEST_F(CalibrationTexts, NeedATokenizer) {
  expectFailure(
      failureOf(readText("-calib", directory.write("text", "abc"), {}, 1, 1, TakeWindows::First)),
      ExitCode::WrongUse, "the model has no tokenizer; put its tokenizer.json beside");
}

TEST_F(CalibrationTexts, NeedAFile) {
  blob = tokenizer(false);
  Failure failure =
      failureOf(readText("-calib", directory.path("none"), blob, 1, 1, TakeWindows::First));
  expectFailure(failure, ExitCode::WrongUse, "-calib=" + directory.path("none"));
  expectFailure(failure, ExitCode::WrongUse, "name a text file");
}

TEST_F(CalibrationTexts, MustNotBeEmpty) {
  for (llvm::StringRef text : {"", "  \n\r\n\t"})
    expectFailure(failureOf(read(text, 1, 4)), ExitCode::WrongUse, "is empty; name a text file");
}

TEST_F(CalibrationTexts, MustFillOneWindow) {
  expectFailure(failureOf(read("abc", 1, 4)), ExitCode::WrongUse,
                "has 3 tokens, less than one window of 4; name a longer text");
  // With a begin token three of the text are enough.
  EXPECT_EQ(good("abc", 1, 4, TakeWindows::First, true).tokens,
            (std::vector<int32_t>{kBegin, 0, 1, 2}));
}

TEST_F(CalibrationTexts, WarnWhenShort) {
  CalibrationText text = good("xyzxyzxyzxyzxyzxyz", 8, 2);
  EXPECT_EQ(text.windows(), 3);
  ASSERT_EQ(text.warnings.size(), 1u);
  EXPECT_NE(text.warnings[0].find("is short: 3 windows of 2 tokens instead of 8"),
            std::string::npos);
}

TEST_F(CalibrationTexts, WarnWhenTheTokenizerHardlyKnowsThem) {
  CalibrationText text = good("abcdefgh", 2, 4);
  ASSERT_EQ(text.warnings.size(), 1u);
  EXPECT_NE(text.warnings[0].find("less than two bytes a token"), std::string::npos);
  EXPECT_TRUE(good("xyzxyzxyzxyz", 2, 2).warnings.empty());
}

TEST_F(CalibrationTexts, TakeLineEndsOfAnySystem) {
  CalibrationText lines = good("abc\r\ndef\r\n", 2, 4);
  EXPECT_EQ(lines.tokens, (std::vector<int32_t>{0, 1, 2, kNewline, 3, 4, 5, kNewline}));
  // A return by itself is no line end.
  EXPECT_EQ(good("ab\rc", 1, 4).tokens, (std::vector<int32_t>{0, 1, kReturn, 2}));
}

TEST_F(CalibrationTexts, FirstWindows) {
  EXPECT_EQ(good("abcdefghijklmnopqrst", 3, 2, TakeWindows::First).tokens,
            (std::vector<int32_t>{0, 1, 2, 3, 4, 5}));
}

TEST_F(CalibrationTexts, SpreadWindows) {
  // Ten windows: 0, 3 and 6 are taken.
  CalibrationText text = good("abcdefghijklmnopqrst", 3, 2);
  EXPECT_EQ(text.tokens, (std::vector<int32_t>{0, 1, 6, 7, 12, 13}));
  EXPECT_EQ(text.windows(), 3);
  EXPECT_EQ(text.window, 2);
  EXPECT_EQ(good("abcdefghijklmnopqrst", 3, 2).tokens, text.tokens);
}

TEST_F(CalibrationTexts, BeginTokenStartsEveryWindow) {
  EXPECT_EQ(good("abcdefghijkl", 2, 3, TakeWindows::Spread, true).tokens,
            (std::vector<int32_t>{kBegin, 0, 1, kBegin, 6, 7}));
}

TEST_F(CalibrationTexts, HoldOutWindows) {
  blob = tokenizer(false);
  auto read = [&](llvm::StringRef text, int64_t windows) {
    llvm::Expected<CalibrationText> result =
        readText("-calib", directory.write("text", text), blob, windows, 2, TakeWindows::Spread, 2);
    EXPECT_TRUE(bool(result)) << failureOf(result.takeError()).text;
    return *result;
  };
  // Ten windows, six of them are taken, two of these are held out.
  CalibrationText text = read("abcdefghijklmnopqrst", 4);
  EXPECT_EQ(text.tokens, (std::vector<int32_t>{0, 1, 2, 3, 10, 11, 12, 13}));
  EXPECT_EQ(text.heldOut, (std::vector<int32_t>{6, 7, 16, 17}));
  EXPECT_EQ(text.windows(), 4);
  // Of a short text a fifth, or nothing.
  text = read("abcdefghijkl", 8);
  EXPECT_EQ(text.windows(), 5);
  EXPECT_EQ(text.heldOut, (std::vector<int32_t>{10, 11}));
  EXPECT_NE(text.warnings[0].find("5 windows of 2 tokens instead of 8"), std::string::npos);
  text = read("abcd", 2);
  EXPECT_EQ(text.windows(), 2);
  EXPECT_TRUE(text.heldOut.empty());
}

TEST_F(CalibrationTexts, AreNamedByTheirBytes) {
  // FIPS 180-2, appendix B.1.
  CalibrationText text = good("abc", 1, 3);
  EXPECT_EQ(text.hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(text.path, directory.path("text"));
}

} // namespace
