//===- Unicode.cpp - Classes of characters, NFC, UTF-8 --------------------===//
//
// Binary searches in the generated tables, with a direct table for ASCII;
// Hangul syllables are computed (Unicode Standard, section 3.12).
//
//===----------------------------------------------------------------------===//
#include "runtime/text/Unicode.h"

#include <algorithm>
#include <iterator>
#include <vector>

namespace qcc::text {
namespace {

#include "runtime/text/UnicodeTables.inc"

constexpr uint32_t kHangul = 0xAC00, kL = 0x1100, kV = 0x1161, kT = 0x11A7;
constexpr uint32_t kLCount = 19, kVCount = 21, kTCount = 28;
constexpr uint64_t kMask = 0x1fffff;

bool isContinuation(char c) { return (static_cast<uint8_t>(c) & 0xC0) == 0x80; }

uint32_t combiningClass(uint32_t code) {
  if (code < 0x300 || code >= kInvalid)
    return 0;
  const uint32_t *it =
      std::upper_bound(std::begin(kCombining), std::end(kCombining), code << 8 | 0xff);
  return it[-1] & 0xff;
}

void decompose(uint32_t code, std::vector<uint32_t> &out) {
  if (code - kHangul < kLCount * kVCount * kTCount) {
    uint32_t s = code - kHangul;
    out.push_back(kL + s / (kVCount * kTCount));
    out.push_back(kV + s / kTCount % kVCount);
    if (s % kTCount)
      out.push_back(kT + s % kTCount);
    return;
  }
  const uint64_t *it = std::end(kDecompositions);
  if (code >= 0xC0 && code < kInvalid)
    it = std::lower_bound(std::begin(kDecompositions), std::end(kDecompositions),
                          uint64_t(code) << 42);
  if (it == std::end(kDecompositions) || *it >> 42 != code) {
    out.push_back(code);
    return;
  }
  decompose(*it >> 21 & kMask, out);
  if (*it & kMask)
    out.push_back(*it & kMask); // second parts never decompose further
}

/// The character that first and second compose to, or 0.
uint32_t compose(uint32_t first, uint32_t second) {
  if (first - kL < kLCount && second - kV < kVCount)
    return kHangul + ((first - kL) * kVCount + (second - kV)) * kTCount;
  if (first - kHangul < kLCount * kVCount * kTCount && (first - kHangul) % kTCount == 0 &&
      second - kT - 1 < kTCount - 1)
    return first + (second - kT);
  if (first >= kInvalid || second >= kInvalid)
    return 0;
  uint64_t key = uint64_t(first) << 21 | second;
  constexpr uint64_t pair = (uint64_t(1) << 42) - 1;
  const uint16_t *it =
      std::lower_bound(std::begin(kCompositions), std::end(kCompositions), key,
                       [](uint16_t i, uint64_t k) { return (kDecompositions[i] & pair) < k; });
  if (it == std::end(kCompositions) || (kDecompositions[*it] & pair) != key)
    return 0;
  return kDecompositions[*it] >> 42;
}

/// Sorts codes[begin..end) by combining class, keeping the order of equals.
void sortMarks(std::vector<uint32_t> &codes, size_t begin, size_t end) {
  struct Mark {
    uint32_t cls, code;
    size_t index;
  };
  std::vector<Mark> marks;
  for (size_t i = begin; i < end; ++i)
    marks.push_back({combiningClass(codes[i]), codes[i], i});
  std::sort(marks.begin(), marks.end(), [](const Mark &a, const Mark &b) {
    return a.cls != b.cls ? a.cls < b.cls : a.index < b.index;
  });
  for (size_t i = begin; i < end; ++i)
    codes[i] = marks[i - begin].code;
}

/// The canonical decomposition of `text`, marks in canonical order.
std::vector<uint32_t> decomposed(std::string_view text) {
  std::vector<uint32_t> codes;
  codes.reserve(text.size());
  for (const char *p = text.data(), *end = p + text.size(); p < end;) {
    Char c = decodeUtf8(p, end);
    decompose(c.code, codes);
    p += c.size;
  }
  for (size_t i = 0; i < codes.size();) {
    size_t j = i + 1;
    if (combiningClass(codes[i])) {
      while (j < codes.size() && combiningClass(codes[j]))
        ++j;
      sortMarks(codes, i, j);
    }
    i = j;
  }
  return codes;
}

/// Composes in place (Unicode Standard, D117).
void recompose(std::vector<uint32_t> &codes) {
  size_t out = 0, starter = SIZE_MAX;
  uint32_t lastClass = 0;
  for (uint32_t code : codes) {
    uint32_t cls = combiningClass(code);
    if (starter != SIZE_MAX && (out == starter + 1 || (lastClass && lastClass < cls)))
      if (uint32_t c = compose(codes[starter], code)) {
        codes[starter] = c;
        continue;
      }
    if (cls == 0)
      starter = out;
    lastClass = cls;
    codes[out++] = code;
  }
  codes.resize(out);
}

std::string encoded(const std::vector<uint32_t> &codes) {
  std::string out;
  out.reserve(codes.size());
  for (uint32_t c : codes)
    appendUtf8(c, out);
  return out;
}

/// True when every character is below U+0300, whose texts are in NFC.
bool isPlain(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<uint8_t>(c) < 0xCC; });
}

} // namespace

Char decodeUtf8(const char *p, const char *end) {
  auto b = [&](int i) { return static_cast<uint8_t>(p[i]); };
  uint32_t lead = b(0);
  if (lead < 0x80)
    return {lead, 1};
  unsigned size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || end - p < size)
    return {kInvalid + lead, 1};
  uint32_t code = lead & (0x7f >> size);
  for (unsigned i = 1; i < size; ++i) {
    if (!isContinuation(p[i]))
      return {kInvalid + lead, 1};
    code = code << 6 | (b(i) & 0x3f);
  }
  bool overlong = code < (size == 4 ? 0x10000u : size == 3 ? 0x800u : 0x80u);
  if (overlong || code >= kInvalid || (code >= 0xD800 && code < 0xE000))
    return {kInvalid + lead, 1};
  return {code, size};
}

void appendUtf8(uint32_t code, std::string &out) {
  if (code >= kInvalid) {
    out += static_cast<char>(code - kInvalid);
  } else if (code < 0x80) {
    out += static_cast<char>(code);
  } else {
    unsigned extra = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    out += static_cast<char>(0xFF << (7 - extra) | code >> (6 * extra));
    while (extra--)
      out += static_cast<char>(0x80 | (code >> (6 * extra) & 0x3f));
  }
}

CharClass charClass(uint32_t code) {
  if (code < 128)
    return static_cast<CharClass>(kAsciiClasses[code]);
  if (code >= kInvalid)
    return CharClass::Other;
  const uint32_t *it = std::upper_bound(std::begin(kClasses), std::end(kClasses), code << 4 | 15);
  return static_cast<CharClass>(it[-1] & 15);
}

uint32_t toLower(uint32_t code) {
  if (code < 128)
    return code >= 'A' && code <= 'Z' ? code + 32 : code;
  if (code >= kInvalid)
    return code;
  size_t low = 0, high = std::size(kLower) / 2;
  while (low < high) { // the first run that starts after `code`
    size_t mid = (low + high) / 2;
    if (kLower[2 * mid] >> 11 <= code)
      low = mid + 1;
    else
      high = mid;
  }
  if (low == 0)
    return code;
  uint32_t run = kLower[2 * low - 2], length = run >> 1 & 0x3ff, step = (run & 1) + 1;
  uint32_t distance = code - (run >> 11);
  if (distance % step || distance / step >= length)
    return code;
  return code + kLower[2 * low - 1];
}

uint32_t toUpper(uint32_t code) {
  if (code < 128)
    return code >= 'a' && code <= 'z' ? code - 32 : code;
  if (code == 0xB5 || code == 0x17F || code >= kInvalid)
    return code == 0xB5 ? 0x39C : code == 0x17F ? 'S' : code;
  for (size_t i = 0; i < std::size(kLower); i += 2) {
    uint32_t upper = code - kLower[i + 1];
    uint32_t first = kLower[i] >> 11, length = kLower[i] >> 1 & 0x3ff;
    uint32_t last = first + (length - 1) * ((kLower[i] & 1) + 1);
    if (upper >= first && upper <= last && toLower(upper) == code &&
        charClass(code) != CharClass::Upper)
      return upper;
  }
  return code;
}

std::string toNfc(std::string_view text) {
  if (isPlain(text))
    return std::string(text);
  std::vector<uint32_t> codes = decomposed(text);
  recompose(codes);
  return encoded(codes);
}

std::string toNfd(std::string_view text) { return encoded(decomposed(text)); }

size_t completePrefix(std::string_view text) {
  size_t n = text.size();
  for (size_t back = 1; back <= 3 && back <= n; ++back) {
    uint8_t c = static_cast<uint8_t>(text[n - back]);
    if ((c & 0xC0) == 0x80)
      continue;
    size_t need = c >= 0xF5 ? 1 : c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC2 ? 2 : 1;
    return need > back ? n - back : n;
  }
  return n;
}

} // namespace qcc::text
