//===- Number.cpp - Numbers as Python writes them -------------------------===//
//
// With the C library's conversions, which every program has anyway: the tables of
// std::to_chars alone are larger than the rest of this directory. The C locale is the
// one in use; nothing sets another.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/Number.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace qcc::text {

int hexDigit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  c = static_cast<char>(c | 32);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

Value parseNumber(std::string_view text, bool real) {
  int64_t integer;
  if (!real && std::from_chars(text.data(), text.data() + text.size(), integer).ec == std::errc())
    return integer;
  return std::strtod(std::string(text).c_str(), nullptr);
}

std::string formatFloat(double v) {
  if (std::isnan(v))
    return "nan";
  if (std::isinf(v))
    return v < 0 ? "-inf" : "inf";
  char buffer[40];
  int precision = 0;
  do
    std::snprintf(buffer, sizeof buffer, "%.*e", precision, v);
  while (std::strtod(buffer, nullptr) != v && ++precision < 17);
  std::string text = buffer; // [-]d[.ddd]e+xx
  size_t e = text.find('e');
  int exponent = std::atoi(text.c_str() + e + 1);
  if (exponent < -4 || exponent >= 16)
    return text;
  std::string sign = text[0] == '-' ? "-" : "", digits;
  for (char c : text.substr(0, e))
    if (c >= '0' && c <= '9')
      digits += c;
  if (exponent < 0)
    return sign + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  size_t whole = static_cast<size_t>(exponent) + 1;
  if (digits.size() < whole + 1)
    digits.append(whole + 1 - digits.size(), '0');
  return sign + digits.substr(0, whole) + "." + digits.substr(whole);
}

std::string formatJsonFloat(double v) {
  if (std::isnan(v))
    return "NaN";
  if (std::isinf(v))
    return v < 0 ? "-Infinity" : "Infinity";
  return formatFloat(v);
}

} // namespace qcc::text
