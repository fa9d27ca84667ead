//===- Tokenizer.h - Text to token ids and back ---------------------------===//
//
// Runs the tokenizer of an artifact from its blob, in place. Holds no copy of
// the vocabulary and never allocates in proportion to it; all methods are const
// and may be called from several threads at once.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_RUNTIME_TEXT_TOKENIZER_H
#define QCC_RUNTIME_TEXT_TOKENIZER_H

#include "runtime/text/TokenizerBlob.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace qcc::text {

class Tokenizer {
public:
  /// Uses the blob at `data` (8-byte aligned), which must outlive the
  /// tokenizer. Returns an empty string, or what is wrong with the blob. Takes
  /// constant time: offsets inside the sections are checked when they are
  /// followed.
  std::string open(const void *data, size_t size);

  /// Token ids of `text`. `addSpecial` adds the model's own begin (and end)
  /// tokens; `parseSpecial` recognizes special tokens written in the text,
  /// which otherwise are text like any other. Bytes that are not UTF-8 are
  /// taken one at a time as unknown characters.
  std::vector<int32_t> encode(std::string_view text, bool addSpecial, bool parseSpecial) const;

  /// The bytes of `ids`; unknown ids give nothing. Special tokens are left out
  /// unless `withSpecial`. The result may end inside a UTF-8 sequence: see
  /// StreamDecoder.
  std::string decode(const int32_t *ids, size_t count, bool withSpecial) const;
  std::string decode(const std::vector<int32_t> &ids, bool withSpecial) const {
    return decode(ids.data(), ids.size(), withSpecial);
  }

  /// Appends the bytes of one token as it reads inside a text.
  void appendToken(int32_t id, bool withSpecial, std::string &out) const;

  /// The id of the token, added or of the model, written `text`, or -1. Takes
  /// time in proportion to the number of added tokens.
  int32_t find(std::string_view text) const;

  int32_t size() const { return static_cast<int32_t>(numTokens); }
  int32_t bos() const { return header->bos; }
  int32_t eos() const { return header->eos; }
  int32_t pad() const { return header->pad; }
  /// True when `id` ends a generation (eos, end of turn, end of message).
  bool isStop(int32_t id) const;
  bool isSpecial(int32_t id) const;
  /// Decoding drops one leading space of the text (SentencePiece).
  bool stripsFirstSpace() const { return header->flags & kStripFirst; }

private:
  friend class Encoder;

  template <typename T> const T *at(const Section &s) const {
    return reinterpret_cast<const T *>(base + s.offset);
  }
  /// The token that the model may make of `text`, or -1.
  int32_t lookup(std::string_view text) const;
  std::string_view tokenText(uint32_t id) const;
  uint8_t flagsOf(uint32_t id) const {
    return id < numTokens ? at<uint8_t>(header->tokenFlags)[id] : 0;
  }

  const char *base = nullptr;
  const BlobHeader *header = nullptr;
  uint32_t numTokens = 0;
};

/// Turns a stream of tokens into a stream of valid UTF-8: an incomplete
/// sequence is held back until it is complete, an invalid byte becomes U+FFFD.
class StreamDecoder {
public:
  explicit StreamDecoder(const Tokenizer &tokenizer, bool withSpecial = false)
      : tokenizer(tokenizer), withSpecial(withSpecial) {}

  /// Tokens that came before the first push count as text: its leading space is
  /// kept.
  void continueText() { first = false; }
  /// The text that became complete with `id`; may be empty.
  std::string push(int32_t id);
  /// What is still held back, as U+FFFD; the decoder can be used again.
  std::string finish();

private:
  const Tokenizer &tokenizer;
  std::string held;
  bool withSpecial;
  bool first = true;
};

} // namespace qcc::text

#endif // QCC_RUNTIME_TEXT_TOKENIZER_H
