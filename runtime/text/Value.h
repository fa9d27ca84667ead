//===- Value.h - A dynamically typed value, and JSON ----------------------===//
//
// What chat templates compute with, and what a request's messages and tools are
// held in. Values are cheap to copy; strings, lists and maps are shared and
// immutable once built. JSON text converts to and from it.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_RUNTIME_TEXT_VALUE_H
#define QCC_RUNTIME_TEXT_VALUE_H

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace qcc::text {

class Value {
public:
  enum class Kind : uint8_t {
    Undefined,
    None,
    Bool,
    Int,
    Float,
    String,
    List,
    Map,
    Object, ///< of the template interpreter: namespace, macro, function
  };
  using List = std::vector<Value>;
  using Map = std::vector<std::pair<Value, Value>>; ///< in order of insertion

  /// Payload of Kind::Object.
  struct Object {
    virtual ~Object() = default;
  };

  Value() = default; ///< undefined
  // Out of line: values are copied everywhere, and this code is in every program.
  Value(const Value &);
  Value(Value &&) noexcept;
  Value &operator=(const Value &);
  Value &operator=(Value &&) noexcept;
  ~Value();
  Value(std::nullptr_t) : kindOf(Kind::None) {}
  Value(bool b) : kindOf(Kind::Bool) { scalar.integer = b; }
  Value(int i) : Value(static_cast<int64_t>(i)) {}
  Value(int64_t i) : kindOf(Kind::Int) { scalar.integer = i; }
  Value(double d) : kindOf(Kind::Float) { scalar.real = d; }
  Value(const char *s);
  Value(std::string_view s);
  Value(std::string s);
  Value(List l);
  Value(Map m);
  /// `depth` is that of the deepest value that the object holds.
  Value(std::shared_ptr<Object> o, unsigned depth = 0);

  Kind kind() const { return kindOf; }
  bool isUndefined() const { return kindOf == Kind::Undefined; }
  bool isNone() const { return kindOf == Kind::None; }
  bool isBool() const { return kindOf == Kind::Bool; }
  bool isInt() const { return kindOf == Kind::Int; }
  bool isFloat() const { return kindOf == Kind::Float; }
  bool isString() const { return kindOf == Kind::String; }
  bool isList() const { return kindOf == Kind::List; }
  bool isMap() const { return kindOf == Kind::Map; }
  /// Int, Float or Bool, which counts as an integer as in Python.
  bool isNumber() const { return isBool() || isInt() || isFloat(); }

  /// The payload; only for the kind named (asInt: Int or Bool; asFloat: any
  /// number).
  int64_t asInt() const { return scalar.integer; }
  double asFloat() const { return isFloat() ? scalar.real : static_cast<double>(scalar.integer); }
  const std::string &asString() const;
  const List &asList() const;
  const Map &asMap() const;
  Object *asObject() const;
  /// Tuples print with parentheses, but are lists otherwise.
  bool isTuple() const { return tuple; }
  Value &setTuple() {
    tuple = true;
    return *this;
  }

  /// Levels of containers, saturated; what walks or destroys a value recurses this deep.
  unsigned depth() const { return levels; }

  /// Truth as in Python.
  bool truth() const;
  /// The value of `key` in a map, or null.
  const Value *find(std::string_view key) const;

private:
  union {
    int64_t integer;
    double real;
  } scalar = {0};
  std::shared_ptr<void> payload;
  Kind kindOf = Kind::Undefined;
  bool tuple = false;
  uint16_t levels = 0;
};

/// Reads JSON (nesting up to 200). Returns an empty string, or what is wrong
/// and at which byte.
std::string parseJson(std::string_view text, Value &out);

/// How writeJson lays out its text; the defaults are those of Python's
/// json.dumps.
struct JsonStyle {
  int indent = -1; ///< spaces for each level; -1: one line
  bool sortKeys = false;
  bool ascii = false; ///< escape what is not ASCII
  std::string itemSeparator,
      keySeparator; ///< empty: ", " (","  with indent) and ": "
};

/// Appends `v` as JSON. False when it holds something JSON has no form for.
bool writeJson(const Value &v, const JsonStyle &style, std::string &out);

} // namespace qcc::text

#endif // QCC_RUNTIME_TEXT_VALUE_H
