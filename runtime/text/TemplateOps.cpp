//===- TemplateOps.cpp - What templates do with values --------------------===//
//
// Operators and indexing; texts are in TemplateText.cpp.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/TemplateOps.h"

#include <algorithm>
#include <cmath>

namespace qcc::text {
namespace {

bool bothInts(const Value &a, const Value &b) {
  return a.isNumber() && b.isNumber() && !a.isFloat() && !b.isFloat();
}

int64_t floorDiv(int64_t a, int64_t b) {
  int64_t q = a / b;
  return a % b != 0 && (a % b < 0) != (b < 0) ? q - 1 : q;
}

Value power(Sandbox &s, int64_t base, int64_t exponent) {
  if (exponent < 0)
    return std::pow(static_cast<double>(base), static_cast<double>(exponent));
  int64_t result = 1;
  if (exponent > 64 && (base < -1 || base > 1))
    return s.fail("integer overflow");
  if (exponent > 64)
    exponent = 64 + exponent % 2;
  for (; exponent > 0; --exponent)
    if (__builtin_mul_overflow(result, base, &result))
      return s.fail("integer overflow");
  return result;
}

Value integerOp(Sandbox &s, std::string_view op, int64_t a, int64_t b) {
  int64_t r = 0;
  bool overflow = false;
  if (op == "+")
    overflow = __builtin_add_overflow(a, b, &r);
  else if (op == "-")
    overflow = __builtin_sub_overflow(a, b, &r);
  else if (op == "*")
    overflow = __builtin_mul_overflow(a, b, &r);
  else if (op == "**")
    return power(s, a, b);
  else if (b == 0)
    return s.fail("division by zero");
  else if (op == "/")
    return static_cast<double>(a) / static_cast<double>(b);
  else if (a == INT64_MIN && b == -1)
    overflow = true;
  else
    r = op == "//" ? floorDiv(a, b) : a - floorDiv(a, b) * b;
  return overflow ? s.fail("integer overflow") : Value(r);
}

Value floatOp(Sandbox &s, std::string_view op, double a, double b) {
  if (op == "+")
    return a + b;
  if (op == "-")
    return a - b;
  if (op == "*")
    return a * b;
  if (op == "**")
    return std::pow(a, b);
  if (b == 0)
    return s.fail("division by zero");
  if (op == "/")
    return a / b;
  double q = std::floor(a / b);
  return op == "//" ? q : a - q * b;
}

/// A string or list, `count` times.
Value repeated(Sandbox &s, const Value &v, int64_t count) {
  size_t unit = v.isString() ? v.asString().size() : v.asList().size() * sizeof(Value);
  size_t times = count > 0 ? static_cast<size_t>(count) : 0;
  if (unit && times > Sandbox::kMaxBytes / unit)
    s.charge(SIZE_MAX);
  if (s.failed() || !s.charge(unit * times))
    return {};
  if (v.isString()) {
    std::string out;
    for (size_t i = 0; i < times && unit; ++i)
      out += v.asString();
    return out;
  }
  Value::List out;
  for (size_t i = 0; i < times && unit; ++i)
    out.insert(out.end(), v.asList().begin(), v.asList().end());
  return out;
}

/// An index or slice bound counted from the end when negative, limited to 0..size.
int64_t limited(int64_t i, int64_t size) {
  return i < 0 ? std::max<int64_t>(i + size, -1) : std::min(i, size);
}

} // namespace

Value Sandbox::made(Value v) {
  if (v.depth() > kMaxValueDepth)
    return fail("a value is nested too deeply");
  size_t bytes = 0;
  if (v.isString())
    bytes = v.asString().size();
  else if (v.isList())
    bytes = v.asList().size() * sizeof(Value);
  else if (v.isMap())
    bytes = v.asMap().size() * 2 * sizeof(Value);
  return charge(bytes) ? v : Value();
}

bool Sandbox::step(const Value &v) {
  size_t work = 64;
  if (v.isString())
    work += v.asString().size();
  else if (v.isList())
    work += v.asList().size();
  else if (v.isMap())
    work += v.asMap().size();
  if (work > workLeft)
    fail("the template takes too long");
  else
    workLeft -= work;
  return !failed();
}

const char *typeName(const Value &v) {
  static constexpr const char *names[] = {"undefined", "none", "bool", "int",   "float",
                                          "str",       "list", "dict", "object"};
  return names[static_cast<unsigned>(v.kind())];
}

bool equal(const Value &a, const Value &b) {
  if (a.isNumber() && b.isNumber())
    return bothInts(a, b) ? a.asInt() == b.asInt() : a.asFloat() == b.asFloat();
  if (a.kind() != b.kind())
    return false;
  switch (a.kind()) {
  case Value::Kind::String:
    return a.asString() == b.asString();
  case Value::Kind::List:
    return a.isTuple() == b.isTuple() && a.asList().size() == b.asList().size() &&
           std::equal(a.asList().begin(), a.asList().end(), b.asList().begin(), equal);
  case Value::Kind::Map:
    return a.asMap().size() == b.asMap().size() &&
           std::all_of(a.asMap().begin(), a.asMap().end(), [&](const auto &entry) {
             return std::any_of(b.asMap().begin(), b.asMap().end(), [&](const auto &other) {
               return equal(entry.first, other.first) && equal(entry.second, other.second);
             });
           });
  case Value::Kind::Object:
    return a.asObject() == b.asObject();
  default:
    return true; // undefined, none
  }
}

int order(Sandbox &s, const Value &a, const Value &b) {
  if (bothInts(a, b))
    return a.asInt() < b.asInt() ? -1 : a.asInt() > b.asInt();
  if (a.isNumber() && b.isNumber())
    return a.asFloat() < b.asFloat() ? -1 : a.asFloat() > b.asFloat();
  if (a.isString() && b.isString())
    return a.asString().compare(b.asString());
  if (a.isList() && b.isList()) {
    const Value::List &x = a.asList(), &y = b.asList();
    for (size_t i = 0; i < x.size() && i < y.size(); ++i)
      if (!equal(x[i], y[i]))
        return order(s, x[i], y[i]);
    return x.size() < y.size() ? -1 : x.size() > y.size();
  }
  s.fail(std::string("'") + typeName(a) + "' and '" + typeName(b) + "' have no order");
  return 0;
}

bool contains(Sandbox &s, const Value &container, const Value &item) {
  if (container.isString()) {
    if (!item.isString())
      s.fail(std::string("'in <str>' needs a string, not '") + typeName(item) + "'");
    return item.isString() && container.asString().find(item.asString()) != std::string::npos;
  }
  if (container.isList())
    return std::any_of(container.asList().begin(), container.asList().end(),
                       [&](const Value &v) { return equal(v, item); });
  if (container.isMap())
    return std::any_of(container.asMap().begin(), container.asMap().end(),
                       [&](const auto &entry) { return equal(entry.first, item); });
  if (!container.isUndefined())
    s.fail(std::string("'in' needs a list, dict or string, not '") + typeName(container) + "'");
  return false;
}

Value arithmetic(Sandbox &s, std::string_view op, const Value &a, const Value &b) {
  if (op == "~")
    return s.made(toText(a) + toText(b));
  if (bothInts(a, b))
    return integerOp(s, op, a.asInt(), b.asInt());
  if (a.isNumber() && b.isNumber())
    return floatOp(s, op, a.asFloat(), b.asFloat());
  if (op == "+" && a.isString() && b.isString())
    return s.made(a.asString() + b.asString());
  if (op == "+" && a.isList() && b.isList()) {
    Value::List out = a.asList();
    out.insert(out.end(), b.asList().begin(), b.asList().end());
    Value sum = s.made(std::move(out));
    return a.isTuple() ? sum.setTuple() : sum;
  }
  bool sequenceA = a.isString() || a.isList(), sequenceB = b.isString() || b.isList();
  if (op == "*" && sequenceA && (b.isInt() || b.isBool()))
    return repeated(s, a, b.asInt());
  if (op == "*" && sequenceB && (a.isInt() || a.isBool()))
    return repeated(s, b, a.asInt());
  return s.fail("'" + std::string(op) + "' does not work on '" + typeName(a) + "' and '" +
                typeName(b) + "'");
}

Value negated(Sandbox &s, const Value &v) {
  if (v.isFloat())
    return -v.asFloat();
  if (v.isNumber())
    return integerOp(s, "-", 0, v.asInt());
  return s.fail(std::string("'-' does not work on '") + typeName(v) + "'");
}

Value subscript(const Value &base, const Value &key) {
  if (base.isMap()) {
    for (const auto &[k, v] : base.asMap())
      if (equal(k, key))
        return v;
    return {};
  }
  if (!key.isInt() && !key.isBool())
    return {};
  int64_t i = key.asInt();
  if (base.isList()) {
    int64_t size = static_cast<int64_t>(base.asList().size());
    i = i < 0 ? i + size : i;
    return i >= 0 && i < size ? base.asList()[static_cast<size_t>(i)] : Value();
  }
  if (base.isString()) {
    std::vector<std::string_view> chars = characters(base.asString());
    int64_t size = static_cast<int64_t>(chars.size());
    i = i < 0 ? i + size : i;
    return i >= 0 && i < size ? Value(chars[static_cast<size_t>(i)]) : Value();
  }
  return {};
}

Value slice(Sandbox &s, const Value &base, const Value &from, const Value &to, const Value &step) {
  for (const Value *v : {&from, &to, &step})
    if (!v->isUndefined() && !v->isNone() && !v->isInt())
      return s.fail("slice indices must be integers");
  if (!base.isString() && !base.isList())
    return s.fail(std::string("'") + typeName(base) + "' cannot be sliced");
  std::vector<std::string_view> chars;
  if (base.isString())
    chars = characters(base.asString());
  const int64_t size = static_cast<int64_t>(base.isString() ? chars.size() : base.asList().size());
  int64_t by = step.isInt() ? step.asInt() : 1;
  if (by == 0)
    return s.fail("the step of a slice is zero");
  int64_t i = from.isInt() ? limited(from.asInt(), size) : by > 0 ? 0 : size - 1;
  int64_t end = to.isInt() ? limited(to.asInt(), size) : by > 0 ? size : -1;
  if (by > 0) {
    i = std::max<int64_t>(i, 0);
    end = std::max<int64_t>(end, 0);
    by = std::min(by, size + 1);
  } else {
    i = std::min(i, size - 1);
    by = std::max(by, -size - 1);
  }
  std::string text;
  Value::List list;
  for (; by > 0 ? i < end : i > end; i += by)
    if (base.isString())
      text += chars[static_cast<size_t>(i)];
    else
      list.push_back(base.asList()[static_cast<size_t>(i)]);
  if (base.isString())
    return s.made(std::move(text));
  Value out = s.made(std::move(list));
  return base.isTuple() ? out.setTuple() : out;
}

Value::List elements(Sandbox &s, const Value &v) {
  Value::List out;
  if (v.isList()) {
    s.charge(v.asList().size() * sizeof(Value));
    return s.failed() ? out : v.asList();
  }
  if (v.isMap()) {
    for (const auto &entry : v.asMap())
      out.push_back(entry.first);
  } else if (v.isString()) {
    if (s.charge(v.asString().size() * sizeof(Value)))
      for (std::string_view c : characters(v.asString()))
        out.push_back(c);
  } else if (!v.isUndefined()) {
    s.fail(std::string("'") + typeName(v) + "' cannot be iterated over");
  }
  return out;
}

} // namespace qcc::text
