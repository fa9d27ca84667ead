//===- TemplateLexer.cpp - Tokens of a chat template ----------------------===//
//
// Text runs to the next tag; whether white space around the tag belongs to it is
// decided when the tag begins and ends.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/TemplateLexer.h"

#include "runtime/text/Number.h"
#include "runtime/text/Unicode.h"

namespace qcc::text {
namespace {

bool isSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isNameChar(char c) {
  return isDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

/// `source` with \n for every line break and without one at its end.
std::string withPlainBreaks(std::string_view source) {
  std::string out;
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r')
      out += source[i];
    else if (i + 1 == source.size() || source[i + 1] != '\n')
      out += '\n';
  }
  if (!out.empty() && out.back() == '\n')
    out.pop_back();
  return out;
}

class Lexer {
public:
  Lexer(std::string_view source, std::string &error) : text(source), error(error) {}
  std::vector<Token> run();

private:
  void fail(const std::string &what) {
    if (error.empty())
      error = "line " + std::to_string(line) + ": " + what;
  }
  bool starts(std::string_view s) const { return text.substr(at, s.size()) == s; }
  void advance(size_t n) {
    for (; n && at < text.size(); --n)
      line += text[at++] == '\n';
  }
  void skipSpace() {
    while (at < text.size() && isSpace(text[at]))
      advance(1);
  }
  void add(TokenKind kind, std::string s = "", Value v = Value()) {
    tokens.push_back({kind, line, std::move(s), std::move(v)});
  }
  void lexText();
  void addText(size_t end, bool variable);
  void endTag(char close, bool trims);
  void comment();
  bool raw();
  void expression(char close);
  void expressionToken();
  void string();
  void number();

  std::string_view text;
  std::string &error;
  std::vector<Token> tokens;
  size_t at = 0;
  uint32_t line = 1;
  std::string open; ///< brackets that are open
};

/// The text up to a tag at `end`, less the white space that the tag takes.
void Lexer::addText(size_t end, bool variable) {
  std::string_view s = text.substr(at, end - at);
  char sign = end + 2 < text.size() ? text[end + 2] : '\0';
  if (sign == '-') {
    while (!s.empty() && isSpace(s.back()))
      s.remove_suffix(1);
  } else if (sign != '+' && !variable && end < text.size()) {
    size_t lineStart = s.rfind('\n') + 1; // 0 when there is none
    bool startsLine = lineStart > 0 || at == 0 || text[at - 1] == '\n';
    size_t i = lineStart;
    while (i < s.size() && isSpace(s[i]))
      ++i;
    if (startsLine && i == s.size())
      s = s.substr(0, lineStart);
  }
  if (!s.empty())
    add(TokenKind::Text, std::string(s));
  advance(end - at);
}

/// After a tag's closing brace: what of the following white space it takes.
void Lexer::endTag(char sign, bool trims) {
  if (sign == '-')
    skipSpace();
  else if (trims && sign != '+' && starts("\n"))
    advance(1);
}

void Lexer::comment() {
  size_t end = text.find("#}", at + 2);
  if (end == text.npos)
    return fail("comment without end");
  char sign = text[end - 1];
  advance(end + 2 - at);
  endTag(sign, true);
}

/// "{% raw %}": text up to "{% endraw %}".
bool Lexer::raw() {
  size_t i = at + 2;
  auto tag = [&](std::string_view name, char &sign) {
    if (i < text.size() && (text[i] == '-' || text[i] == '+'))
      ++i;
    while (i < text.size() && isSpace(text[i]))
      ++i;
    if (text.substr(i, name.size()) != name)
      return false;
    i += name.size();
    while (i < text.size() && isSpace(text[i]))
      ++i;
    sign = i < text.size() ? text[i] : '\0';
    if (sign == '-' || sign == '+')
      ++i;
    return text.substr(i, 2) == "%}";
  };
  char sign;
  if (!tag("raw", sign))
    return false;
  advance(i + 2 - at);
  endTag(sign, true);
  for (size_t end = text.find("{%", at); end != text.npos; end = text.find("{%", end + 2)) {
    i = end + 2;
    if (!tag("endraw", sign))
      continue;
    size_t after = i + 2;
    addText(end, false);
    advance(after - at);
    endTag(sign, true);
    return true;
  }
  fail("{% raw %} without {% endraw %}");
  return true;
}

void Lexer::lexText() {
  size_t end = at;
  while ((end = text.find('{', end)) != text.npos && end + 1 < text.size() &&
         text[end + 1] != '{' && text[end + 1] != '%' && text[end + 1] != '#')
    ++end;
  if (end == text.npos || end + 1 >= text.size())
    return addText(text.size(), true);
  char kind = text[end + 1];
  addText(end, kind == '{');
  if (kind == '#')
    return comment();
  if (kind == '%' && raw())
    return;
  add(kind == '{' ? TokenKind::OutputBegin : TokenKind::TagBegin);
  advance(2);
  if (starts("-") || starts("+"))
    advance(1);
  expression(kind == '{' ? '}' : '%');
}

/// Tokens up to the tag's end, which is "}}" or "%}" outside brackets.
void Lexer::expression(char close) {
  const char end[] = {close, '}', '\0'};
  const uint32_t begin = line;
  open.clear();
  while (error.empty()) {
    skipSpace();
    if (at >= text.size()) {
      line = begin;
      return fail("tag without end");
    }
    char sign = text[at];
    bool hasSign = (sign == '-' || (sign == '+' && close == '%')) && text.substr(at + 1, 2) == end;
    if (open.empty() && (hasSign || starts(end))) {
      add(close == '}' ? TokenKind::OutputEnd : TokenKind::TagEnd);
      advance(hasSign ? 3 : 2);
      return endTag(hasSign ? sign : '\0', close == '%');
    }
    expressionToken();
  }
}

void Lexer::expressionToken() {
  char c = text[at];
  if (c == '\'' || c == '"')
    return string();
  if (isDigit(c))
    return number();
  size_t n = 0;
  while (at + n < text.size() && isNameChar(text[at + n]))
    ++n;
  if (n) {
    add(TokenKind::Name, std::string(text.substr(at, n)));
    return advance(n);
  }
  for (std::string_view op : {"==", "!=", "<=", ">=", "//", "**"})
    if (starts(op)) {
      add(TokenKind::Operator, std::string(op));
      return advance(2);
    }
  constexpr std::string_view opening = "([{", closing = ")]}";
  if (opening.find(c) != opening.npos) {
    open += closing[opening.find(c)];
  } else if (closing.find(c) != closing.npos) {
    if (open.empty() || open.back() != c)
      return fail(std::string("unexpected '") + c + "'");
    open.pop_back();
  } else if (std::string_view("+-*/%~<>=.,:|").find(c) == std::string_view::npos) {
    return fail(std::string("unexpected character '") + c + "'");
  }
  add(TokenKind::Operator, std::string(1, c));
  advance(1);
}

void Lexer::string() {
  constexpr std::string_view letters = "\\'\"nrtabfv", meanings = "\\'\"\n\r\t\a\b\f\v";
  std::string out;
  char quote = text[at];
  advance(1);
  while (at < text.size() && text[at] != quote) {
    if (text[at] != '\\' || at + 1 >= text.size()) {
      out += text[at];
      advance(1);
      continue;
    }
    char c = text[at + 1];
    size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0, i = letters.find(c);
    advance(2);
    if (digits) {
      uint32_t code = 0;
      for (; digits; --digits) {
        int d = at < text.size() ? hexDigit(text[at]) : -1;
        if (d < 0)
          return fail("bad escape in a string");
        code = code << 4 | static_cast<uint32_t>(d);
        advance(1);
      }
      if (code >= kInvalid)
        return fail("bad escape in a string");
      appendUtf8(code, out);
    } else if (i != letters.npos) {
      out += meanings[i];
    } else if (c != '\n') {
      (out += '\\') += c;
    }
  }
  if (at >= text.size())
    return fail("string without end");
  add(TokenKind::String, std::move(out));
  advance(1);
}

void Lexer::number() {
  std::string digits;
  size_t n = 0;
  auto take = [&] {
    for (; at + n < text.size() && (isDigit(text[at + n]) || text[at + n] == '_'); ++n)
      if (text[at + n] != '_')
        digits += text[at + n];
  };
  take();
  bool real = false;
  if (at + n + 1 < text.size() && text[at + n] == '.' && isDigit(text[at + n + 1])) {
    real = true;
    digits += text[at + n++];
    take();
  }
  if (at + n < text.size() && (text[at + n] | 32) == 'e') {
    size_t sign = at + n + 1;
    bool hasSign = sign < text.size() && (text[sign] == '+' || text[sign] == '-');
    if (sign + hasSign < text.size() && isDigit(text[sign + hasSign])) {
      real = true;
      digits += text.substr(at + n, 1 + hasSign);
      n += 1 + hasSign;
      take();
    }
  }
  Value v = parseNumber(digits, real);
  if (!real && v.isFloat())
    return fail("the integer " + digits + " is too large");
  add(TokenKind::Number, digits, v);
  advance(n);
}

std::vector<Token> Lexer::run() {
  while (error.empty() && at < text.size())
    lexText();
  add(TokenKind::End);
  return std::move(tokens);
}

} // namespace

std::vector<Token> lexTemplate(std::string_view source, std::string &error) {
  std::string plain = withPlainBreaks(source);
  return Lexer(plain, error).run();
}

} // namespace qcc::text
