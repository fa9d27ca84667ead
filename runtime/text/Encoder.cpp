//===- Encoder.cpp - One run of a tokenizer -------------------------------===//
//
// Merging keeps candidates in a heap and symbols in a list, so that a pre-token
// of n bytes takes O(n log n), whatever the text.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/Encoder.h"

#include "runtime/text/PreTokenizer.h"
#include "runtime/text/Unicode.h"

#include <algorithm>

namespace qcc::text {
namespace {

constexpr std::string_view kMetaSpace = "\xE2\x96\x81";

bool startsWith(std::string_view s, std::string_view prefix) {
  return s.substr(0, prefix.size()) == prefix;
}

void escapeSpaces(std::string_view text, std::string &out) {
  for (char c : text)
    if (c == ' ')
      out += kMetaSpace;
    else
      out += c;
}

bool isWordChar(uint32_t code) {
  CharClass c = charClass(code);
  return isLetter(c) || isMark(c) || c == CharClass::Number || code == '_';
}

/// Where the last character of `s` starts; s is not empty.
size_t lastChar(std::string_view s) {
  size_t i = s.size() - 1;
  while (i > 0 && s.size() - i < 4 && (static_cast<uint8_t>(s[i]) & 0xC0) == 0x80)
    --i;
  return i;
}

bool endsWithWord(std::string_view s) {
  if (s.empty())
    return false;
  return isWordChar(decodeUtf8(s.data() + lastChar(s), s.data() + s.size()).code);
}

bool startsWithWord(std::string_view s) {
  return !s.empty() && isWordChar(decodeUtf8(s.data(), s.data() + s.size()).code);
}

size_t leadingSpace(std::string_view s) {
  size_t i = 0;
  while (i < s.size()) {
    Char c = decodeUtf8(s.data() + i, s.data() + s.size());
    if (charClass(c.code) != CharClass::Space)
      break;
    i += c.size;
  }
  return i;
}

size_t trailingSpace(std::string_view s) {
  size_t end = s.size();
  while (end > 0) {
    size_t i = lastChar(s.substr(0, end));
    Char c = decodeUtf8(s.data() + i, s.data() + end);
    if (i + c.size != end || charClass(c.code) != CharClass::Space)
      break;
    end = i;
  }
  return s.size() - end;
}

bool isChinese(uint32_t c) {
  constexpr uint32_t ranges[][2] = {{0x4E00, 0x9FFF},   {0x3400, 0x4DBF},   {0x20000, 0x2A6DF},
                                    {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F}, {0x2B920, 0x2CEAF},
                                    {0xF900, 0xFAFF},   {0x2F800, 0x2FA1F}};
  for (auto &r : ranges)
    if (c >= r[0] && c <= r[1])
      return true;
  return false;
}

/// BertNormalizer: clean_text, handle_chinese_chars, strip_accents, lowercase.
std::string bertNormalize(uint32_t flags, std::string_view text) {
  std::string out;
  for (const char *p = text.data(), *end = p + text.size(); p < end;) {
    Char c = decodeUtf8(p, end);
    p += c.size;
    CharClass cls = charClass(c.code);
    if (cls == CharClass::Space)
      out += ' ';
    else if (isChinese(c.code))
      appendUtf8(' ', out), appendUtf8(c.code, out), appendUtf8(' ', out);
    else if (cls != CharClass::Control && c.code != 0xFFFD && c.code != 0)
      appendUtf8(c.code, out);
  }
  if (flags & kStripAccents)
    out = toNfd(out);
  std::string result;
  for (const char *p = out.data(), *end = p + out.size(); p < end;) {
    Char c = decodeUtf8(p, end);
    p += c.size;
    if ((flags & kStripAccents) && charClass(c.code) == CharClass::NonSpacing)
      continue;
    appendUtf8(flags & kLowercase ? toLower(c.code) : c.code, result);
  }
  return result;
}

} // namespace

std::string normalize(uint32_t flags, Prepend prepend, std::string_view text) {
  std::string out;
  if (flags & kBertNormalize)
    out = bertNormalize(flags, text);
  else
    out = flags & kNfc ? toNfc(text) : std::string(text);
  if (!(flags & kEscapeSpaces) || (flags & kMetaspace))
    return out;
  std::string escaped;
  if (prepend == Prepend::Always && !out.empty())
    escaped = kMetaSpace;
  escapeSpaces(out, escaped);
  return escaped;
}

std::string_view Encoder::addedText(const Added &a) const {
  if (a.begin > h.addedBytes.count || a.size > h.addedBytes.count - a.begin)
    return {};
  return {t.at<char>(h.addedBytes) + a.begin, a.size};
}

/// The longest added token at the start of `text`: the sorted table is narrowed
/// byte by byte.
const Added *Encoder::matchAdded(const Section &table, std::string_view text) const {
  const Added *low = t.at<Added>(table), *high = low + table.count, *found = nullptr;
  for (size_t depth = 0; depth < text.size() && low < high; ++depth) {
    auto byteAt = [&](const Added &a) {
      std::string_view s = addedText(a);
      return depth < s.size() ? static_cast<uint8_t>(s[depth]) : -1;
    };
    int want = static_cast<uint8_t>(text[depth]);
    low = std::lower_bound(low, high, want, [&](const Added &a, int b) { return byteAt(a) < b; });
    high = std::upper_bound(low, high, want, [&](int b, const Added &a) { return b < byteAt(a); });
    if (low < high && addedText(*low).size() == depth + 1 &&
        (parseSpecial || !(low->flags & kAddedSpecial)))
      found = low;
  }
  return found;
}

/// Calls piece(text, first) for the text between added tokens and puts their
/// ids in between.
template <typename F>
void Encoder::splitAdded(const Section &table, std::string_view text, F piece) {
  size_t from = 0, i = 0;
  while (table.count && i < text.size()) {
    const Added *a = matchAdded(table, text.substr(i));
    if (!a) {
      ++i;
      continue;
    }
    size_t begin = i, stop = i + a->size;
    i = stop;
    if ((a->flags & kAddedSingleWord) &&
        (endsWithWord(text.substr(0, begin)) || startsWithWord(text.substr(stop))))
      continue;
    if (a->flags & kAddedLstrip)
      begin -= trailingSpace(text.substr(from, begin - from));
    if (a->flags & kAddedRstrip)
      stop += leadingSpace(text.substr(stop));
    if (begin > from)
      piece(text.substr(from, begin - from), from == 0);
    if (a->id < t.numTokens)
      ids.push_back(static_cast<int32_t>(a->id));
    from = i = stop;
  }
  if (from < text.size())
    piece(text.substr(from), from == 0);
}

void Encoder::encode(std::string_view text) {
  splitAdded(h.added, text,
             [&](std::string_view piece, bool first) { normalizePiece(piece, first); });
}

void Encoder::normalizePiece(std::string_view text, bool first) {
  std::string normalized;
  bool escapes = (h.flags & kEscapeSpaces) && !(h.flags & kMetaspace);
  if (escapes || (h.flags & (kNfc | kBertNormalize))) {
    normalized = normalize(h.flags, h.prepend, text);
    text = normalized;
  }
  splitAdded(h.addedNormalized, text, [&](std::string_view piece, bool pieceFirst) {
    preTokenize(piece, first && pieceFirst);
  });
}

void Encoder::preTokenize(std::string_view text, bool first) {
  std::string changed;
  if (h.flags & kMetaspace) {
    bool prepend = h.prepend == Prepend::MetaAlways || (h.prepend == Prepend::MetaFirst && first);
    if (prepend && text[0] != ' ' && !startsWith(text, kMetaSpace))
      changed = kMetaSpace;
    escapeSpaces(text, changed);
    text = changed;
  } else if (h.prepend == Prepend::SpaceAlways && text[0] != ' ') {
    changed = " ";
    changed.append(text);
    text = changed;
  }
  split(text, 0);
}

void Encoder::split(std::string_view text, unsigned step) {
  if (step == kMaxSteps || h.steps[step] == Split::None) {
    preToken(text);
    return;
  }
  while (!text.empty()) {
    size_t n = firstPiece(h.steps[step], text);
    split(text.substr(0, n), step + 1);
    text.remove_prefix(n);
  }
}

void Encoder::preToken(std::string_view text) {
  if (h.model == Model::WordPiece) {
    wordPiece(text);
    return;
  }
  if (h.flags & kIgnoreMerges)
    if (int32_t id = t.lookup(text); id >= 0) {
      ids.push_back(id);
      return;
    }
  symbols.clear();
  if (h.model == Model::ByteBpe)
    seedBytes(text);
  else
    seedChars(text);
  mergeSymbols();
  emitSymbols();
}

void Encoder::addSymbol(const char *text, uint32_t size, int32_t id) {
  int32_t index = static_cast<int32_t>(symbols.size());
  symbols.push_back({text, size, id, index - 1, index + 1});
}

void Encoder::seedBytes(std::string_view text) {
  const int32_t *byteIds = t.at<int32_t>(h.byteIds);
  for (const char &c : text) {
    int32_t id = byteIds[static_cast<uint8_t>(c)];
    if (id < 0)
      id = h.unk;
    if (id >= 0)
      addSymbol(&c, 1, id);
  }
}

void Encoder::seedChars(std::string_view text) {
  const int32_t *byteIds = t.at<int32_t>(h.byteIds);
  bool lastUnk = false;
  for (const char *p = text.data(), *end = p + text.size(); p < end;) {
    uint32_t size = decodeUtf8(p, end).size;
    int32_t id = t.lookup({p, size});
    bool unknown = false;
    if (id >= 0 || h.model == Model::ScoreBpe) {
      addSymbol(p, size, id); // what finds no token falls back after merging
    } else if ((h.flags & kByteFallback) && std::all_of(p, p + size, [&](char c) {
                 return byteIds[static_cast<uint8_t>(c)] >= 0;
               })) {
      for (uint32_t i = 0; i < size; ++i)
        addSymbol(p + i, 1, byteIds[static_cast<uint8_t>(p[i])]);
    } else {
      unknown = true;
      if (lastUnk && (h.flags & kFuseUnk) && h.unk >= 0)
        symbols.back().size += size;
      else if (h.unk >= 0)
        addSymbol(p, size, h.unk);
    }
    lastUnk = unknown;
    p += size;
  }
}

/// Whether two neighbours merge, at which rank and into which token.
bool Encoder::findMerge(const Symbol &left, const Symbol &right, uint32_t &rank,
                        int32_t &merged) const {
  if (h.model == Model::ScoreBpe) {
    merged = t.lookup({left.text, size_t(left.size) + right.size});
    if (merged < 0)
      return false;
    rank = t.at<uint32_t>(h.tokenRanks)[merged];
    return true;
  }
  uint64_t slots = h.merges.count;
  if (slots == 0)
    return false;
  const Merge *table = t.at<Merge>(h.merges);
  uint32_t l = static_cast<uint32_t>(left.id), r = static_cast<uint32_t>(right.id);
  uint64_t i = hashSlot(hashPair(l, r), slots);
  for (uint64_t n = 0; n < slots && table[i].left != kEmptySlot; ++n) {
    if (table[i].left == l && table[i].right == r) {
      rank = table[i].rank;
      merged = static_cast<int32_t>(table[i].merged);
      return table[i].merged < t.numTokens;
    }
    if (++i == slots)
      i = 0;
  }
  return false;
}

void Encoder::tryMerge(int32_t left) {
  if (left < 0)
    return;
  const Symbol &l = symbols[left];
  if (l.next >= static_cast<int32_t>(symbols.size()))
    return;
  const Symbol &r = symbols[l.next];
  uint32_t rank;
  int32_t merged;
  if (!findMerge(l, r, rank, merged))
    return;
  heap.push_back({uint64_t(rank) << 32 | static_cast<uint32_t>(left), l.size + r.size, merged});
  std::push_heap(heap.begin(), heap.end());
}

void Encoder::mergeSymbols() {
  heap.clear();
  int32_t count = static_cast<int32_t>(symbols.size());
  for (int32_t i = 0; i + 1 < count; ++i)
    tryMerge(i);
  while (!heap.empty()) {
    Candidate c = heap.front();
    std::pop_heap(heap.begin(), heap.end());
    heap.pop_back();
    int32_t left = static_cast<int32_t>(c.key & 0xffffffff);
    Symbol &l = symbols[left];
    // Symbols only grow: the same total size means the same two.
    if (l.size == 0 || l.next >= count || l.size + symbols[l.next].size != c.size)
      continue;
    Symbol &r = symbols[l.next];
    l.id = c.merged;
    l.size = c.size;
    l.next = r.next;
    r.size = 0;
    if (l.next < count)
      symbols[l.next].prev = left;
    tryMerge(l.prev);
    tryMerge(left);
  }
}

void Encoder::emitSymbols() {
  const int32_t *byteIds = t.at<int32_t>(h.byteIds);
  for (const Symbol &s : symbols) {
    if (s.size == 0)
      continue;
    if (s.id >= 0) {
      ids.push_back(s.id);
      continue;
    }
    for (uint32_t i = 0; i < s.size; ++i) {
      int32_t id = byteIds[static_cast<uint8_t>(s.text[i])];
      if (id < 0)
        id = h.unk;
      if (id >= 0)
        ids.push_back(id);
    }
  }
}

/// Longest match first; a word with a part that matches nothing is unknown as a
/// whole.
void Encoder::wordPiece(std::string_view text) {
  constexpr size_t maxChars = 100;
  if (leadingSpace(text))
    return;
  size_t chars = std::count_if(text.begin(), text.end(),
                               [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; });
  size_t start = ids.size(), from = 0;
  std::string piece;
  while (from < text.size() && chars <= maxChars) {
    size_t size = std::min<size_t>(text.size() - from, h.maxTokenBytes);
    int32_t id = -1;
    for (; size > 0; --size) {
      piece = from ? "##" : "";
      piece.append(text.substr(from, size));
      if ((id = t.lookup(piece)) >= 0)
        break;
    }
    if (id < 0)
      break;
    ids.push_back(id);
    from += size;
  }
  if (from < text.size()) {
    ids.resize(start);
    if (h.unk >= 0)
      ids.push_back(h.unk);
  }
}

} // namespace qcc::text
