//===- Number.h - Numbers as Python writes them ---------------------------===//
//
// Parsing and printing without the C locale and without iostream.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_RUNTIME_TEXT_NUMBER_H
#define QCC_RUNTIME_TEXT_NUMBER_H

#include "runtime/text/Value.h"

#include <string>
#include <string_view>

namespace qcc::text {

/// 0..15, or -1.
int hexDigit(char c);

/// The value of a well-formed decimal literal: an integer where it fits and `real` is false,
/// else a float.
Value parseNumber(std::string_view text, bool real);

/// The shortest text that reads back as `v`, as Python's repr: 1.0, 1e-07, nan, inf.
std::string formatFloat(double v);
/// The same with JSON's names of the special values: NaN, Infinity.
std::string formatJsonFloat(double v);

} // namespace qcc::text

#endif // QCC_RUNTIME_TEXT_NUMBER_H
