/*===- abi.h - What generated code and the runtime know of each other ------===*\
|*
|* Generated code defines one symbol, `qcc_model`. The runtime maps the weights, makes the
|* memory, starts the threads, and calls entry points with a frame. C11; no dependence on
|* anything else. Version it with QCC_ABI_VERSION.
|*
\*===----------------------------------------------------------------------===*/
#ifndef QCC_ABI_H
#define QCC_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QCC_ABI_VERSION 1

/* Element types of tensors at the boundary. */
typedef enum QccType {
  QCC_F32 = 0,
  QCC_F16 = 1,
  QCC_I64 = 2,
  QCC_I32 = 3,
  QCC_I8 = 4,
  QCC_U8 = 5,
  QCC_BOOL = 6,
  QCC_F64 = 7
} QccType;

/* What an entry point receives; the same frame for every thread of the call. */
typedef struct QccFrame {
  const uint8_t *weights;     /* the weight blob, 64-byte aligned */
  uint8_t *arena;             /* scratch of QccEntry::sizes bytes, 64-byte aligned */
  uint8_t *state;             /* memory that outlives the call (KV cache), 64-byte aligned */
  const void *const *inputs;  /* in the order of QccEntry::inputs */
  void *const *outputs;       /* in the order of QccEntry::outputs */
  const int64_t *dims;        /* values of the symbolic dimensions, in the order of dim_names */
  int64_t num_threads;
  void *barrier;              /* handed to qcc_barrier */
} QccFrame;

/* A tensor of an entry point. dims[i] >= 0 is fixed; -1-s is symbolic dimension s; INT64_MIN is an
   expression whose value QccEntry::sizes gives. */
typedef struct QccTensor {
  const char *name;
  int32_t type; /* QccType */
  int32_t rank;
  const int64_t *dims;
} QccTensor;

typedef struct QccEntry {
  const char *name;
  /* Runs the entry; all num_threads threads call it with the same frame and their own number. */
  void (*run)(const QccFrame *frame, int64_t thread);
  /* Writes out[0] = arena bytes for these dims and threads, then every dimension of every output
     in order. */
  void (*sizes)(const int64_t *dims, int64_t num_threads, int64_t *out);
  int32_t num_inputs, num_outputs, num_dims;
  const QccTensor *inputs;
  const QccTensor *outputs;
  const char *const *dim_names;
  const int64_t *dim_max; /* largest value of each symbolic dimension; INT64_MAX when open */
} QccEntry;

/* A language model has entries
     "prefill"(tokens i32 [T]; dims T, position) -> hidden f32 [T, hidden]: T <= chunk tokens at
         positions position .. position + T, into the KV cache of `state`
     "decode"(tokens i32 [1]; dims position)    -> logits f32 [1, vocabulary]
     "head"(hidden f32 [T, hidden]; dims T)      -> logits f32 [T, vocabulary]
   A scalar position is passed as a symbolic dimension that no tensor has. */
typedef struct QccLanguageModel {
  int64_t vocabulary, hidden;
  int64_t context;     /* largest position + 1 that `state` has room for */
  int64_t chunk;       /* most tokens of one prefill call */
  int64_t state_bytes; /* KV cache for `context` positions */
} QccLanguageModel;

typedef struct QccModel {
  uint32_t version; /* QCC_ABI_VERSION */
  uint32_t num_entries;
  const QccEntry *entries;
  const QccLanguageModel *language_model; /* NULL for a tensor model */
  const char *name;
  const char *features; /* CPU features the code was compiled for, as in "avx2,fma,f16c" */
  const char *info;     /* text for the `info` verb: "key: value" lines */
  int64_t weight_bytes;
  const uint8_t *weights; /* NULL when the weights follow the program in its file */
} QccModel;

extern const QccModel qcc_model;

/* Waits until all threads of the call have come here. Provided by the runtime. */
void qcc_barrier(void *barrier);

/* An executable artifact is: the ELF program | padding to 64 KiB | weights | padding to 64 bytes |
   tokenizer | padding | chat template text | padding | what the compiler measured ("key: value" lines, shown
   by `info`) | padding | this trailer, the file's last bytes.
   Offsets are from the file's start; a missing section has size 0. All little-endian. */
#define QCC_TRAILER_MAGIC "QCCART02"
#define QCC_SECTION_ALIGN 65536
typedef struct QccTrailer {
  uint64_t weights_offset, weights_size;
  uint64_t tokenizer_offset, tokenizer_size;
  uint64_t template_offset, template_size;
  uint64_t report_offset, report_size;
  uint64_t file_size; /* of the whole artifact: a truncated copy is recognized */
  char magic[8];
} QccTrailer;

#ifdef __cplusplus
}
#endif

#endif /* QCC_ABI_H */
