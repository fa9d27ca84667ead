//===- PreTokenizer.cpp - Where a text may not be merged across -----------===//
//
// Each alternative of a pattern is one function that returns the bytes it
// matches, or 0; the order of the calls is the order of the alternatives.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/PreTokenizer.h"

#include "runtime/text/Unicode.h"

#include <cstdint>

namespace qcc::text {
namespace {

using Mask = uint32_t;
constexpr Mask bit(CharClass c) { return 1u << static_cast<unsigned>(c); }
constexpr Mask kUpper = bit(CharClass::Upper), kLower = bit(CharClass::Lower),
               kLetters = kUpper | kLower | bit(CharClass::OtherLetter),
               kMarks = bit(CharClass::NonSpacing) | bit(CharClass::OtherMark),
               kNumber = bit(CharClass::Number), kSpace = bit(CharClass::Space);

/// How the patterns of the Llama 3 kind differ.
struct Style {
  Mask letters;      ///< classes of a word
  unsigned digits;   ///< most digits of a piece; 0: any number
  bool caseSplit;    ///< words end before an upper-case letter that follows a
                     ///< lower-case one
  bool contractions; ///< 's 't 're ... are taken: first, or with caseSplit
                     ///< after a word
  bool slash;        ///< '/' may follow punctuation
};

class Matcher {
public:
  explicit Matcher(std::string_view text) : begin(text.data()), end(text.data() + text.size()) {}

  size_t gpt2() const;
  size_t words(const Style &) const;
  /// A run of at most `most` characters (0: any number) whose class is in
  /// `classes`.
  size_t run(Mask classes, size_t from = 0, size_t most = 0) const {
    const char *p = begin + from;
    for (size_t n = 0; p < end && (most == 0 || n < most); ++n) {
      Char c = decodeUtf8(p, end);
      if (!(bit(charClass(c.code)) & classes))
        break;
      p += c.size;
    }
    return p - begin - from;
  }
  size_t metaSpace() const;
  size_t bert() const;

private:
  bool isAt(size_t i, char c) const { return begin + i < end && begin[i] == c; }
  Mask maskAt(size_t i) const {
    return begin + i < end ? bit(charClass(decodeUtf8(begin + i, end).code)) : 0;
  }
  size_t newlines(size_t from, bool slash) const {
    size_t i = from;
    while (isAt(i, '\r') || isAt(i, '\n') || (slash && isAt(i, '/')))
      ++i;
    return i - from;
  }
  size_t contraction(size_t from, bool anyCase) const;
  size_t optionalSpace(Mask classes) const;
  size_t space() const;
  size_t spaceToNewline() const;
  size_t cased(size_t from, bool lowerNeeded) const;
  size_t casedWord(const Style &) const;

  const char *begin, *end;
};

/// 's|'t|'re|'ve|'m|'ll|'d. Without case, U+017F is an s.
size_t Matcher::contraction(size_t from, bool anyCase) const {
  if (!isAt(from, '\''))
    return 0;
  auto letter = [&](size_t i, char c) {
    return isAt(i, c) || (anyCase && isAt(i, static_cast<char>(c - 32)));
  };
  size_t i = from + 1;
  for (char c : {'s', 't', 'm', 'd'})
    if (letter(i, c))
      return 2;
  if (anyCase && isAt(i, '\xC5') && isAt(i + 1, '\xBF'))
    return 3;
  if ((letter(i, 'r') || letter(i, 'v')) && letter(i + 1, 'e'))
    return 3;
  return letter(i, 'l') && letter(i + 1, 'l') ? 3 : 0;
}

/// " ?[classes]+"
size_t Matcher::optionalSpace(Mask classes) const {
  size_t skip = isAt(0, ' ') ? 1 : 0;
  size_t n = run(classes, skip);
  return n ? skip + n : 0;
}

/// "\s+(?!\S)|\s+": all of a run of white space but its last character, when
/// text follows.
size_t Matcher::space() const {
  const char *p = begin, *last = begin;
  while (p < end) {
    Char c = decodeUtf8(p, end);
    if (charClass(c.code) != CharClass::Space)
      break;
    last = p;
    p += c.size;
  }
  if (p == end || last == begin)
    return p - begin;
  return last - begin;
}

/// "\s*[\r\n]+": to the last line break of a run of white space.
size_t Matcher::spaceToNewline() const {
  for (size_t i = run(kSpace); i > 0; --i)
    if (begin[i - 1] == '\r' || begin[i - 1] == '\n')
      return i;
  return 0;
}

size_t Matcher::gpt2() const {
  if (size_t n = contraction(0, false))
    return n;
  for (Mask classes : {kLetters, kNumber, ~(kSpace | kLetters | kNumber)})
    if (size_t n = optionalSpace(classes))
      return n;
  return space();
}

/// "[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+" (lowerNeeded),
/// else the same with + and *.
size_t Matcher::cased(size_t from, bool lowerNeeded) const {
  constexpr Mask both = (kLetters | kMarks) & ~(kUpper | kLower);
  const char *p = begin + from, *afterBoth = nullptr;
  while (p < end) {
    Char c = decodeUtf8(p, end);
    Mask m = bit(charClass(c.code));
    if (!(m & (kUpper | both)))
      break;
    p += c.size;
    if (m & both)
      afterBoth = p;
  }
  size_t upper = p - begin - from;
  if (!lowerNeeded)
    return upper ? upper + run(kLower | both, from + upper) : 0;
  if (size_t lower = run(kLower | both, from + upper))
    return upper + lower;
  // The first part gives back characters until the second finds one of its own.
  return afterBoth ? afterBoth - begin - from : 0;
}

size_t Matcher::casedWord(const Style &style) const {
  Char first = decodeUtf8(begin, end);
  Mask m = bit(charClass(first.code));
  bool prefix = !(m & (kLetters | kNumber)) && first.code != '\r' && first.code != '\n';
  for (bool lowerNeeded : {true, false})
    for (size_t skip : {prefix ? size_t(first.size) : 0, size_t(0)})
      if (size_t n = cased(skip, lowerNeeded)) {
        n += skip;
        return style.contractions ? n + contraction(n, true) : n;
      }
  return 0;
}

size_t Matcher::words(const Style &style) const {
  if (style.caseSplit) {
    if (size_t n = casedWord(style))
      return n;
  } else {
    if (size_t n = style.contractions ? contraction(0, true) : 0)
      return n;
    if (size_t n = run(style.letters))
      return n;
    Char first = decodeUtf8(begin, end);
    if (!(maskAt(0) & kNumber) && first.code != '\r' && first.code != '\n')
      if (size_t n = run(style.letters, first.size))
        return first.size + n;
  }
  if (size_t n = run(kNumber, 0, style.digits))
    return n;
  Mask words = style.caseSplit ? kLetters : style.letters;
  if (size_t n = optionalSpace(~(kSpace | kNumber | words)))
    return n + newlines(n, style.slash);
  if (size_t n = spaceToNewline())
    return n;
  return space();
}

size_t Matcher::metaSpace() const {
  std::string_view text(begin, end - begin);
  size_t next = text.find("\xE2\x96\x81", 1);
  return next == std::string_view::npos ? text.size() : next;
}

/// White space, a punctuation character, or a word.
size_t Matcher::bert() const {
  auto punctuation = [](Char c) {
    bool ascii = c.code > 32 && c.code < 127 && !(bit(charClass(c.code)) & (kLetters | kNumber));
    return ascii || charClass(c.code) == CharClass::Punctuation;
  };
  if (size_t n = run(kSpace))
    return n;
  const char *p = begin;
  while (p < end) {
    Char c = decodeUtf8(p, end);
    if (punctuation(c))
      return p == begin ? c.size : p - begin;
    if (charClass(c.code) == CharClass::Space)
      break;
    p += c.size;
  }
  return p - begin;
}

} // namespace

size_t firstPiece(Split kind, std::string_view text) {
  Matcher m(text);
  auto digits = [&](size_t most) {
    size_t n = m.run(kNumber, 0, most);
    return n ? n : m.run(~kNumber);
  };
  switch (kind) {
  case Split::Digits:
    return digits(1);
  case Split::DigitRuns:
    return digits(0);
  case Split::Digits3:
    return digits(3);
  case Split::Gpt2:
    return m.gpt2();
  case Split::Llama3:
    return m.words({kLetters, 3, false, true, false});
  case Split::Qwen2:
    return m.words({kLetters, 1, false, true, false});
  case Split::Qwen35:
    return m.words({kLetters | kMarks, 1, false, true, false});
  case Split::O200k:
    return m.words({kLetters | kMarks, 3, true, true, true});
  case Split::Tekken:
    return m.words({kLetters | kMarks, 1, true, false, true});
  case Split::MetaSpace:
    return m.metaSpace();
  case Split::Bert:
    return m.bert();
  case Split::None:
    break;
  }
  return text.size();
}

} // namespace qcc::text
