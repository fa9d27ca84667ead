//===- ByteLevel.cpp - The byte alphabet of GPT-2 -------------------------===//
//
// Bytes that print stand for themselves; the other 68 follow from U+0100, in
// order.
//
//===----------------------------------------------------------------------===//
#include "frontends/Tokenizer/ByteLevel.h"

#include "frontends/Common/Error.h"
#include "runtime/text/Unicode.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"

#include <array>

using namespace qcc;
using llvm::Error;
using llvm::StringMap;
using llvm::StringRef;
using llvm::Twine;

namespace {

bool printsAsItself(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

/// Byte of each character below U+0144, or -1.
const std::array<int, 0x144> &byteOfChar() {
  static const std::array<int, 0x144> table = [] {
    std::array<int, 0x144> t;
    t.fill(-1);
    unsigned next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte)
      t[printsAsItself(byte) ? byte : next++] = byte;
    return t;
  }();
  return table;
}

} // namespace

std::optional<std::string> qcc::bytesOfByteLevel(StringRef text) {
  std::string out;
  for (const char *p = text.begin(); p < text.end();) {
    text::Char c = text::decodeUtf8(p, text.end());
    if (c.code >= byteOfChar().size() || byteOfChar()[c.code] < 0)
      return std::nullopt;
    out += static_cast<char>(byteOfChar()[c.code]);
    p += c.size;
  }
  return out;
}

int qcc::byteOfToken(StringRef text) {
  unsigned value;
  if (text.size() != 6 || !text.consume_front("<0x") || !text.consume_back(">") ||
      text.getAsInteger(16, value) || llvm::utohexstr(value, false, 2) != text)
    return -1;
  return static_cast<int>(value);
}

Error qcc::addMerge(TokenizerSpec &spec, const StringMap<uint32_t> &ids, StringRef left,
                    StringRef right, size_t index) {
  auto l = ids.find(left), r = ids.find(right), m = ids.find((left + right).str());
  for (auto &[it, text] :
       {std::pair(l, left.str()), std::pair(r, right.str()), std::pair(m, (left + right).str())})
    if (it == ids.end())
      return badModel(spec.source, "merge " + Twine(index),
                      "'" + text + "' is not in the vocabulary");
  spec.merges.push_back({l->second, r->second, m->second});
  return Error::success();
}

Error qcc::addMerge(TokenizerSpec &spec, const StringMap<uint32_t> &ids, StringRef rule,
                    size_t index) {
  auto [left, right] = rule.split(' ');
  if (left.empty() || right.empty() || right.contains(' '))
    return badModel(spec.source, "merge " + Twine(index),
                    "'" + rule + "' is not two tokens with a space between them");
  return addMerge(spec, ids, left, right, index);
}

void qcc::findByteTokens(TokenizerSpec &spec, const StringMap<uint32_t> &ids) {
  spec.byteIds.assign(256, -1);
  if (spec.model == text::Model::ByteBpe) {
    for (size_t id = 0; id < spec.tokens.size(); ++id)
      if (spec.matchable[id] && spec.tokens[id].size() == 1)
        spec.byteIds[static_cast<uint8_t>(spec.tokens[id][0])] = static_cast<int32_t>(id);
    return;
  }
  for (auto &entry : ids)
    if (int byte = byteOfToken(entry.first()); byte >= 0)
      spec.byteIds[byte] = static_cast<int32_t>(entry.second);
}
