//===- TokenizerBlobWriter.cpp - A tokenizer as a blob --------------------===//
//
// Checks a TokenizerSpec and lays it out: hash tables of tokens by text and of
// merges by pair, sorted added tokens, and the small tables beside them.
//
//===----------------------------------------------------------------------===//
#include "frontends/Common/Error.h"
#include "frontends/Tokenizer/TokenizerBuilder.h"
#include "runtime/text/Encoder.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

using namespace qcc;
using namespace qcc::text;
using llvm::Error;
using llvm::Twine;

namespace {

/// Longest text of a token or added token. Hashing a candidate takes time in
/// proportion.
constexpr size_t kMaxTokenBytes = 1 << 16;

class Writer {
public:
  Writer() : bytes(sizeof(BlobHeader)) {}

  template <typename T> Section put(const std::vector<T> &values) {
    bytes.resize((bytes.size() + 7) & ~size_t(7));
    Section s{bytes.size(), values.size()};
    const auto *p = reinterpret_cast<const uint8_t *>(values.data());
    bytes.insert(bytes.end(), p, p + values.size() * sizeof(T));
    return s;
  }

  std::vector<uint8_t> bytes;
};

Error checkId(const TokenizerSpec &spec, int64_t id, const Twine &what) {
  if (id >= 0 && id < static_cast<int64_t>(spec.tokens.size()))
    return Error::success();
  return badModel(spec.source, what,
                  "id " + Twine(id) + " is not below the number of tokens, " +
                      Twine(spec.tokens.size()));
}

Error checkTexts(const TokenizerSpec &spec) {
  size_t n = spec.tokens.size(), total = 0;
  if (n == 0 || n > kMaxTokens)
    return badModel(spec.source, "vocabulary", Twine(n) + " tokens; 1 to 2^24 are possible");
  if (spec.tokenFlags.size() != n || spec.matchable.size() != n ||
      (spec.model == Model::ScoreBpe && spec.scores.size() != n))
    return badModel(spec.source, "vocabulary",
                    "its lists of texts, types and scores differ in length");
  for (size_t i = 0; i < n; ++i) {
    if (spec.tokens[i].size() > kMaxTokenBytes)
      return badModel(spec.source, "token " + Twine(i), "its text is longer than 65536 bytes");
    total += spec.tokens[i].size();
  }
  if (total > UINT32_MAX)
    return badModel(spec.source, "vocabulary", "its texts are longer than 4 GiB");
  for (size_t i = 0; i < spec.scores.size(); ++i)
    if (std::isnan(spec.scores[i]))
      return badModel(spec.source, "token " + Twine(i), "its score is not a number");
  return Error::success();
}

Error checkIds(const TokenizerSpec &spec) {
  for (const auto &[i, m] : llvm::enumerate(spec.merges))
    for (uint32_t id : {m.left, m.right, m.merged})
      if (Error e = checkId(spec, id, "merge " + Twine(i)))
        return e;
  for (const auto &a : spec.added) {
    if (Error e = checkId(spec, a.id, "added token '" + a.text + "'"))
      return e;
    if (a.text.empty() || a.text.size() > kMaxTokenBytes)
      return badModel(spec.source, "added token of id " + Twine(a.id),
                      "its text is empty or longer than 65536 bytes");
  }
  const std::pair<const std::vector<int32_t> *, const char *> lists[] = {
      {&spec.prefix, "post-processor"},
      {&spec.suffix, "post-processor"},
      {&spec.stops, "end-of-text token"}};
  for (auto [ids, what] : lists)
    for (int32_t id : *ids)
      if (Error e = checkId(spec, id, what))
        return e;
  const std::pair<int32_t, const char *> single[] = {{spec.bos, "bos_token"},
                                                     {spec.eos, "eos_token"},
                                                     {spec.unk, "unk_token"},
                                                     {spec.pad, "pad_token"}};
  for (auto [id, what] : single)
    if (id != -1)
      if (Error e = checkId(spec, id, what))
        return e;
  for (int32_t id : spec.byteIds)
    if (id != -1)
      if (Error e = checkId(spec, id, "byte tokens"))
        return e;
  if (spec.steps.size() > kMaxSteps)
    return unsupported(spec.source, "a pre-tokenizer of more than 8 steps");
  return Error::success();
}

std::vector<uint32_t> lookupTable(const TokenizerSpec &spec) {
  uint64_t count = llvm::count(spec.matchable, true);
  std::vector<uint32_t> table(count ? 2 * count + 1 : 0, kEmptySlot);
  for (size_t id = 0; id < spec.tokens.size(); ++id) {
    const std::string &text = spec.tokens[id];
    if (!spec.matchable[id] || text.empty())
      continue;
    uint64_t slot = hashSlot(hashBytes(text.data(), text.size()), table.size());
    while (table[slot] != kEmptySlot && spec.tokens[table[slot]] != text)
      slot = (slot + 1) % table.size();
    table[slot] = static_cast<uint32_t>(id);
  }
  return table;
}

std::vector<Merge> mergeTable(const TokenizerSpec &spec) {
  uint64_t count = spec.merges.size();
  std::vector<Merge> table(count ? count + count / 2 + 1 : 0, Merge{kEmptySlot, 0, 0, 0});
  for (const auto &[rank, m] : llvm::enumerate(spec.merges)) {
    uint64_t slot = hashSlot(hashPair(m.left, m.right), table.size());
    while (table[slot].left != kEmptySlot &&
           (table[slot].left != m.left || table[slot].right != m.right))
      slot = (slot + 1) % table.size();
    table[slot] = {m.left, m.right, static_cast<uint32_t>(rank), m.merged};
  }
  return table;
}

/// Ranks by falling score; equal scores have equal ranks, so that the leftmost
/// merges first.
std::vector<uint32_t> ranksOfScores(const std::vector<float> &scores) {
  std::vector<float> distinct(scores);
  llvm::sort(distinct, std::greater<float>());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  std::vector<uint32_t> ranks;
  for (float s : scores)
    ranks.push_back(static_cast<uint32_t>(
        std::lower_bound(distinct.begin(), distinct.end(), s, std::greater<float>()) -
        distinct.begin()));
  return ranks;
}

/// Added tokens sorted by what is looked for; texts are appended to `texts`.
std::vector<Added> addedTable(const TokenizerSpec &spec, bool normalized,
                              std::vector<char> &texts) {
  std::map<std::string, const TokenizerSpec::AddedToken *> sorted;
  for (const auto &a : spec.added)
    if (a.normalized == normalized) {
      std::string text = a.text;
      if (normalized)
        text = text::normalize(spec.flags, spec.prepend, text);
      if (!text.empty())
        sorted[text] = &a;
    }
  std::vector<Added> table;
  for (const auto &[text, a] : sorted) {
    uint32_t flags = (a->special ? kAddedSpecial : 0) | (a->singleWord ? kAddedSingleWord : 0) |
                     (a->lstrip ? kAddedLstrip : 0) | (a->rstrip ? kAddedRstrip : 0) |
                     (normalized ? kAddedNormalized : 0);
    table.push_back({static_cast<uint32_t>(texts.size()), static_cast<uint32_t>(text.size()),
                     static_cast<uint32_t>(a->id), flags});
    texts.insert(texts.end(), text.begin(), text.end());
  }
  return table;
}

} // namespace

llvm::Expected<std::vector<uint8_t>> qcc::buildTokenizer(const TokenizerSpec &spec) {
  if (Error e = checkTexts(spec))
    return std::move(e);
  if (Error e = checkIds(spec))
    return std::move(e);

  Writer out;
  BlobHeader h = {};
  std::memcpy(h.magic, kBlobMagic, sizeof h.magic);
  h.version = kBlobVersion;
  h.headerBytes = sizeof h;
  h.model = spec.model;
  h.flags = spec.flags;
  h.prepend = spec.prepend;
  h.bos = spec.bos;
  h.eos = spec.eos;
  h.unk = spec.unk;
  h.pad = spec.pad;
  llvm::copy(spec.steps, h.steps);

  std::vector<uint32_t> offsets{0};
  std::vector<char> texts;
  for (size_t id = 0; id < spec.tokens.size(); ++id) {
    const std::string &t = spec.tokens[id];
    texts.insert(texts.end(), t.begin(), t.end());
    offsets.push_back(static_cast<uint32_t>(texts.size()));
    if (spec.matchable[id])
      h.maxTokenBytes = std::max<uint32_t>(h.maxTokenBytes, t.size());
  }
  h.tokenOffsets = out.put(offsets);
  h.tokenBytes = out.put(texts);
  h.tokenFlags = out.put(spec.tokenFlags);
  if (spec.model == Model::ScoreBpe)
    h.tokenRanks = out.put(ranksOfScores(spec.scores));
  h.lookup = out.put(lookupTable(spec));
  h.merges = out.put(mergeTable(spec));
  std::vector<int32_t> byteIds = spec.byteIds;
  byteIds.resize(256, -1);
  h.byteIds = out.put(byteIds);
  std::vector<char> addedTexts;
  h.added = out.put(addedTable(spec, false, addedTexts));
  h.addedNormalized = out.put(addedTable(spec, true, addedTexts));
  h.addedBytes = out.put(addedTexts);
  h.prefixIds = out.put(spec.prefix);
  h.suffixIds = out.put(spec.suffix);
  h.stopIds = out.put(spec.stops);
  h.blobBytes = out.bytes.size();
  std::memcpy(out.bytes.data(), &h, sizeof h);
  return std::move(out.bytes);
}
