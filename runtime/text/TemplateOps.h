//===- TemplateOps.h - What templates do with values ----------------------===//
//
// Python's operators and texts, as far as chat templates see them. All that can fail
// or take memory goes through a Sandbox, which holds the first error and the limits.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_RUNTIME_TEXT_TEMPLATEOPS_H
#define QCC_RUNTIME_TEXT_TEMPLATEOPS_H

#include "runtime/text/Value.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace qcc::text {

/// The state of a run that may fail. After the first failure all results are undefined.
class Sandbox {
public:
  /// Bytes that a run may produce, in strings, lists and output together.
  static constexpr size_t kMaxBytes = size_t(256) << 20;
  /// Work that a run may do, in bytes looked at; a few seconds.
  static constexpr size_t kMaxWork = size_t(1) << 32;
  static constexpr unsigned kMaxValueDepth = 500;

  Value fail(const std::string &what) {
    if (message.empty())
      message = what;
    return {};
  }
  bool failed() const { return !message.empty(); }
  const std::string &error() const { return message; }
  /// Counts `bytes` about to be produced; false, and a failure, when there are too many.
  bool charge(size_t bytes) {
    if (bytes <= budget) {
      budget -= bytes;
      return true;
    }
    fail("the template produces too much");
    return false;
  }
  /// Counts one step that looks at `v`; false, and a failure, when there were too many.
  bool step(const Value &v);
  /// `v` itself, after counting it.
  Value made(Value v);

private:
  std::string message;
  size_t budget = kMaxBytes, workLeft = kMaxWork;
};

/// "str", "int", "dict" ...: Python's name of the type.
const char *typeName(const Value &);

/// Python's str() and repr().
std::string toText(const Value &);
std::string toRepr(const Value &);

bool equal(const Value &, const Value &);
/// Below 0, 0, above 0; fails when the two have no order.
int order(Sandbox &, const Value &, const Value &);
/// item in container
bool contains(Sandbox &, const Value &container, const Value &item);
/// + - * / // % ** ~
Value arithmetic(Sandbox &, std::string_view op, const Value &, const Value &);
Value negated(Sandbox &, const Value &);

/// base[key]; undefined when there is none.
Value subscript(const Value &base, const Value &key);
/// base[from:to:step]; undefined parts are missing.
Value slice(Sandbox &, const Value &base, const Value &from, const Value &to, const Value &step);
/// What a loop over `v` sees: elements, keys, characters, or nothing of undefined.
Value::List elements(Sandbox &, const Value &v);

/// Characters of a string.
std::vector<std::string_view> characters(std::string_view);
size_t countCharacters(std::string_view);

/// Text transformations of Python's str.
std::string upperCase(std::string_view);
std::string lowerCase(std::string_view);
std::string titleCase(std::string_view);
std::string capitalized(std::string_view);
std::string replaced(std::string_view text, std::string_view from, std::string_view to,
                     int64_t most);
/// Strips characters in `set` (white space when null) from the ends.
std::string_view stripped(std::string_view text, const std::string *set, bool left, bool right);

} // namespace qcc::text

#endif // QCC_RUNTIME_TEXT_TEMPLATEOPS_H
