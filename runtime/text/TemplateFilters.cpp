//===- TemplateFilters.cpp - Filters of templates -------------------------===//
//
// {{ value | name(arguments) }}.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/TemplateEval.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>

namespace qcc::text {
namespace {

/// Sorting and comparing of strings ignores case unless the argument says otherwise.
Value foldedCase(const Value &v, bool caseSensitive) {
  return !caseSensitive && v.isString() ? Value(lowerCase(v.asString())) : v;
}

/// Escapes for HTML, as Jinja2's escape.
std::string htmlEscaped(std::string_view s) {
  std::string out;
  for (char c : s)
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&#34;";
      break;
    case '\'':
      out += "&#39;";
      break;
    default:
      out += c;
    }
  return out;
}

/// Prefixes every line but the first (`first` too if asked), and blank ones only if asked.
std::string indented(std::string_view s, std::string_view prefix, bool first, bool blank) {
  std::string out;
  for (bool start = true;; start = false) {
    size_t end = s.find('\n');
    std::string_view text = s.substr(0, end);
    if (start ? first : (blank || !text.empty()))
      out += prefix;
    out += text;
    if (end == s.npos)
      return out;
    out += '\n';
    s.remove_prefix(end + 1);
  }
}

} // namespace

Value Interpreter::length(const Value &v) {
  if (v.isString())
    return static_cast<int64_t>(countCharacters(v.asString()));
  if (v.isList())
    return static_cast<int64_t>(v.asList().size());
  if (v.isMap())
    return static_cast<int64_t>(v.asMap().size());
  if (v.isUndefined())
    return 0;
  return fail(std::string("'") + typeName(v) + "' has no length");
}

Value Interpreter::toInt(const Value &in, const Arguments &args) {
  const Value *given = args.get(0, "default");
  Value otherwise = given ? *given : Value(0);
  if (in.isFloat()) {
    double d = in.asFloat();
    return d > -9.2e18 && d < 9.2e18 ? Value(static_cast<int64_t>(d)) : otherwise;
  }
  if (in.isNumber())
    return in.asInt();
  if (!in.isString())
    return otherwise;
  std::string text(stripped(in.asString(), nullptr, true, true));
  char *end = nullptr;
  errno = 0;
  long long integer = std::strtoll(text.c_str(), &end, 10);
  if (!text.empty() && *end == '\0' && errno == 0)
    return static_cast<int64_t>(integer);
  double d = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(d > -9.2e18 && d < 9.2e18))
    return otherwise;
  return static_cast<int64_t>(d);
}

Value Interpreter::toJson(const Value &in, const Arguments &args) {
  JsonStyle style;
  style.ascii = args.getFlag(0, "ensure_ascii");
  style.indent = static_cast<int>(std::clamp<int64_t>(args.getInt(1, "indent", -1), -1, 64));
  style.sortKeys = args.getFlag(3, "sort_keys");
  if (const Value *s = args.get(2, "separators"); s && s->isList() && s->asList().size() == 2) {
    style.itemSeparator = toText(s->asList()[0]);
    style.keySeparator = toText(s->asList()[1]);
  }
  std::string text;
  if (!writeJson(in, style, text))
    return fail(in.isUndefined() ? "an undefined value is not JSON" : "a value is not JSON");
  return made(std::move(text));
}

Value Interpreter::joined(const Value &in, const Arguments &args) {
  std::string separator = args.getText(0, "d", ""), text;
  const Value *path = args.get(1, "attribute");
  bool first = true;
  for (const Value &item : elements(*this, in)) {
    Value v = path ? attributePath(item, toText(*path)) : item;
    if (!first)
      text += separator;
    first = false;
    text += toText(v);
    if (failed() || text.size() > kMaxBytes)
      break;
  }
  return made(std::move(text));
}

/// select, reject, selectattr, rejectattr.
Value Interpreter::selected(const std::string &name, const Value &in, const Arguments &args) {
  bool byAttribute = name.size() > 6, keep = name[0] == 's';
  size_t testAt = byAttribute ? 1 : 0;
  if (args.positional.size() < testAt)
    return fail(name + " needs the name of an attribute");
  Arguments testArgs;
  if (args.positional.size() > testAt + 1)
    testArgs.positional.assign(args.positional.begin() + static_cast<long>(testAt) + 1,
                               args.positional.end());
  Value::List kept;
  for (const Value &item : elements(*this, in)) {
    Value v = byAttribute ? attributePath(item, toText(args.positional[0])) : item;
    bool holds = args.positional.size() > testAt
                     ? test(toText(args.positional[testAt]), v, testArgs)
                     : v.truth();
    if (failed() || !step(v))
      break;
    if (holds == keep)
      kept.push_back(item);
  }
  return made(std::move(kept));
}

/// map(attribute="x"), map("filter", ...).
Value Interpreter::mapped(const Value &in, const Arguments &args) {
  const Value *path = args.positional.empty() ? args.get(0, "attribute") : nullptr;
  const Value *otherwise = args.get(SIZE_MAX, "default");
  if (!path && args.positional.empty())
    return fail("map needs a filter or an attribute");
  Arguments filterArgs = args;
  if (!path)
    filterArgs.positional.erase(filterArgs.positional.begin());
  Value::List out;
  for (const Value &item : elements(*this, in)) {
    Value v = path ? attributePath(item, toText(*path))
                   : filter(toText(args.positional[0]), item, filterArgs);
    if (failed() || !step(v))
      break;
    out.push_back(v.isUndefined() && otherwise ? *otherwise : v);
  }
  return made(std::move(out));
}

Value Interpreter::sorted(const Value &in, const Arguments &args) {
  bool reverse = args.getFlag(0, "reverse"), exact = args.getFlag(1, "case_sensitive");
  const Value *path = args.get(2, "attribute");
  std::vector<std::pair<Value, Value>> keyed; // (key, element)
  for (const Value &item : elements(*this, in))
    keyed.emplace_back(foldedCase(path ? attributePath(item, toText(*path)) : item, exact), item);
  // Insertion into a sorted prefix by bisection: stable, and safe when there is no order.
  Value::List out, keys;
  for (auto &[key, item] : keyed) {
    auto after = std::upper_bound(keys.begin(), keys.end(), key, [&](auto &a, auto &b) {
      int o = failed() ? 0 : order(*this, a, b);
      return reverse ? o > 0 : o < 0;
    });
    auto at = after - keys.begin();
    keys.insert(after, key);
    out.insert(out.begin() + at, item);
    if (failed() || !step(Value()))
      break;
  }
  return made(std::move(out));
}

/// min and max.
Value Interpreter::extreme(const Value &in, const Arguments &args, bool most) {
  bool exact = args.getFlag(0, "case_sensitive");
  const Value *path = args.get(1, "attribute");
  Value best, bestKey;
  for (const Value &item : elements(*this, in)) {
    Value key = foldedCase(path ? attributePath(item, toText(*path)) : item, exact);
    if (!bestKey.isUndefined()) {
      int o = order(*this, key, bestKey);
      if (most ? o <= 0 : o >= 0)
        continue;
    }
    best = item;
    bestKey = key;
  }
  return best;
}

Value Interpreter::unique(const Value &in, const Arguments &args) {
  bool exact = args.getFlag(0, "case_sensitive");
  const Value *path = args.get(1, "attribute");
  Value::List keys, out;
  for (const Value &item : elements(*this, in)) {
    Value key = foldedCase(path ? attributePath(item, toText(*path)) : item, exact);
    if (!step(keys))
      break;
    if (std::any_of(keys.begin(), keys.end(), [&](const Value &k) { return equal(k, key); }))
      continue;
    keys.push_back(key);
    out.push_back(item);
  }
  return made(std::move(out));
}

/// Filters that take and give text; anything else is turned into text first.
Value Interpreter::textFilter(const std::string &name, const Value &in, const Arguments &args,
                              bool &known) {
  std::string text = toText(in);
  if (name == "trim") {
    const Value *chars = args.get(0, "chars");
    bool given = chars && chars->isString();
    return made(Value(stripped(text, given ? &chars->asString() : nullptr, true, true)));
  }
  if (name == "upper")
    return made(upperCase(text));
  if (name == "lower")
    return made(lowerCase(text));
  if (name == "title")
    return made(titleCase(text));
  if (name == "capitalize")
    return made(capitalized(text));
  if (name == "string" || name == "safe")
    return made(text);
  if (name == "escape" || name == "e" || name == "forceescape")
    return made(htmlEscaped(text));
  if (name == "replace") {
    std::string from = args.getText(0, "old", ""), to = args.getText(1, "new", "");
    if (to.size() > 1 && text.size() > kMaxBytes / to.size())
      return fail("the template produces too much");
    return made(replaced(text, from, to, args.getInt(2, "count", -1)));
  }
  if (name == "indent") {
    const Value *width = args.get(0, "width");
    std::string prefix =
        width && width->isString()
            ? width->asString()
            : std::string(
                  static_cast<size_t>(std::clamp<int64_t>(args.getInt(0, "width", 4), 0, 1024)),
                  ' ');
    return made(indented(text, prefix, args.getFlag(1, "first"), args.getFlag(2, "blank")));
  }
  known = false;
  return {};
}

/// Filters of lists and maps.
Value Interpreter::listFilter(const std::string &name, const Value &in, const Arguments &args,
                              bool &known) {
  if (name == "list")
    return made(elements(*this, in));
  if (name == "first" || name == "last") {
    Value::List items = elements(*this, in);
    if (items.empty())
      return {};
    return name == "first" ? items.front() : items.back();
  }
  if (name == "reverse") {
    Value::List items = elements(*this, in);
    std::reverse(items.begin(), items.end());
    if (!in.isString())
      return made(std::move(items));
    return joined(Value(std::move(items)), Arguments());
  }
  if (name == "items") {
    if (!in.isMap() && !in.isUndefined())
      return fail("items works on dicts only");
    return in.isMap() ? callMapMethod(in, "items", args) : Value(Value::List());
  }
  if (name == "dictsort") {
    if (!in.isMap())
      return fail("dictsort works on dicts only");
    Arguments byKey;
    bool byValue = args.getText(1, "by", "key") == "value";
    byKey.named = {{"attribute", byValue ? "1" : "0"},
                   {"reverse", args.getFlag(2, "reverse")},
                   {"case_sensitive", args.getFlag(0, "case_sensitive")}};
    return sorted(callMapMethod(in, "items", Arguments()), byKey);
  }
  if (name == "sum") {
    Value total = args.get(1, "start") ? *args.get(1, "start") : Value(0);
    const Value *path = args.get(0, "attribute");
    for (const Value &item : elements(*this, in))
      if (!failed())
        total = arithmetic(*this, "+", total, path ? attributePath(item, toText(*path)) : item);
    return total;
  }
  if (name == "sort")
    return sorted(in, args);
  if (name == "unique")
    return unique(in, args);
  if (name == "min" || name == "max")
    return extreme(in, args, name == "max");
  if (name == "map")
    return mapped(in, args);
  if (name == "join")
    return joined(in, args);
  if (name == "select" || name == "reject" || name == "selectattr" || name == "rejectattr")
    return selected(name, in, args);
  known = false;
  return {};
}

Value Interpreter::filter(const std::string &name, const Value &in, const Arguments &args) {
  if (!step(in))
    return {};
  if (name == "default" || name == "d") {
    bool missing = in.isUndefined() || (args.getFlag(1, "boolean") && !in.truth());
    const Value *v = args.get(0, "default_value");
    return !missing ? in : v ? *v : Value("");
  }
  if (name == "tojson")
    return toJson(in, args);
  if (name == "length" || name == "count")
    return length(in);
  if (name == "int")
    return toInt(in, args);
  if (name == "float") {
    if (in.isNumber())
      return in.asFloat();
    std::string text(in.isString() ? stripped(in.asString(), nullptr, true, true) : "");
    char *end = nullptr;
    double d = std::strtod(text.c_str(), &end);
    if (!text.empty() && *end == '\0')
      return d;
    return args.get(0, "default") ? *args.get(0, "default") : Value(0.0);
  }
  if (name == "abs") {
    if (!in.isNumber())
      return fail("abs works on numbers only");
    return in.asFloat() < 0 ? negated(*this, in) : in;
  }
  if (name == "round") {
    if (!in.isNumber())
      return fail("round works on numbers only");
    std::string method = args.getText(1, "method", "common");
    double scale = std::pow(10.0, static_cast<double>(args.getInt(0, "precision", 0)));
    double x = in.asFloat() * scale;
    double r = method == "ceil"    ? std::ceil(x)
               : method == "floor" ? std::floor(x)
                                   : std::nearbyint(x);
    return r / scale;
  }
  bool known = true;
  Value v = listFilter(name, in, args, known);
  if (!known) {
    known = true;
    v = textFilter(name, in, args, known);
  }
  return known ? v : fail("there is no filter '" + name + "'");
}

} // namespace qcc::text
