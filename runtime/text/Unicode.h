//===- Unicode.h - Classes of characters, NFC, UTF-8 ----------------------===//
//
// The little of Unicode that tokenizers need, from tables that gen_unicode.py
// writes when the runtime is built. Bytes that are not UTF-8 count as
// characters of their own, of class Other, so that no input is refused or
// changed.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_RUNTIME_TEXT_UNICODE_H
#define QCC_RUNTIME_TEXT_UNICODE_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace qcc::text {

/// Groups of general categories; gen_unicode.py has the same numbers.
enum class CharClass : uint8_t {
  Other = 0,
  Upper = 1,       ///< Lu, Lt
  Lower = 2,       ///< Ll
  OtherLetter = 3, ///< Lm, Lo
  NonSpacing = 4,  ///< Mn
  OtherMark = 5,   ///< Mc, Me
  Number = 6,
  Space = 7, ///< White_Space
  Punctuation = 8,
  Symbol = 9,
  Control = 10, ///< Cc, Cf, Co
};

/// A character of a text; an invalid byte has code kInvalid + byte.
struct Char {
  uint32_t code;
  uint32_t size; ///< bytes
};
constexpr uint32_t kInvalid = 0x110000;

/// The first character of [p, end); p < end.
Char decodeUtf8(const char *p, const char *end);

/// Appends `code`; an invalid byte comes out as it was.
void appendUtf8(uint32_t code, std::string &out);

CharClass charClass(uint32_t code);

inline bool isLetter(CharClass c) { return c >= CharClass::Upper && c <= CharClass::OtherLetter; }
inline bool isMark(CharClass c) { return c == CharClass::NonSpacing || c == CharClass::OtherMark; }

/// Simple lower and upper case.
uint32_t toLower(uint32_t code);
uint32_t toUpper(uint32_t code);

/// `text` in Normalization Form C, or its full decomposition (NFD).
std::string toNfc(std::string_view text);
std::string toNfd(std::string_view text);

/// Bytes of the longest prefix that does not end inside a UTF-8 sequence which
/// more bytes could complete.
size_t completePrefix(std::string_view text);

} // namespace qcc::text

#endif // QCC_RUNTIME_TEXT_UNICODE_H
