//===- JsonTest.cpp - JSON text and values --------------------------------===//
//
// Round trips and every error of the reader.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/Number.h"
#include "runtime/text/Value.h"

#include "gtest/gtest.h"

using namespace qcc::text;

namespace {

TEST(Json, RoundTrips) {
  for (const char *text :
       {"null", "true", "[]", "{}", "-12", "9223372036854775807", "1.5", "1e+300", "\"\"",
        "[1, [2, {\"a\": null}], \"x\"]", "{\"b\": 1, \"a\": [true, false]}",
        "\"\\u0001\\n\\\"\\\\\"", "\"\xF0\x9F\x98\x80\xC3\xA9\""}) {
    Value v;
    ASSERT_EQ(parseJson(text, v), "") << text;
    std::string out;
    ASSERT_TRUE(writeJson(v, JsonStyle(), out));
    EXPECT_EQ(out, text);
  }
}

TEST(Json, ReadsEscapes) {
  Value v;
  ASSERT_EQ(parseJson(R"( "\u00e9\ud83d\ude00\/\b\t" )", v), "");
  EXPECT_EQ(v.asString(), "\xC3\xA9\xF0\x9F\x98\x80/\b\t");
}

TEST(Json, NamesErrors) {
  const std::pair<const char *, const char *> cases[] = {
      {"", "JSON: expected a value at byte 0"},
      {"[1", "JSON: expected ',' or ']' at byte 2"},
      {"{\"a\" 1}", "JSON: expected ':' at byte 5"},
      {"{\"a\":1", "JSON: expected ',' or '}' at byte 6"},
      {"{1:2}", "JSON: expected a string as key at byte 1"},
      {"{\"a\":1,\"a\":2}", "JSON: a key occurs twice in the object that ends at byte 13"},
      {"tru", "JSON: unknown word at byte 0"},
      {"01", "JSON: expected a value at byte 0"},
      {"-", "JSON: expected a value at byte 0"},
      {"1.", "JSON: expected a value at byte 0"},
      {"1 2", "JSON: more text after the value at byte 2"},
      {"\"a", "JSON: string without end at byte 2"},
      {"\"\n\"", "JSON: string without end at byte 1"},
      {"\"\\x\"", "JSON: unknown escape at byte 2"},
      {"\"\\u12\"", "JSON: expected four hexadecimal digits at byte 5"},
      {"\"\\ud800\"", "JSON: half of a surrogate pair at byte 7"},
      {"\"\\ud800\\u0041\"", "JSON: half of a surrogate pair at byte 13"},
  };
  for (auto [text, error] : cases) {
    Value v;
    EXPECT_EQ(parseJson(text, v), error) << text;
  }
  Value v;
  EXPECT_EQ(parseJson(std::string(100000, '['), v), "JSON: nested too deeply at byte 201");
}

TEST(Json, FloatsAsPython) {
  const std::pair<double, const char *> cases[] = {{1, "1.0"},
                                                   {0.1, "0.1"},
                                                   {1e16, "1e+16"},
                                                   {123456.789, "123456.789"},
                                                   {1e-5, "1e-05"},
                                                   {0.0001, "0.0001"},
                                                   {-2.5, "-2.5"},
                                                   {5e-324, "5e-324"},
                                                   {1e15, "1000000000000000.0"},
                                                   {1.0 / 3, "0.3333333333333333"}};
  for (auto [value, text] : cases)
    EXPECT_EQ(formatFloat(value), text);
}

} // namespace
