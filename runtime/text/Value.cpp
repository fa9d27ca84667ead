//===- Value.cpp - A dynamically typed value ------------------------------===//
//
// Construction and the few queries that everything shares.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/Value.h"

#include <algorithm>

namespace qcc::text {

namespace {

uint16_t levelAbove(unsigned depth) { return static_cast<uint16_t>(std::min(depth + 1, 0xffffu)); }

} // namespace

Value::Value(const Value &) = default;
Value::Value(Value &&) noexcept = default;
Value &Value::operator=(const Value &) = default;
Value &Value::operator=(Value &&) noexcept = default;
Value::~Value() = default;

Value::Value(const char *s) : Value(std::string(s)) {}
Value::Value(std::string_view s) : Value(std::string(s)) {}
Value::Value(std::string s)
    : payload(std::make_shared<std::string>(std::move(s))), kindOf(Kind::String) {}

Value::Value(List l) : kindOf(Kind::List) {
  unsigned depth = 0;
  for (const Value &v : l)
    depth = std::max(depth, v.depth());
  levels = levelAbove(depth);
  payload = std::make_shared<List>(std::move(l));
}

Value::Value(Map m) : kindOf(Kind::Map) {
  unsigned depth = 0;
  for (const auto &[k, v] : m)
    depth = std::max({depth, k.depth(), v.depth()});
  levels = levelAbove(depth);
  payload = std::make_shared<Map>(std::move(m));
}

Value::Value(std::shared_ptr<Object> o, unsigned depth)
    : payload(std::move(o)), kindOf(Kind::Object), levels(levelAbove(depth)) {}

const std::string &Value::asString() const {
  return *static_cast<const std::string *>(payload.get());
}
const Value::List &Value::asList() const { return *static_cast<const List *>(payload.get()); }
const Value::Map &Value::asMap() const { return *static_cast<const Map *>(payload.get()); }
Value::Object *Value::asObject() const { return static_cast<Object *>(payload.get()); }

bool Value::truth() const {
  switch (kindOf) {
  case Kind::Undefined:
  case Kind::None:
    return false;
  case Kind::Bool:
  case Kind::Int:
    return scalar.integer != 0;
  case Kind::Float:
    return scalar.real != 0;
  case Kind::String:
    return !asString().empty();
  case Kind::List:
    return !asList().empty();
  case Kind::Map:
    return !asMap().empty();
  case Kind::Object:
    return true;
  }
  return false;
}

const Value *Value::find(std::string_view key) const {
  if (isMap())
    for (auto &[k, v] : asMap())
      if (k.isString() && k.asString() == key)
        return &v;
  return nullptr;
}

} // namespace qcc::text
