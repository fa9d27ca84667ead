//===- SupportTest.cpp
//-----------------------------------------------------===//
#include "runtime/src/Support.h"
#include "TempFile.h"
#include "runtime/include/qcc/abi.h"

using namespace qcc::rt;

TEST(Support, FormatsShortAndLongText) {
  EXPECT_EQ(format("%d-%s", 3, "x"), "3-x");
  std::string big(5000, 'y');
  EXPECT_EQ(format("<%s>", big.c_str()), "<" + big + ">");
  EXPECT_EQ(fail(kNoRoom, "%d", 7).message, "7");
}

TEST(Support, EscapesJson) {
  struct {
    std::string text, json;
  } const cases[] = {
      {"plain", "\"plain\""},
      {"a\"b\\c", "\"a\\\"b\\\\c\""},
      {"\n\t\x01", "\"\\u000a\\u0009\\u0001\""},
      {"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", "\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\""},
      {"\xFF", "\"\xEF\xBF\xBD\""},                                 // never a first byte
      {"\xC3", "\"\xEF\xBF\xBD\""},                                 // cut short
      {"\xC0\xAF", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},                 // overlong
      {"\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""}, // surrogate
      {std::string("\0", 1), "\"\\u0000\""},
  };
  for (const auto &c : cases)
    EXPECT_EQ(jsonString(c.text), c.json);
}

TEST(Support, ReadsNumbers) {
  int64_t i = 0;
  double d = 0;
  EXPECT_TRUE(parseInt("-12", i) && i == -12);
  EXPECT_TRUE(parseDouble("1e-3", d) && d == 1e-3);
  for (const char *bad : {"", "x", "1x", "9223372036854775808", "1.5"})
    EXPECT_FALSE(parseInt(bad, i)) << bad;
  for (const char *bad : {"", "x", "1x", "inf", "nan", "1e999"})
    EXPECT_FALSE(parseDouble(bad, d)) << bad;
  std::vector<int64_t> list;
  EXPECT_FALSE(parseInts(" 1,2\n 3 ", "--tokens", list).failed());
  EXPECT_EQ(list, (std::vector<int64_t>{1, 2, 3}));
  EXPECT_FALSE(parseInts("", "--tokens", list).failed());
  EXPECT_TRUE(list.empty());
  expectFailure(parseInts("1 b", "--tokens", list), kWrongUse, "--tokens: 'b' is not an integer");
}

TEST(Support, ReadsFiles) {
  TempDir dir;
  std::string out;
  std::string bytes(200000, 'q');
  EXPECT_FALSE(readFile(dir.write("a", bytes), out).failed());
  EXPECT_EQ(out, bytes);
  expectFailure(readFile(dir.file("absent"), out), kWrongUse, "cannot open");
  expectFailure(readFile(dir.path, out), kWrongUse, "cannot read");
}

TEST(Support, TextHasLineFeeds) {
  TempDir dir;
  std::string out;
  EXPECT_FALSE(readText(dir.write("a", "a\r\nb\rc\n\r\n\r"), out).failed());
  EXPECT_EQ(out, "a\nb\rc\n\n\r");
}

TEST(Support, OutputFilesAppearWhole) {
  TempDir dir;
  {
    OutputFile file;
    ASSERT_FALSE(file.open(dir.file("a")).failed());
    ASSERT_FALSE(file.write("xyz", 3).failed());
    EXPECT_FALSE(std::filesystem::exists(dir.file("a")));
  }
  EXPECT_EQ(dir.count(), 0u); // abandoned: gone
  OutputFile file;
  ASSERT_FALSE(file.open(dir.file("a")).failed());
  ASSERT_FALSE(file.write("xyz", 3).failed());
  ASSERT_FALSE(file.commit().failed());
  EXPECT_EQ(slurp(dir.file("a")), "xyz");
  EXPECT_EQ(dir.count(), 1u);
  OutputFile nowhere;
  expectFailure(nowhere.open(dir.file("no/such/place")), kWrongUse, "cannot write");
}

TEST(Support, SaysSizes) {
  EXPECT_EQ(humanBytes(12), "12 bytes");
  EXPECT_EQ(humanBytes(3 << 20), "3.0 MiB");
  EXPECT_EQ(elementBytes(QCC_F16), 2u);
  EXPECT_STREQ(elementName(QCC_BOOL), "bool");
  EXPECT_STREQ(elementName(99), "unknown");
}
