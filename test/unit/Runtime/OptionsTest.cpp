//===- OptionsTest.cpp
//-----------------------------------------------------===//
#include "runtime/src/Options.h"
#include "TempFile.h"

using namespace qcc::rt;

namespace {
struct Values {
  std::string text;
  int64_t number = 0;
  double real = 0;
  bool flag = false, textGiven = false;
  std::vector<std::string> list, rest;

  Status parse(std::vector<std::string> arguments, bool takesRest = true) {
    Options options{Option::of("p", "TEXT", "a text", text, &textGiven),
                    Option::of("n", "N", "a number", number),
                    Option::of("temp", "T", "a real", real), Option::of("ids", "a flag", flag),
                    Option::of("input", "FILE", "a list", list)};
    help = helpText(options);
    std::vector<char *> raw;
    for (std::string &argument : arguments)
      raw.push_back(argument.data());
    return parseOptions(static_cast<int>(raw.size()), raw.data(), options,
                        takesRest ? &rest : nullptr);
  }
  std::string help;
};
} // namespace

TEST(Options, TakesAllForms) {
  for (std::vector<std::string> form :
       {std::vector<std::string>{"-n", "5"}, {"--n", "5"}, {"-n=5"}, {"--n=5"}}) {
    Values v;
    ASSERT_FALSE(v.parse(form).failed());
    EXPECT_EQ(v.number, 5);
  }
  Values v;
  ASSERT_FALSE(v.parse({"-p", "-n", "--temp", "-1.5", "--ids", "-input=a=b", "--input", "c", "word",
                        "--", "-n"})
                   .failed());
  EXPECT_EQ(v.text, "-n"); // a value may look like an option
  EXPECT_TRUE(v.textGiven && v.flag);
  EXPECT_EQ(v.real, -1.5);
  EXPECT_EQ(v.list, (std::vector<std::string>{"a=b", "c"}));
  EXPECT_EQ(v.rest, (std::vector<std::string>{"word", "-n"}));
}

TEST(Options, FlagsTakeTrueAndFalse) {
  Values v;
  ASSERT_FALSE(v.parse({"--ids=false"}).failed());
  EXPECT_FALSE(v.flag);
  ASSERT_FALSE(v.parse({"--ids=1"}).failed());
  EXPECT_TRUE(v.flag);
}

TEST(Options, SaysWhatIsWrong) {
  struct {
    std::vector<std::string> arguments;
    const char *part;
  } const cases[] = {
      {{"--what"}, "unknown option '--what'; see --help"},
      {{"-n"}, "-n needs a value: N"},
      {{"-n", "five"}, "-n five: not an integer"},
      {{"--temp=hot"}, "-temp hot: not a number"},
      {{"--ids=maybe"}, "-ids=maybe: not true or false"},
      {{"word"}, "'word' is not an option; see --help"},
  };
  for (const auto &c : cases) {
    Values v;
    expectFailure(v.parse(c.arguments, false), kWrongUse, c.part);
  }
}

TEST(Options, HelpNamesEach) {
  Values v;
  ASSERT_FALSE(v.parse({}).failed());
  EXPECT_NE(v.help.find("  -n N"), std::string::npos);
  EXPECT_NE(v.help.find("  --temp T"), std::string::npos);
  EXPECT_NE(v.help.find("a flag\n"), std::string::npos);
}
