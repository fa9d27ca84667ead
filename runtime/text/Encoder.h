//===- Encoder.h - One run of a tokenizer ---------------------------------===//
//
// The steps from text to ids, in the order of Hugging Face's tokenizers: added
// tokens of the raw text, normalization, added tokens of the normalized text,
// pre-tokens, model. Holds the scratch memory of one call of Tokenizer::encode.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_RUNTIME_TEXT_ENCODER_H
#define QCC_RUNTIME_TEXT_ENCODER_H

#include "runtime/text/Tokenizer.h"

namespace qcc::text {

/// `text` as the normalizer that `flags` and `prepend` describe leaves it.
std::string normalize(uint32_t flags, Prepend prepend, std::string_view text);

class Encoder {
public:
  Encoder(const Tokenizer &tokenizer, bool parseSpecial, std::vector<int32_t> &ids)
      : t(tokenizer), h(*tokenizer.header), parseSpecial(parseSpecial), ids(ids) {}

  void encode(std::string_view text);

private:
  struct Symbol {
    const char *text;
    uint32_t size; ///< bytes; 0: merged into the one before
    int32_t id;    ///< -1: no token
    int32_t prev, next;
  };
  /// A possible merge; ordered by rank, then from left to right.
  struct Candidate {
    uint64_t key; ///< rank << 32 | index of the left symbol
    uint32_t size;
    int32_t merged;
    bool operator<(const Candidate &o) const { return key > o.key; } // for a min-heap
  };

  template <typename F> void splitAdded(const Section &table, std::string_view text, F piece);
  const Added *matchAdded(const Section &table, std::string_view text) const;
  std::string_view addedText(const Added &) const;

  void normalizePiece(std::string_view text, bool first);
  void preTokenize(std::string_view text, bool first);
  void split(std::string_view text, unsigned step);
  void preToken(std::string_view text);

  void seedBytes(std::string_view text);
  void seedChars(std::string_view text);
  void addSymbol(const char *text, uint32_t size, int32_t id);
  void mergeSymbols();
  void tryMerge(int32_t left);
  bool findMerge(const Symbol &left, const Symbol &right, uint32_t &rank, int32_t &merged) const;
  void emitSymbols();
  void wordPiece(std::string_view text);

  const Tokenizer &t;
  const BlobHeader &h;
  bool parseSpecial;
  std::vector<int32_t> &ids;
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
};

} // namespace qcc::text

#endif // QCC_RUNTIME_TEXT_ENCODER_H
