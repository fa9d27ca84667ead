//===- ChatTemplateTest.cpp - Chat templates against jinja2 ---------------===//
//
// data/templates.json holds what jinja2, set up as transformers does, makes of templates
// (make_golden.py). The limits that keep a hostile template harmless are tested by hand.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/ChatTemplate.h"

#include "TextTesting.h"

using namespace qcc::text;
using namespace qcc::testing;

namespace {

/// Output, or "error: ...".
std::string render(const std::string &source, const Value &chat) {
  ChatTemplate t;
  std::string out, error = t.parse(source);
  if (error.empty()) {
    ChatInput input;
    input.messages = Value::List();
    input.bosToken = "<s>";
    input.eosToken = "</s>";
    input.extra = chat; // also replaces messages and the rest
    error = t.render(input, out);
  }
  return error.empty() ? out : "error: " + error;
}

TEST(ChatTemplate, RendersAsJinja) {
  Value table = goldenTable("templates.json");
  size_t count = 0;
  for (const Value &entry : table.asList()) {
    std::string out = render(textOf(entry, "template"), *entry.find("chat"));
    if (entry.find("output"))
      EXPECT_EQ(out, textOf(entry, "output")) << textOf(entry, "name");
    else
      EXPECT_EQ(out.substr(0, 12), "error: line ") << textOf(entry, "name") << "\n"
                                                   << textOf(entry, "template") << "\n"
                                                   << out;
    ++count;
  }
  EXPECT_GT(count, 100u);
}

TEST(ChatTemplate, ModelTemplate) {
  auto source = readFile(sharedPath("smollm2/chat_template.jinja"));
  if (!source)
    GTEST_SKIP() << "no shared test data";
  Value chat;
  ASSERT_EQ(parseJson(R"({"messages": [{"role": "user", "content": "Hi"}]})", chat), "");
  EXPECT_EQ(render(*source, chat),
            "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by "
            "Hugging Face<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
}

TEST(ChatTemplate, NamesErrors) {
  const std::pair<const char *, const char *> cases[] = {
      {"a\n{{ x.y }}", "error: line 2: 'x' is undefined"},
      {"{{ x.y.z }}", "error: line 1: 'x' is undefined"},
      {"{{ messages.a.b }}", "error: line 1: 'a' is undefined"},
      {"\n\n{{ raise_exception('roles must alternate') }}", "error: line 3: roles must alternate"},
      {"{{ 1 | foo }}", "error: line 1: there is no filter 'foo'"},
      {"{{ 1 is foo }}", "error: line 1: there is no test 'foo'"},
      {"{% foo %}", "error: line 1: unknown statement 'foo'"},
      {"{% if 1 %}", "error: line 1: expected {% endif %} before the template's end"},
      {"{{ 'a' + 1 }}", "error: line 1: '+' does not work on 'str' and 'int'"},
      {"{{ 1 < 'a' }}", "error: line 1: 'int' and 'str' have no order"},
      {"{{ [].append(1) }}",
       "error: line 1: 'append' would change a value; use set or a namespace"},
      {"{% set a.b = 1 %}",
       "error: line 1: 'a' is not a namespace, so its attributes cannot be set"},
      {"{{ 9223372036854775807 + 1 }}", "error: line 1: integer overflow"},
      {"{{ 99999999999999999999 }}",
       "error: line 1: the integer 99999999999999999999 is too large"},
      {"{{ 1 // 0 }}", "error: line 1: division by zero"},
      {"{{ [1][::0] }}", "error: line 1: the step of a slice is zero"},
      {"{{ 'a", "error: line 1: string without end"},
      {"{{ a", "error: line 1: tag without end"},
      {"{# a", "error: line 1: comment without end"},
      {"{{ ) }}", "error: line 1: unexpected ')'"},
      {"{{ ? }}", "error: line 1: unexpected character '?'"},
      {"{% break %}", "error: line 1: break outside a loop"},
      {"{{ f(a=1, 2) }}", "error: line 1: positional argument after a keyword argument"},
      {"{{ '\\xg' }}", "error: line 1: bad escape in a string"},
      {"{% for x in y recursive %}{% endfor %}",
       "error: line 1: recursive loops are not supported"},
  };
  for (auto [source, error] : cases)
    EXPECT_EQ(render(source, Value()), error) << source;
}

std::string repeat(const std::string &s, int n) {
  std::string out;
  while (n--)
    out += s;
  return out;
}

TEST(ChatTemplate, HostileTemplatesEnd) {
  const std::pair<std::string, const char *> cases[] = {
      {"{{ " + repeat("(", 100000) + repeat(")", 100000) + " }}", "nested too deeply"},
      {"{{ " + repeat("not ", 100000) + "x }}", "nested too deeply"},
      {"{{ x" + repeat(".a", 100000) + " }}", "nested too deeply"},
      {"{{ 1" + repeat(" + 1", 100000) + " }}", "nested too deeply"},
      {"{{ 1" + repeat(" | abs", 100000) + " }}", "nested too deeply"},
      {repeat("{% if 1 %}", 100000), "nested too deeply"},
      {"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "nested too deeply"},
      {"{% set s = 'aaaaaaaaaaaaaaaa' * 1000000 %}{{ s * 1000 }}", "produces too much"},
      {"{{ 'a' * 9223372036854775807 }}", "produces too much"},
      {"{{ [1] * 9223372036854775807 }}", "produces too much"},
      {"{% set ns = namespace(s='a') %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}"
       "{% endfor %}",
       "produces too much"},
      {"{{ ('a' * 100000).replace('a', 'b' * 100000) | length }}", "produces too much"},
      {"{% set ns = namespace(l=[]) %}{% for i in range(1000) %}{% set ns.l = [ns.l] %}"
       "{% endfor %}",
       "nested too deeply"},
      {"{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "too"},
  };
  for (auto &[source, error] : cases)
    EXPECT_NE(render(source, Value()).find(error), std::string::npos)
        << source.substr(0, 80) << "\n"
        << render(source, Value()).substr(0, 200);
}

TEST(ChatTemplate, CyclesAreFreed) { // leaks are the sanitizer's to find
  EXPECT_EQ(render("{% set ns = namespace() %}{% set ns.me = ns %}"
                   "{% macro m() %}x{% endmacro %}{% set ns.m = m %}{% set k = [ns, m] %}"
                   "{% for x in [1] %}{% macro n() %}{{ x }}{% endmacro %}{% set ns.n = n %}"
                   "{% set ns.loop = loop %}{% endfor %}{{ ns.n() }}{{ ns.m() }}",
                   Value()),
            "1x");
}

TEST(ChatTemplate, RandomTemplatesDoNoHarm) {
  const char *parts[] = {"{{",       "}}",   "{%",    "%}",      "{#",       "#}",       " if ",
                         " for ",    " x ",  " in ",  " endif ", " endfor ", "'a'",      "1",
                         "(",        ")",    "[",     "]",       "{",        "}",        "|",
                         ".",        ",",    ":",     "=",       " set ",    " is ",     " not ",
                         "messages", "-",    "\n",    " macro ", " else ",   "range(3)", "loop",
                         "~",        "\xff", "tojson"};
  uint32_t seed = 3;
  for (int round = 0; round < 20000; ++round) {
    std::string source;
    for (int i = 0; i < 14; ++i) {
      seed = seed * 1664525 + 1013904223;
      source += parts[(seed >> 16) % std::size(parts)];
    }
    render(source, Value());
  }
}

} // namespace
