//===- TokenizerBlob.h - The tokenizer of an artifact, as bytes -----------===//
//
// The layout of the blob that frontends/Tokenizer writes and
// runtime/text/Tokenizer reads in place: nothing is parsed or built when a
// program starts, so the first token does not wait for the vocabulary.
// Little-endian; every section is given by its byte offset from the blob's
// start and its element count.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_RUNTIME_TEXT_TOKENIZERBLOB_H
#define QCC_RUNTIME_TEXT_TOKENIZERBLOB_H

#include <cstdint>

namespace qcc::text {

constexpr char kBlobMagic[8] = {'Q', 'C', 'C', 'T', 'O', 'K', '0', '1'};
constexpr uint32_t kBlobVersion = 1;
constexpr uint32_t kMaxTokens = 1u << 24;
constexpr unsigned kMaxSteps = 8;

/// How a pre-token becomes tokens.
enum class Model : uint32_t {
  ByteBpe = 0,   ///< starts from bytes, merges by rank
  CharBpe = 1,   ///< starts from characters, merges by rank
  ScoreBpe = 2,  ///< starts from characters, merges into the token of best score
  WordPiece = 3, ///< longest match first
};

/// A step that splits text into pre-tokens; each step splits the pieces of the
/// one before. The letters name the patterns of Hugging Face's tokenizer.json
/// files.
enum class Split : uint8_t {
  None = 0,
  Digits,    ///< every \p{N} by itself
  DigitRuns, ///< runs of \p{N}
  Digits3,   ///< \p{N}{1,3}
  Gpt2,      ///< G
  Llama3,    ///< L3
  Qwen2,     ///< Q2
  Qwen35,    ///< Q2 with marks among the letters
  O200k,     ///< GPT-4o, Llama 4
  Tekken,    ///< Mistral Nemo
  MetaSpace, ///< a piece starts at every U+2581
  Bert,      ///< white space dropped, every punctuation character by itself
};

/// What is put in front of a piece of text, and when.
enum class Prepend : uint32_t {
  Never = 0,
  Always,      ///< U+2581 before every piece, even when it has one (normalizer
               ///< Prepend)
  MetaAlways,  ///< unless it starts with one (Metaspace)
  MetaFirst,   ///< the same, only at the start of the whole text
  SpaceAlways, ///< a space unless it starts with white space (ByteLevel
               ///< add_prefix_space)
};

enum BlobFlags : uint32_t {
  kNfc = 1,            ///< normalize to NFC
  kEscapeSpaces = 2,   ///< " " becomes U+2581 in the text, and back when decoding
  kByteFallback = 4,   ///< unknown characters become the tokens <0xHH>
  kFuseUnk = 8,        ///< neighbouring unknown characters give one unknown token
  kIgnoreMerges = 16,  ///< a pre-token that is a token is not split
  kStripFirst = 32,    ///< decoding drops one leading space
  kBertNormalize = 64, ///< clean text, CJK by itself
  kLowercase = 128,    ///< lower case (kBertNormalize)
  kStripAccents = 256, ///< NFD without Mn (kBertNormalize)
  kMetaspace = 512,    ///< spaces are escaped after added tokens are found, not before
};

enum TokenFlags : uint8_t {
  kTokenSpecial = 1,  ///< control token: not text
  kTokenByte = 2,     ///< stands for one raw byte, which is its text
  kTokenAdded = 4,    ///< matched in the text before anything else
  kTokenVerbatim = 8, ///< its text is not escaped (added tokens)
};

enum AddedFlags : uint32_t {
  kAddedSpecial = 1,
  kAddedSingleWord = 2,
  kAddedLstrip = 4,
  kAddedRstrip = 8,
  kAddedNormalized = 16, ///< matched after normalization
};

struct Section {
  uint64_t offset; ///< bytes from the blob's start; a multiple of 4
  uint64_t count;  ///< elements
};

/// Two neighbouring tokens that merge. An empty slot has left == kEmptySlot.
struct Merge {
  uint32_t left, right; ///< ids
  uint32_t rank;        ///< lower merges first
  uint32_t merged;      ///< id of the result
};
constexpr uint32_t kEmptySlot = 0xffffffff;

/// A string looked for in the text before the model sees it; sorted by its
/// bytes.
struct Added {
  uint32_t begin, size; ///< in the section addedBytes
  uint32_t id;
  uint32_t flags; ///< AddedFlags
};

struct BlobHeader {
  char magic[8];
  uint32_t version;
  uint32_t headerBytes;
  uint64_t blobBytes;
  Model model;
  uint32_t flags; ///< BlobFlags
  Prepend prepend;
  uint32_t maxTokenBytes;
  int32_t bos, eos, unk, pad; ///< -1: none
  Split steps[kMaxSteps];
  Section tokenOffsets;    ///< u32[tokens + 1], into tokenBytes
  Section tokenBytes;      ///< u8
  Section tokenFlags;      ///< u8[tokens]
  Section tokenRanks;      ///< u32[tokens]; ScoreBpe only
  Section lookup;          ///< u32[]: hash table of token ids by bytes; kEmptySlot
  Section merges;          ///< Merge[]: hash table by (left, right)
  Section byteIds;         ///< i32[256]: token of a byte, or -1
  Section added;           ///< Added[], matched on the raw text
  Section addedNormalized; ///< Added[], matched on the normalized text
  Section addedBytes;      ///< u8
  Section prefixIds;       ///< i32[]: put before the text when special tokens are
                           ///< asked for
  Section suffixIds;       ///< i32[]
  Section stopIds;         ///< i32[]: tokens that end a generation
};

/// Hash of a token's bytes (FNV-1a, finished by a multiply); slot = hash *
/// slots >> 32.
inline uint32_t hashBytes(const char *p, uint64_t n) {
  uint32_t h = 2166136261u;
  for (uint64_t i = 0; i < n; ++i)
    h = (h ^ static_cast<uint8_t>(p[i])) * 16777619u;
  return (h ^ (h >> 15)) * 2654435769u;
}

/// Hash of a pair of ids; slot = hash * slots >> 32.
inline uint32_t hashPair(uint32_t left, uint32_t right) {
  uint64_t h = (uint64_t(left) << 32 | right) * 0x9e3779b97f4a7c15ull;
  return static_cast<uint32_t>((h ^ (h >> 29)) * 0xbf58476d1ce4e5b9ull >> 32);
}

inline uint64_t hashSlot(uint32_t hash, uint64_t slots) { return hash * slots >> 32; }

} // namespace qcc::text

#endif // QCC_RUNTIME_TEXT_TOKENIZERBLOB_H
