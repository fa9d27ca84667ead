//===- TemplateText.cpp - Texts of templates' values ----------------------===//
//
// Python's str() and repr(), and the transformations of its strings.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/Number.h"
#include "runtime/text/TemplateOps.h"
#include "runtime/text/Unicode.h"

#include <algorithm>

namespace qcc::text {
namespace {

bool isPythonSpace(uint32_t code) {
  return charClass(code) == CharClass::Space || (code >= 0x1c && code <= 0x1f);
}

std::string hexEscape(uint32_t code) {
  unsigned digits = code < 0x100 ? 2 : code < 0x10000 ? 4 : 8;
  std::string out = digits == 2 ? "\\x" : digits == 4 ? "\\u" : "\\U";
  for (int shift = static_cast<int>(digits) * 4 - 4; shift >= 0; shift -= 4)
    out += "0123456789abcdef"[code >> shift & 15];
  return out;
}

std::string reprOfString(std::string_view s) {
  char quote = s.find('\'') != s.npos && s.find('"') == s.npos ? '"' : '\'';
  std::string out(1, quote);
  for (const char *p = s.data(), *end = p + s.size(); p < end;) {
    Char c = decodeUtf8(p, end);
    CharClass cls = charClass(c.code);
    if (c.code == static_cast<uint8_t>(quote) || c.code == '\\')
      (out += '\\') += *p;
    else if (c.code == '\n')
      out += "\\n";
    else if (c.code == '\r')
      out += "\\r";
    else if (c.code == '\t')
      out += "\\t";
    else if (cls == CharClass::Control || cls == CharClass::Other ||
             (cls == CharClass::Space && c.code != ' '))
      out += hexEscape(c.code < kInvalid ? c.code : c.code - kInvalid);
    else
      out.append(p, c.size);
    p += c.size;
  }
  return out += quote;
}

/// Maps each character; `change(code, first)` gets whether it starts a word.
template <typename F> std::string mapped(std::string_view s, F change) {
  std::string out;
  bool inWord = false;
  for (const char *p = s.data(), *end = p + s.size(); p < end;) {
    Char c = decodeUtf8(p, end);
    appendUtf8(change(c.code, !inWord), out);
    CharClass cls = charClass(c.code);
    inWord = isLetter(cls);
    p += c.size;
  }
  return out;
}

} // namespace

std::string toText(const Value &v) { return v.isString() ? v.asString() : toRepr(v); }

std::string toRepr(const Value &v) {
  switch (v.kind()) {
  case Value::Kind::Undefined:
    return "";
  case Value::Kind::None:
    return "None";
  case Value::Kind::Bool:
    return v.asInt() ? "True" : "False";
  case Value::Kind::Int:
    return std::to_string(v.asInt());
  case Value::Kind::Float:
    return formatFloat(v.asFloat());
  case Value::Kind::String:
    return reprOfString(v.asString());
  case Value::Kind::Object:
    return "<object>";
  case Value::Kind::List:
  case Value::Kind::Map:
    break;
  }
  std::string out;
  auto item = [&](const std::string &s) { (out += out.empty() ? "" : ", ") += s; };
  auto inner = [](const Value &x) { return x.isUndefined() ? "Undefined" : toRepr(x); };
  if (v.isMap()) {
    for (const auto &[k, x] : v.asMap())
      item(inner(k) + ": " + inner(x));
    return "{" + out + "}";
  }
  for (const Value &x : v.asList())
    item(inner(x));
  if (!v.isTuple())
    return "[" + out + "]";
  return "(" + out + (v.asList().size() == 1 ? ",)" : ")");
}

std::vector<std::string_view> characters(std::string_view s) {
  std::vector<std::string_view> out;
  while (!s.empty()) {
    size_t n = decodeUtf8(s.data(), s.data() + s.size()).size;
    out.push_back(s.substr(0, n));
    s.remove_prefix(n);
  }
  return out;
}

size_t countCharacters(std::string_view s) {
  size_t n = 0;
  for (const char *p = s.data(), *end = p + s.size(); p < end; ++n)
    p += decodeUtf8(p, end).size;
  return n;
}

std::string upperCase(std::string_view s) {
  return mapped(s, [](uint32_t c, bool) { return toUpper(c); });
}
std::string lowerCase(std::string_view s) {
  return mapped(s, [](uint32_t c, bool) { return toLower(c); });
}
std::string titleCase(std::string_view s) {
  return mapped(s, [](uint32_t c, bool first) { return first ? toUpper(c) : toLower(c); });
}
std::string capitalized(std::string_view s) {
  bool first = true;
  return mapped(s, [&](uint32_t c, bool) {
    uint32_t out = first ? toUpper(c) : toLower(c);
    first = false;
    return out;
  });
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to,
                     int64_t most) {
  std::string out;
  size_t at = 0;
  while (most != 0 && at <= text.size()) {
    size_t found = text.find(from, at);
    if (found == text.npos)
      break;
    out.append(text.substr(at, found - at)).append(to);
    at = found + from.size();
    --most;
    if (from.empty()) { // between all characters, as Python does
      if (at == text.size())
        return out;
      size_t n = decodeUtf8(text.data() + at, text.data() + text.size()).size;
      out.append(text.substr(at, n));
      at += n;
    }
  }
  return out.append(text.substr(std::min(at, text.size())));
}

std::string_view stripped(std::string_view text, const std::string *set, bool left, bool right) {
  std::vector<std::string_view> chars = characters(text), wanted;
  if (set)
    wanted = characters(*set);
  auto drops = [&](std::string_view c) {
    if (set)
      return std::find(wanted.begin(), wanted.end(), c) != wanted.end();
    return isPythonSpace(decodeUtf8(c.data(), c.data() + c.size()).code);
  };
  size_t begin = 0, end = chars.size();
  while (left && begin < end && drops(chars[begin])) {
    text.remove_prefix(chars[begin].size());
    ++begin;
  }
  while (right && end > begin && drops(chars[end - 1]))
    text.remove_suffix(chars[--end].size());
  return text;
}

} // namespace qcc::text
