//===- LanguageModel.cpp - Tokens in, logits out
//---------------------------===//
//
// See LanguageModel.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/LanguageModel.h"

#include <algorithm>
#include <cinttypes>
#include <cstring>

namespace qcc::rt {

Status LanguageModel::findEntries() {
  const QccModel &model = program.model;
  about = model.language_model;
  if (about == nullptr)
    return fail(kInternal, "%s is no language model", model.name);
  struct {
    const char *name;
    const QccEntry **entry;
    int32_t dims;
  } const wanted[] = {
      {"prefill", &prefillEntry, 2}, {"decode", &decodeEntry, 1}, {"head", &headEntry, 1}};
  for (const auto &w : wanted) {
    *w.entry = program.entry(w.name);
    const QccEntry *e = *w.entry;
    if (e == nullptr || e->num_inputs != 1 || e->num_outputs != 1 || e->num_dims != w.dims)
      return fail(kInternal, "%s has no entry point %s as version %u needs it", model.name, w.name,
                  QCC_ABI_VERSION);
  }
  if (about->vocabulary <= 0 || about->hidden <= 0 || about->context <= 0 || about->chunk <= 0 ||
      about->state_bytes < 0)
    return fail(kInternal, "%s describes itself wrongly", model.name);
  return {};
}

Status LanguageModel::reserve() {
  uint64_t row = static_cast<uint64_t>(about->hidden) * sizeof(float);
  int64_t chunk = std::min(about->chunk, about->context);
  headRows = std::min({kHeadRows, chunk, headEntry->dim_max[0]});
  uint64_t logitsBytes =
      static_cast<uint64_t>(headRows) * static_cast<uint64_t>(about->vocabulary) * sizeof(float);
  Status status = state.reserve(cacheBytes(), "the KV cache", false);
  if (!status.failed())
    status = hidden.reserve(row * static_cast<uint64_t>(chunk), "hidden states", false);
  if (!status.failed())
    status = headInput.reserve(row * static_cast<uint64_t>(headRows), "hidden states", false);
  if (!status.failed())
    status = logitsOut.reserve(logitsBytes, "logits", false);
  // The arena for the largest calls now, so that none grows it later.
  int64_t prefillDims[] = {chunk, about->context - chunk};
  int64_t decodeDims[] = {about->context - 1};
  if (!status.failed())
    status = program.reserveArena(*prefillEntry, prefillDims);
  if (!status.failed())
    status = program.reserveArena(*decodeEntry, decodeDims);
  if (!status.failed())
    status = program.reserveArena(*headEntry, &headRows);
  return status;
}

Status LanguageModel::open(int64_t threads, int64_t context) {
  Status status = findEntries();
  if (status.failed())
    return status;
  if (context < 0 || context > about->context)
    return fail(kWrongUse,
                "-c %" PRId64 ": this program was compiled for a context of "
                "%" PRId64 " tokens; compile it again with -ctx=%" PRId64,
                context, about->context, context);
  limit = context == 0 ? about->context : context;
  status = program.open(threads);
  if (status.failed())
    return status;
  sequence.reserve(static_cast<size_t>(limit));
  return reserve();
}

Status LanguageModel::checkTokens(const int32_t *tokens, int64_t count) const {
  if (count > limit - position())
    return fail(kWrongUse,
                "the text is too long: %" PRId64 " tokens, and the context has "
                "room for %" PRId64 "%s",
                position() + count, limit,
                limit < about->context ? "; raise -c" : "; compile with a larger -ctx=");
  for (int64_t i = 0; i < count; ++i)
    if (tokens[i] < 0 || tokens[i] >= about->vocabulary)
      return fail(kWrongUse,
                  "token %d is not in the vocabulary, which has %" PRId64 " tokens from 0 on",
                  tokens[i], about->vocabulary);
  return {};
}

Status LanguageModel::prefill(const int32_t *tokens, int64_t count) {
  int64_t dims[] = {count, position()};
  const void *inputs[] = {tokens};
  void *outputs[] = {hidden.data()};
  Status status = program.call(*prefillEntry, dims, inputs, outputs, state.data());
  if (!status.failed())
    sequence.insert(sequence.end(), tokens, tokens + count);
  return status;
}

Status LanguageModel::head(int64_t row, int64_t rows) {
  size_t rowBytes = static_cast<size_t>(about->hidden) * sizeof(float);
  // Copied, because generated code may count on aligned tensors.
  memcpy(headInput.data(), hidden.data() + static_cast<size_t>(row) * rowBytes,
         static_cast<size_t>(rows) * rowBytes);
  const void *inputs[] = {headInput.data()};
  void *outputs[] = {logitsOut.data()};
  return program.call(*headEntry, &rows, inputs, outputs, state.data());
}

namespace {
/// Keeps where the last logits are.
Status keepLogits(void *context, int64_t, int64_t, const float *logits) {
  *static_cast<const float **>(context) = logits;
  return {};
}
} // namespace

Status LanguageModel::feed(const int32_t *tokens, int64_t count, const float **logits) {
  return score(tokens, count, count - 1, keepLogits, logits);
}

Status LanguageModel::score(const int32_t *tokens, int64_t count, int64_t first, Sink sink,
                            void *context) {
  Status status = checkTokens(tokens, count);
  int64_t step = std::min(about->chunk, about->context);
  for (int64_t done = 0; done < count && !status.failed(); done += step) {
    int64_t size = std::min(step, count - done);
    status = prefill(tokens + done, size);
    int64_t row = std::max<int64_t>(0, first - done);
    while (row < size && !status.failed()) {
      int64_t rows = std::min(headRows, size - row);
      status = head(row, rows);
      if (!status.failed())
        status = sink(context, done + row, rows, reinterpret_cast<const float *>(logitsOut.data()));
      row += rows;
    }
  }
  return status;
}

Status LanguageModel::step(int32_t token, const float **logits) {
  Status status = checkTokens(&token, 1);
  if (status.failed())
    return status;
  int64_t position = this->position();
  const void *inputs[] = {&token};
  void *outputs[] = {logitsOut.data()};
  status = program.call(*decodeEntry, &position, inputs, outputs, state.data());
  if (status.failed())
    return status;
  sequence.push_back(token);
  *logits = reinterpret_cast<const float *>(logitsOut.data());
  return {};
}

uint64_t LanguageModel::scratchBytes() const {
  return program.arena.size() + hidden.size() + headInput.size() + logitsOut.size();
}

} // namespace qcc::rt
