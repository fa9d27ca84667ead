//===- Tokenizer.cpp - Text to token ids and back -------------------------===//
//
// Opening the blob, looking tokens up in it, and decoding. Encoding is
// Encoder.cpp's.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/Tokenizer.h"

#include "runtime/text/Encoder.h"
#include "runtime/text/Unicode.h"

#include <algorithm>
#include <cstring>

namespace qcc::text {
namespace {

constexpr const char *kMetaSpace = "\xE2\x96\x81";
constexpr const char *kReplacement = "\xEF\xBF\xBD";

bool fits(const Section &s, size_t elementBytes, size_t blobBytes) {
  return s.offset % 4 == 0 && s.offset <= blobBytes &&
         s.count <= (blobBytes - s.offset) / elementBytes;
}

/// Empty, or the name of a section that does not lie in the blob.
const char *badSection(const BlobHeader &h, size_t size) {
  const struct {
    const Section &section;
    size_t elementBytes;
    const char *name;
  } sections[] = {
      {h.tokenOffsets, 4, "token offsets"},
      {h.tokenBytes, 1, "token texts"},
      {h.tokenFlags, 1, "token flags"},
      {h.tokenRanks, 4, "token ranks"},
      {h.lookup, 4, "lookup table"},
      {h.merges, sizeof(Merge), "merge table"},
      {h.byteIds, 4, "byte tokens"},
      {h.added, sizeof(Added), "added tokens"},
      {h.addedNormalized, sizeof(Added), "normalized added tokens"},
      {h.addedBytes, 1, "added texts"},
      {h.prefixIds, 4, "prefix"},
      {h.suffixIds, 4, "suffix"},
      {h.stopIds, 4, "stop tokens"},
  };
  for (auto &s : sections)
    if (!fits(s.section, s.elementBytes, size))
      return s.name;
  return nullptr;
}

} // namespace

std::string Tokenizer::open(const void *data, size_t size) {
  const auto *h = static_cast<const BlobHeader *>(data);
  if (size < sizeof(BlobHeader) || std::memcmp(h->magic, kBlobMagic, sizeof kBlobMagic))
    return "the tokenizer is not one of this program's";
  if (reinterpret_cast<uintptr_t>(data) % 8)
    return "the tokenizer is not aligned to 8 bytes";
  if (h->version != kBlobVersion || h->headerBytes != sizeof(BlobHeader))
    return "the tokenizer is of another version";
  if (h->blobBytes != size)
    return "the tokenizer is cut off";
  if (const char *name = badSection(*h, size))
    return std::string("the tokenizer is damaged: ") + name;
  uint64_t tokens = h->tokenFlags.count;
  bool scored = h->model == Model::ScoreBpe;
  if (tokens == 0 || tokens > kMaxTokens || h->tokenOffsets.count != tokens + 1 ||
      h->byteIds.count != 256 || (scored && h->tokenRanks.count != tokens) ||
      h->model > Model::WordPiece || h->lookup.count > UINT32_MAX || h->merges.count > UINT32_MAX)
    return "the tokenizer is damaged: its sections disagree";
  for (const Section *s : {&h->byteIds, &h->prefixIds, &h->suffixIds, &h->stopIds}) {
    const auto *ids =
        reinterpret_cast<const int32_t *>(static_cast<const char *>(data) + s->offset);
    for (uint64_t i = 0; i < s->count; ++i)
      if (ids[i] < -1 || ids[i] >= static_cast<int64_t>(tokens))
        return "the tokenizer is damaged: token ids";
  }
  for (Split step : h->steps)
    if (step > Split::Bert)
      return "the tokenizer is damaged: pre-tokenizer";
  base = static_cast<const char *>(data);
  header = h;
  numTokens = static_cast<uint32_t>(tokens);
  return "";
}

std::string_view Tokenizer::tokenText(uint32_t id) const {
  if (id >= numTokens)
    return {};
  const uint32_t *offsets = at<uint32_t>(header->tokenOffsets);
  uint32_t begin = offsets[id], end = offsets[id + 1];
  if (begin > end || end > header->tokenBytes.count)
    return {};
  return {at<char>(header->tokenBytes) + begin, end - begin};
}

int32_t Tokenizer::lookup(std::string_view text) const {
  uint64_t slots = header->lookup.count;
  if (slots == 0 || text.empty() || text.size() > header->maxTokenBytes)
    return -1;
  const uint32_t *table = at<uint32_t>(header->lookup);
  uint64_t i = hashSlot(hashBytes(text.data(), text.size()), slots);
  for (uint64_t n = 0; n < slots && table[i] != kEmptySlot; ++n) {
    if (tokenText(table[i]) == text)
      return static_cast<int32_t>(table[i]);
    if (++i == slots)
      i = 0;
  }
  return -1;
}

int32_t Tokenizer::find(std::string_view text) const {
  for (const Section *table : {&header->added, &header->addedNormalized})
    for (uint64_t i = 0; i < table->count; ++i) {
      uint32_t id = at<Added>(*table)[i].id;
      if (tokenText(id) == text)
        return static_cast<int32_t>(id);
    }
  return lookup(text);
}

bool Tokenizer::isStop(int32_t id) const {
  const int32_t *ids = at<int32_t>(header->stopIds);
  return std::find(ids, ids + header->stopIds.count, id) != ids + header->stopIds.count;
}

bool Tokenizer::isSpecial(int32_t id) const {
  return id >= 0 && (flagsOf(static_cast<uint32_t>(id)) & kTokenSpecial);
}

void Tokenizer::appendToken(int32_t id, bool withSpecial, std::string &out) const {
  if (id < 0 || static_cast<uint32_t>(id) >= numTokens)
    return;
  uint8_t flags = flagsOf(static_cast<uint32_t>(id));
  if ((flags & kTokenSpecial) && !withSpecial)
    return;
  std::string_view text = tokenText(static_cast<uint32_t>(id));
  bool escaped = (header->flags & kEscapeSpaces) && !(flags & (kTokenByte | kTokenVerbatim));
  if (header->model == Model::WordPiece && !(flags & kTokenVerbatim)) {
    if (text.substr(0, 2) == "##")
      text.remove_prefix(2);
    else if (!out.empty())
      out += ' ';
  }
  while (escaped) {
    size_t space = text.find(kMetaSpace);
    if (space == std::string_view::npos)
      break;
    out.append(text.substr(0, space));
    out += ' ';
    text.remove_prefix(space + 3);
  }
  out.append(text);
}

std::string Tokenizer::decode(const int32_t *ids, size_t count, bool withSpecial) const {
  std::string out;
  for (size_t i = 0; i < count; ++i)
    appendToken(ids[i], withSpecial, out);
  if (stripsFirstSpace() && !out.empty() && out[0] == ' ')
    out.erase(0, 1);
  return out;
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, bool addSpecial,
                                       bool parseSpecial) const {
  std::vector<int32_t> ids;
  auto append = [&](const Section &s) {
    if (addSpecial)
      ids.insert(ids.end(), at<int32_t>(s), at<int32_t>(s) + s.count);
  };
  append(header->prefixIds);
  Encoder(*this, parseSpecial, ids).encode(text);
  append(header->suffixIds);
  return ids;
}

std::string StreamDecoder::push(int32_t id) {
  tokenizer.appendToken(id, withSpecial, held);
  if (held.empty())
    return "";
  if (first && tokenizer.stripsFirstSpace() && held[0] == ' ')
    held.erase(0, 1);
  first = false;
  std::string rest = held.substr(completePrefix(held));
  held.resize(held.size() - rest.size());
  std::string out = finish();
  held = std::move(rest);
  return out;
}

std::string StreamDecoder::finish() {
  std::string out;
  for (const char *p = held.data(), *end = p + held.size(); p < end;) {
    Char c = decodeUtf8(p, end);
    if (c.code >= kInvalid)
      out += kReplacement;
    else
      out.append(p, c.size);
    p += c.size;
  }
  held.clear();
  return out;
}

} // namespace qcc::text
