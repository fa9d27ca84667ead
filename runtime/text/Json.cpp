//===- Json.cpp - JSON text and values ------------------------------------===//
//
// A strict reader, and a writer that gives the text of Python's json.dumps, which is
// what models were trained on.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/Number.h"
#include "runtime/text/Unicode.h"
#include "runtime/text/Value.h"

#include <algorithm>

namespace qcc::text {
namespace {

constexpr int kMaxDepth = 200;

class Reader {
public:
  explicit Reader(std::string_view text) : text(text) {}

  std::string read(Value &out) {
    out = value(0);
    space();
    if (error.empty() && at < text.size())
      fail("more text after the value");
    return error;
  }

private:
  void fail(const char *what) {
    if (error.empty())
      error = "JSON: " + std::string(what) + " at byte " + std::to_string(at);
  }
  char peek() const { return at < text.size() ? text[at] : '\0'; }
  bool take(char c) {
    if (peek() != c || at >= text.size())
      return false;
    ++at;
    return true;
  }
  void space() {
    while (at < text.size() && (peek() == ' ' || (peek() >= '\t' && peek() <= '\r')))
      ++at;
  }
  bool word(std::string_view w) {
    if (text.substr(at, w.size()) != w)
      return false;
    at += w.size();
    return true;
  }

  Value value(int depth);
  Value list(int depth);
  Value map(int depth);
  Value number();
  std::string string();
  uint32_t hex4();
  void escape(std::string &out);

  std::string_view text;
  size_t at = 0;
  std::string error;
};

Value Reader::value(int depth) {
  space();
  if (depth > kMaxDepth)
    fail("nested too deeply");
  if (!error.empty())
    return {};
  switch (peek()) {
  case '{':
    return map(depth);
  case '[':
    return list(depth);
  case '"':
    return string();
  case 't':
    if (word("true"))
      return true;
    break;
  case 'f':
    if (word("false"))
      return false;
    break;
  case 'n':
    if (word("null"))
      return nullptr;
    break;
  default:
    return number();
  }
  fail("unknown word");
  return {};
}

Value Reader::list(int depth) {
  Value::List out;
  take('[');
  space();
  if (take(']'))
    return out;
  do {
    out.push_back(value(depth + 1));
    space();
  } while (error.empty() && take(','));
  if (!take(']'))
    fail("expected ',' or ']'");
  return out;
}

Value Reader::map(int depth) {
  Value::Map out;
  take('{');
  space();
  if (take('}'))
    return out;
  do {
    space();
    if (peek() != '"')
      fail("expected a string as key");
    std::string key = string();
    space();
    if (!take(':'))
      fail("expected ':'");
    out.emplace_back(std::move(key), value(depth + 1));
    space();
  } while (error.empty() && take(','));
  if (!take('}'))
    fail("expected ',' or '}'");
  std::vector<const std::string *> keys;
  for (auto &entry : out)
    keys.push_back(&entry.first.asString());
  std::sort(keys.begin(), keys.end(),
            [](const std::string *a, const std::string *b) { return *a < *b; });
  for (size_t i = 1; i < keys.size(); ++i)
    if (*keys[i] == *keys[i - 1])
      fail("a key occurs twice in the object that ends");
  return out;
}

Value Reader::number() {
  size_t begin = at;
  auto digits = [&] {
    size_t from = at;
    while (peek() >= '0' && peek() <= '9')
      ++at;
    return at > from;
  };
  take('-');
  bool leadingZero = peek() == '0';
  size_t first = at;
  bool ok = digits() && (!leadingZero || at == first + 1), real = false;
  if (take('.')) {
    real = true;
    ok = digits() && ok;
  }
  if (peek() == 'e' || peek() == 'E') {
    real = true;
    ++at;
    if (peek() == '+' || peek() == '-')
      ++at;
    ok = digits() && ok;
  }
  if (!ok) {
    at = begin;
    fail("expected a value");
    return {};
  }
  return parseNumber(text.substr(begin, at - begin), real);
}

uint32_t Reader::hex4() {
  uint32_t code = 0;
  for (int i = 0; i < 4; ++i) {
    int digit = hexDigit(peek());
    if (digit < 0) {
      fail("expected four hexadecimal digits");
      return 0;
    }
    code = code << 4 | static_cast<uint32_t>(digit);
    ++at;
  }
  return code;
}

void Reader::escape(std::string &out) {
  constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
  char c = peek();
  size_t i = letters.find(c);
  if (at < text.size() && i != std::string_view::npos) {
    ++at;
    out += meanings[i];
    return;
  }
  if (!take('u'))
    return fail("unknown escape");
  uint32_t code = hex4();
  if (code >= 0xD800 && code < 0xDC00 && word("\\u")) {
    uint32_t low = hex4();
    if (low < 0xDC00 || low >= 0xE000)
      return fail("half of a surrogate pair");
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  } else if (code >= 0xD800 && code < 0xE000) {
    return fail("half of a surrogate pair");
  }
  appendUtf8(code, out);
}

std::string Reader::string() {
  std::string out;
  take('"');
  while (error.empty()) {
    if (at >= text.size() || static_cast<uint8_t>(peek()) < 0x20)
      fail("string without end");
    else if (take('"'))
      break;
    else if (take('\\'))
      escape(out);
    else
      out += text[at++];
  }
  return out;
}

class Writer {
public:
  Writer(const JsonStyle &style, std::string &out) : style(style), out(out) {
    item = style.itemSeparator.empty() ? (style.indent >= 0 ? "," : ", ") : style.itemSeparator;
    key = style.keySeparator.empty() ? ": " : style.keySeparator;
  }
  bool write(const Value &v, int depth);

private:
  bool writeList(const Value::List &, int depth);
  bool writeMap(const Value::Map &, int depth);
  void writeString(std::string_view);
  void breakLine(int depth) {
    if (style.indent < 0)
      return;
    out += '\n';
    out.append(static_cast<size_t>(style.indent) * depth, ' ');
  }

  const JsonStyle &style;
  std::string &out;
  std::string item, key;
};

bool Writer::write(const Value &v, int depth) {
  switch (v.kind()) {
  case Value::Kind::None:
    out += "null";
    return true;
  case Value::Kind::Bool:
    out += v.asInt() ? "true" : "false";
    return true;
  case Value::Kind::Int:
    out += std::to_string(v.asInt());
    return true;
  case Value::Kind::Float:
    out += formatJsonFloat(v.asFloat());
    return true;
  case Value::Kind::String:
    writeString(v.asString());
    return true;
  case Value::Kind::List:
    return depth <= kMaxDepth && writeList(v.asList(), depth);
  case Value::Kind::Map:
    return depth <= kMaxDepth && writeMap(v.asMap(), depth);
  case Value::Kind::Undefined:
  case Value::Kind::Object:
    break;
  }
  return false;
}

bool Writer::writeList(const Value::List &list, int depth) {
  out += '[';
  for (size_t i = 0; i < list.size(); ++i) {
    if (i)
      out += item;
    breakLine(depth + 1);
    if (!write(list[i], depth + 1))
      return false;
  }
  if (!list.empty())
    breakLine(depth);
  out += ']';
  return true;
}

bool Writer::writeMap(const Value::Map &map, int depth) {
  std::vector<std::pair<std::string, const Value *>> entries;
  for (auto &[k, v] : map) {
    std::string name;
    if (k.isString())
      name = k.asString();
    else if (k.isList() || k.isMap() || !Writer(JsonStyle(), name).write(k, 0))
      return false;
    entries.emplace_back(std::move(name), &v);
  }
  if (style.sortKeys)
    std::sort(entries.begin(), entries.end(),
              [](const auto &a, const auto &b) { return a.first < b.first; });
  out += '{';
  for (size_t i = 0; i < entries.size(); ++i) {
    if (i)
      out += item;
    breakLine(depth + 1);
    writeString(entries[i].first);
    out += key;
    if (!write(*entries[i].second, depth + 1))
      return false;
  }
  if (!entries.empty())
    breakLine(depth);
  out += '}';
  return true;
}

void Writer::writeString(std::string_view s) {
  constexpr std::string_view special = "\"\\\b\f\n\r\t", letters = "\"\\bfnrt";
  auto unicode = [&](uint32_t code) {
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4)
      out += "0123456789abcdef"[code >> shift & 15];
  };
  out += '"';
  for (const char *p = s.data(), *end = p + s.size(); p < end;) {
    Char c = decodeUtf8(p, end);
    size_t i = c.code < 128 ? special.find(*p) : std::string_view::npos;
    if (i != std::string_view::npos)
      (out += '\\') += letters[i];
    else if (c.code < 0x20)
      unicode(c.code);
    else if (c.code >= kInvalid)
      out += "\xEF\xBF\xBD"; // JSON is UTF-8
    else if (!style.ascii || c.code < 0x7f)
      out.append(p, c.size);
    else if (c.code < 0x10000)
      unicode(c.code);
    else
      unicode(0xD800 + ((c.code - 0x10000) >> 10)), unicode(0xDC00 + (c.code & 0x3ff));
    p += c.size;
  }
  out += '"';
}

} // namespace

std::string parseJson(std::string_view text, Value &out) { return Reader(text).read(out); }

bool writeJson(const Value &v, const JsonStyle &style, std::string &out) {
  return Writer(style, out).write(v, 0);
}

} // namespace qcc::text
