//===- LanguageModel.h - Tokens in, logits out
//-----------------------------===//
//
// One sequence of tokens with its KV cache, over the entry points "prefill",
// "decode" and "head" (abi.h). Never drops tokens: what does not fit the
// context is an error.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_RUNTIME_SRC_LANGUAGEMODEL_H
#define QCC_RUNTIME_SRC_LANGUAGEMODEL_H

#include "runtime/src/Program.h"

namespace qcc::rt {

class LanguageModel {
public:
  explicit LanguageModel(const QccModel &model) : program(model) {}

  /// Opens the program. `context` limits the sequence (0: what it was compiled
  /// for).
  Status open(int64_t threads, int64_t context);

  int64_t vocabulary() const { return about->vocabulary; }
  /// Most tokens of the sequence.
  int64_t context() const { return limit; }
  /// The tokens in the cache.
  const std::vector<int32_t> &tokens() const { return sequence; }
  int64_t position() const { return static_cast<int64_t>(sequence.size()); }

  /// Forgets everything from `position` on.
  void rewind(int64_t position) { sequence.resize(static_cast<size_t>(position)); }

  /// Appends tokens; `logits` gets those after the last one, [vocabulary],
  /// valid until the next call.
  Status feed(const int32_t *tokens, int64_t count, const float **logits);

  /// The same for one token, through "decode".
  Status step(int32_t token, const float **logits);

  /// Appends tokens and hands out the logits after each of them from number
  /// `first` on, some rows [rows, vocabulary] at a time, in order:
  /// sink(context, number of the first row, rows, logits). A failed Status from
  /// the sink ends it.
  using Sink = Status (*)(void *context, int64_t row, int64_t rows, const float *logits);
  Status score(const int32_t *tokens, int64_t count, int64_t first, Sink sink, void *context);

  /// Memory beside the weights: cache and arena, in bytes.
  uint64_t cacheBytes() const { return static_cast<uint64_t>(about->state_bytes); }
  uint64_t scratchBytes() const;

  Program program;

private:
  Status findEntries();
  Status reserve();
  Status checkTokens(const int32_t *tokens, int64_t count) const;
  Status prefill(const int32_t *tokens, int64_t count);
  Status head(int64_t row, int64_t rows);

  const QccLanguageModel *about = nullptr;
  const QccEntry *prefillEntry = nullptr, *decodeEntry = nullptr, *headEntry = nullptr;
  int64_t limit = 0, headRows = 0;
  std::vector<int32_t> sequence;
  Memory state, hidden, headInput, logitsOut;
};

/// Largest number of positions "head" is given at once.
constexpr int64_t kHeadRows = 64;

} // namespace qcc::rt

#endif // QCC_RUNTIME_SRC_LANGUAGEMODEL_H
