/*===- FakeLanguageModel.c - A model that can be checked by hand
------------===*\
|*
|* Stands for generated code in tests. With the tokens t[0..p] before, the logit
of v is
|* -|v - next|, next = (a * (t[0] + .. + t[p]) + b * p) mod 64; a and b are the
weights.
|* The threads split rows and need barriers, as real code does.
|*
\*===----------------------------------------------------------------------===*/
#include "runtime/include/qcc/abi.h"

enum { VOCABULARY = 64, HIDDEN = 4, CONTEXT = 96, CHUNK = 16 };

/* A token and its position make a row of hidden values: sum of tokens,
 * position. */
static void hiddenRow(const QccFrame *f, int64_t position, float *row) {
  const int32_t *tokens = (const int32_t *)f->state;
  int64_t sum = 0;
  for (int64_t i = 0; i <= position; ++i)
    sum += tokens[i];
  row[0] = (float)sum;
  row[1] = (float)position;
  row[2] = row[3] = 0;
}

static void logitsRow(const QccFrame *f, const float *row, float *logits) {
  const int32_t *w = (const int32_t *)f->weights;
  int64_t next = (w[0] * (int64_t)row[0] + w[1] * (int64_t)row[1]) % VOCABULARY;
  for (int64_t v = 0; v < VOCABULARY; ++v)
    logits[v] = (float)(v < next ? v - next : next - v);
}

static void prefill(const QccFrame *f, int64_t thread) {
  int64_t count = f->dims[0], position = f->dims[1];
  int32_t *tokens = (int32_t *)f->state;
  float *scratch = (float *)f->arena;
  for (int64_t i = thread; i < count; i += f->num_threads)
    tokens[position + i] = ((const int32_t *)f->inputs[0])[i];
  qcc_barrier(f->barrier);
  for (int64_t i = thread; i < count; i += f->num_threads)
    hiddenRow(f, position + i, scratch + i * HIDDEN);
  qcc_barrier(f->barrier);
  for (int64_t i = thread; i < count * HIDDEN; i += f->num_threads)
    ((float *)f->outputs[0])[i] = scratch[i];
}

static void head(const QccFrame *f, int64_t thread) {
  for (int64_t i = thread; i < f->dims[0]; i += f->num_threads)
    logitsRow(f, (const float *)f->inputs[0] + i * HIDDEN, (float *)f->outputs[0] + i * VOCABULARY);
}

static void decode(const QccFrame *f, int64_t thread) {
  float *row = (float *)f->arena;
  if (thread == f->num_threads - 1) {
    ((int32_t *)f->state)[f->dims[0]] = *(const int32_t *)f->inputs[0];
    hiddenRow(f, f->dims[0], row);
  }
  qcc_barrier(f->barrier);
  if (thread == 0)
    logitsRow(f, row, (float *)f->outputs[0]);
}

static void prefillSizes(const int64_t *dims, int64_t threads, int64_t *out) {
  out[0] = dims[0] * HIDDEN * 4;
  out[1] = dims[0];
  out[2] = HIDDEN;
}
static void headSizes(const int64_t *dims, int64_t threads, int64_t *out) {
  out[0] = 0;
  out[1] = dims[0];
  out[2] = VOCABULARY;
}
static void decodeSizes(const int64_t *dims, int64_t threads, int64_t *out) {
  out[0] = HIDDEN * 4;
  out[1] = 1;
  out[2] = VOCABULARY;
}

static const int64_t tokensDims[] = {-1}, oneDims[] = {1};
static const int64_t hiddenDims[] = {-1, HIDDEN}, logitsDims[] = {-1, VOCABULARY};
static const int64_t oneLogitsDims[] = {1, VOCABULARY};
static const QccTensor tokensTensor = {"tokens", QCC_I32, 1, tokensDims};
static const QccTensor oneTensor = {"tokens", QCC_I32, 1, oneDims};
static const QccTensor hiddenTensor = {"hidden", QCC_F32, 2, hiddenDims};
static const QccTensor logitsTensor = {"logits", QCC_F32, 2, logitsDims};
static const QccTensor oneLogitsTensor = {"logits", QCC_F32, 2, oneLogitsDims};
static const char *const prefillNames[] = {"T", "position"};
static const char *const positionNames[] = {"position"};
static const char *const headNames[] = {"T"};
static const int64_t prefillMax[] = {CHUNK, CONTEXT};
static const int64_t positionMax[] = {CONTEXT - 1};
static const int64_t headMax[] = {CHUNK};

static const QccEntry entries[] = {
    {"prefill", prefill, prefillSizes, 1, 1, 2, &tokensTensor, &hiddenTensor, prefillNames,
     prefillMax},
    {"decode", decode, decodeSizes, 1, 1, 1, &oneTensor, &oneLogitsTensor, positionNames,
     positionMax},
    {"head", head, headSizes, 1, 1, 1, &hiddenTensor, &logitsTensor, headNames, headMax}};

static const QccLanguageModel language = {VOCABULARY, HIDDEN, CONTEXT, CHUNK, CONTEXT * 4};

#ifndef FAKE_FEATURES
#define FAKE_FEATURES ""
#endif

const QccModel qcc_model = {QCC_ABI_VERSION, 3, entries, &language, "fake", FAKE_FEATURES,
                            "bits: 32\n",    8, 0};
