//===- TemplateBuiltins.cpp - Functions, methods and tests of templates ---===//
//
// All that a template can call. Nothing here changes a value or leaves the template.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/TemplateEval.h"

#include "runtime/text/Unicode.h"

#include <algorithm>
#include <ctime>

namespace qcc::text {
namespace {

template <size_t N> bool isOneOf(std::string_view name, const std::string_view (&names)[N]) {
  return std::find(names, names + N, name) != names + N;
}

constexpr std::string_view kFunctions[] = {"raise_exception", "strftime_now", "namespace", "range",
                                           "dict"};
constexpr std::string_view kStringMethods[] = {
    "strip",   "lstrip",     "rstrip",       "split",        "rsplit",    "splitlines",
    "upper",   "startswith", "endswith",     "lower",        "title",     "capitalize",
    "replace", "find",       "rfind",        "index",        "count",     "join",
    "isdigit", "isalpha",    "isspace",      "isupper",      "islower",   "isalnum",
    "zfill",   "format",     "removeprefix", "removesuffix", "isnumeric", "isdecimal"};
constexpr std::string_view kMapMethods[] = {"items", "keys", "values", "get", "copy"};
constexpr std::string_view kListMethods[] = {"index", "count"};
constexpr std::string_view kChanging[] = {"append",  "extend",     "insert", "pop",
                                          "remove",  "clear",      "sort",   "update",
                                          "reverse", "setdefault", "popitem"};
constexpr std::string_view kLoopMethods[] = {"cycle", "changed"};

/// True when `text` has characters and all of them are of these classes.
template <typename F> bool allAre(std::string_view text, F is) {
  for (const char *p = text.data(), *end = p + text.size(); p < end;) {
    Char c = decodeUtf8(p, end);
    if (!is(charClass(c.code)))
      return false;
    p += c.size;
  }
  return !text.empty();
}

/// startswith and endswith: one affix, or a tuple of them.
bool hasAffix(std::string_view text, const Value &affix, bool atEnd) {
  if (affix.isList())
    return std::any_of(affix.asList().begin(), affix.asList().end(),
                       [&](const Value &v) { return hasAffix(text, v, atEnd); });
  if (!affix.isString() || affix.asString().size() > text.size())
    return false;
  const std::string &a = affix.asString();
  return text.substr(atEnd ? text.size() - a.size() : 0, a.size()) == a;
}

/// Splits at white space; the rest after `most` splits stays whole.
Value::List splitAtSpace(std::string_view text, int64_t most) {
  Value::List out;
  while (!(text = stripped(text, nullptr, true, false)).empty()) {
    size_t end = 0;
    while (end < text.size()) {
      Char c = decodeUtf8(text.data() + end, text.data() + text.size());
      if (charClass(c.code) == CharClass::Space || (c.code >= 0x1c && c.code <= 0x1f))
        break;
      end += c.size;
    }
    if (most >= 0 && static_cast<int64_t>(out.size()) == most) {
      out.push_back(text); // with the white space at its end, as Python
      break;
    }
    out.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}

Value::List splitAt(std::string_view text, std::string_view by, int64_t most, bool fromEnd) {
  Value::List out;
  while (most < 0 || static_cast<int64_t>(out.size()) < most) {
    size_t at = fromEnd ? text.rfind(by) : text.find(by);
    if (at == text.npos)
      break;
    out.push_back(fromEnd ? text.substr(at + by.size()) : text.substr(0, at));
    text = fromEnd ? text.substr(0, at) : text.substr(at + by.size());
  }
  out.push_back(text);
  if (fromEnd)
    std::reverse(out.begin(), out.end());
  return out;
}

Value::List splitLines(std::string_view text, bool keepEnds) {
  Value::List out;
  while (!text.empty()) {
    size_t at = text.find_first_of("\n\r"), after = at;
    if (at == text.npos)
      at = after = text.size();
    else
      after += text.substr(at, 2) == "\r\n" ? 2 : 1;
    out.push_back(text.substr(0, keepEnds ? after : at));
    text.remove_prefix(after);
  }
  return out;
}

} // namespace

bool isFunction(std::string_view name) { return isOneOf(name, kFunctions); }

bool hasMethod(const Value &v, std::string_view name) {
  if (v.isString())
    return isOneOf(name, kStringMethods);
  if (v.isMap())
    return isOneOf(name, kMapMethods) || (isOneOf(name, kChanging) && !v.find(name));
  if (v.isList())
    return isOneOf(name, kListMethods) || isOneOf(name, kChanging);
  return objectOf<LoopObject>(v, TemplateObject::Loop) && isOneOf(name, kLoopMethods);
}

Value Interpreter::makeNamespace(const Arguments &args) {
  auto ns = std::make_shared<NamespaceObject>();
  for (const Value &v : args.positional)
    if (v.isMap())
      for (const auto &[key, value] : v.asMap())
        ns->scope.set(toText(key), value);
  for (const auto &[name, value] : args.named)
    ns->scope.set(name, value);
  namespaces.push_back(ns);
  return Value(ns);
}

Value Interpreter::range(const Arguments &args) {
  constexpr int64_t most = 100000;
  size_t n = args.positional.size();
  for (const Value &v : args.positional)
    if (!v.isInt() && !v.isBool())
      return fail("range needs integers");
  if (n == 0 || n > 3)
    return fail("range needs one to three integers");
  int64_t from = n > 1 ? args.getInt(0, "", 0) : 0, to = args.getInt(n > 1 ? 1 : 0, "", 0);
  int64_t by = args.getInt(2, "", 1);
  if (by == 0)
    return fail("the step of range is zero");
  Value::List out;
  for (int64_t i = from; by > 0 ? i < to : i > to;) {
    if (static_cast<int64_t>(out.size()) == most)
      return fail("range of more than 100000 numbers");
    out.push_back(i);
    if (__builtin_add_overflow(i, by, &i))
      break;
  }
  return made(std::move(out));
}

Value Interpreter::callFunction(const std::string &name, const Arguments &args) {
  if (name == "raise_exception")
    return fail(args.getText(0, "message", "the template raised an exception"));
  if (name == "namespace")
    return makeNamespace(args);
  if (name == "range")
    return range(args);
  if (name == "dict") {
    Value::Map map;
    if (!args.positional.empty() && args.positional[0].isMap())
      map = args.positional[0].asMap();
    for (const auto &[key, value] : args.named) {
      auto old = std::find_if(map.begin(), map.end(),
                              [&, k = Value(key)](const auto &e) { return equal(e.first, k); });
      if (old != map.end())
        old->second = value;
      else
        map.emplace_back(key, value);
    }
    return made(std::move(map));
  }
  std::string format = args.getText(0, "format", "");
  std::time_t t = static_cast<std::time_t>(now);
  std::tm local = {};
  char text[256];
  if (now < 0)
    t = std::time(nullptr);
  if (format.size() > 64 || !localtime_r(&t, &local))
    return fail("strftime_now: bad format");
  return std::string(text, std::strftime(text, sizeof text, format.c_str(), &local));
}

Value Interpreter::callMethod(const CallableObject &method, const Arguments &args) {
  const Value &self = method.self;
  const std::string &name = method.name;
  if (!self.isString() && isOneOf(name, kChanging))
    return fail("'" + name + "' would change a value; use set or a namespace");
  if (self.isString())
    return callStringMethod(self.asString(), name, args);
  if (self.isMap())
    return callMapMethod(self, name, args);
  if (self.isList())
    return callListMethod(self, name, args);
  return callLoopMethod(*objectOf<LoopObject>(self, TemplateObject::Loop), name, args);
}

Value Interpreter::callLoopMethod(LoopObject &loop, const std::string &name,
                                  const Arguments &args) {
  if (name == "cycle") {
    if (args.positional.empty())
      return fail("loop.cycle needs values");
    return args.positional[static_cast<size_t>(loop.index) % args.positional.size()];
  }
  Value current = made(args.positional);
  bool changed = !equal(current, loop.lastChanged);
  loop.lastChanged = current;
  return changed;
}

Value Interpreter::callListMethod(const Value &self, const std::string &name,
                                  const Arguments &args) {
  const Value *wanted = args.get(0, "value");
  int64_t count = 0, at = 0;
  for (const Value &v : self.asList()) {
    if (wanted && equal(v, *wanted)) {
      if (name == "index")
        return at;
      ++count;
    }
    ++at;
  }
  return name == "index" ? fail("the list has no such value") : Value(count);
}

Value Interpreter::callMapMethod(const Value &self, const std::string &name,
                                 const Arguments &args) {
  if (name == "get") {
    if (const Value *key = args.get(0, "key"))
      for (const auto &[k, v] : self.asMap())
        if (equal(k, *key))
          return v;
    const Value *otherwise = args.get(1, "default");
    return otherwise ? *otherwise : Value(nullptr);
  }
  if (name == "copy")
    return self;
  Value::List out;
  for (const auto &[k, v] : self.asMap())
    if (name == "items")
      out.push_back(Value(Value::List{k, v}).setTuple());
    else
      out.push_back(name == "keys" ? k : v);
  return made(std::move(out));
}

Value Interpreter::callStringMethod(const std::string &self, const std::string &name,
                                    const Arguments &args) {
  const Value *first = args.get(0, "sep");
  const std::string *text = first && first->isString() ? &first->asString() : nullptr;
  if (name == "strip" || name == "lstrip" || name == "rstrip")
    return made(Value(stripped(self, text, name != "rstrip", name != "lstrip")));
  if (name == "split" || name == "rsplit") {
    int64_t most = args.getInt(1, "maxsplit", -1);
    if (text && text->empty())
      return fail("empty separator");
    if (!text && name == "rsplit" && most >= 0)
      return fail("rsplit with maxsplit needs a separator");
    if (!charge(self.size() * sizeof(Value)))
      return {};
    return made(text ? splitAt(self, *text, most, name == "rsplit") : splitAtSpace(self, most));
  }
  if (name == "splitlines")
    return made(splitLines(self, args.getFlag(0, "keepends")));
  if (name == "startswith" || name == "endswith")
    return first && hasAffix(self, *first, name == "endswith");
  if (name == "removeprefix" || name == "removesuffix") {
    bool atEnd = name == "removesuffix";
    if (!text || !hasAffix(self, *first, atEnd))
      return self;
    return made(self.substr(atEnd ? 0 : text->size(), self.size() - text->size()));
  }
  if (name == "join")
    return first ? joined(*first, {{Value(self)}, {}}) : fail("join needs a list");
  if (name == "find" || name == "rfind" || name == "index") {
    size_t at = !text ? self.npos : name == "rfind" ? self.rfind(*text) : self.find(*text);
    if (at == self.npos && name == "index")
      return fail("substring not found");
    return at == self.npos
               ? Value(-1)
               : Value(static_cast<int64_t>(countCharacters(std::string_view(self).substr(0, at))));
  }
  if (name == "count") {
    int64_t n = 0;
    if (text && text->empty())
      return static_cast<int64_t>(countCharacters(self)) + 1;
    for (size_t at = 0; text && (at = self.find(*text, at)) != self.npos; at += text->size())
      ++n;
    return n;
  }
  if (name == "isdigit" || name == "isnumeric" || name == "isdecimal")
    return allAre(self, [](CharClass c) { return c == CharClass::Number; });
  if (name == "isalpha")
    return allAre(self, isLetter);
  if (name == "isalnum")
    return allAre(self, [](CharClass c) { return isLetter(c) || c == CharClass::Number; });
  if (name == "isspace")
    return allAre(self, [](CharClass c) { return c == CharClass::Space; });
  if (name == "isupper")
    return upperCase(self) == self && lowerCase(self) != self;
  if (name == "islower")
    return lowerCase(self) == self && upperCase(self) != self;
  if (name == "zfill" || name == "format")
    return fail("the method '" + name + "' is not supported");
  bool known = true;
  return textFilter(name, self, args, known); // upper, lower, title, capitalize, replace
}

bool Interpreter::test(const std::string &name, const Value &v, const Arguments &args) {
  if (!step(v))
    return false;
  if (name == "defined")
    return !v.isUndefined();
  if (name == "undefined")
    return v.isUndefined();
  if (name == "none")
    return v.isNone();
  if (name == "string")
    return v.isString();
  if (name == "mapping")
    return v.isMap();
  if (name == "number")
    return v.isNumber();
  if (name == "integer")
    return v.isInt();
  if (name == "float")
    return v.isFloat();
  if (name == "boolean")
    return v.isBool();
  if (name == "true")
    return v.isBool() && v.truth();
  if (name == "false")
    return v.isBool() && !v.truth();
  if (name == "iterable" || name == "sequence")
    return v.isString() || v.isList() || v.isMap() || v.isUndefined();
  if (name == "callable")
    return v.kind() == Value::Kind::Object &&
           !objectOf<NamespaceObject>(v, TemplateObject::Namespace);
  if (name == "lower" || name == "upper")
    return v.isString() && callStringMethod(v.asString(), "is" + name, Arguments()).truth();
  if (name == "odd" || name == "even" || name == "divisibleby") {
    int64_t by = name == "divisibleby" ? args.getInt(0, "num", 0) : 2;
    if ((!v.isInt() && !v.isBool()) || by == 0) {
      fail("the test '" + name + "' needs integers");
      return false;
    }
    bool divides = by == -1 || v.asInt() % by == 0;
    return divides == (name != "odd");
  }
  return comparison(name, v, args.get(0, "other"));
}

bool Interpreter::comparison(const std::string &name, const Value &v, const Value *other) {
  static constexpr std::pair<std::string_view, std::string_view> comparisons[] = {
      {"eq", "=="},     {"equalto", "=="}, {"==", "=="}, {"ne", "!="},         {"!=", "!="},
      {"sameas", "=="}, {"lt", "<"},       {"<", "<"},   {"lessthan", "<"},    {"le", "<="},
      {"<=", "<="},     {"gt", ">"},       {">", ">"},   {"greaterthan", ">"}, {"ge", ">="},
      {">=", ">="},     {"in", "in"}};
  for (auto [test, op] : comparisons) {
    if (test != name)
      continue;
    if (!other) {
      fail("the test '" + name + "' needs an argument");
      return false;
    }
    if (op == "==" || op == "!=")
      return (equal(v, *other) && (name != "sameas" || v.kind() == other->kind())) == (op == "==");
    if (op == "in")
      return contains(*this, *other, v);
    int o = order(*this, v, *other);
    return op[0] == '<' ? o < 0 || (o == 0 && op == "<=") : o > 0 || (o == 0 && op == ">=");
  }
  fail("there is no test '" + name + "'");
  return false;
}

} // namespace qcc::text
