//===- GgufBlocks.h - GGUF's block formats as quantized matrices ----------===//
//
// A GGUF tensor's row is a run of blocks, each with its codes and scales. The
// table here turns the blocks of every supported type into the logical form of
// Scheme.h, losing nothing: the reference dequantization of the result has the
// bits that gguf-py computes. The byte layouts are those of ggml's
// ggml-common.h.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_DIALECTS_QUANTEXT_CODEC_GGUFBLOCKS_H
#define QCC_DIALECTS_QUANTEXT_CODEC_GGUFBLOCKS_H

#include "dialects/QuantExt/Codec/Matrix.h"
#include "dialects/QuantExt/Codec/Presets.h"

namespace qcc {

/// One GGUF block format.
struct GgufFormat {
  const char *name;
  GgufType type;
  int64_t blockElements, blockBytes;
  Scheme scheme;
  /// Decodes one block of blockBytes bytes into a row view that starts at its
  /// first element. Null for floats, whose rows are converted as a whole.
  void (*decodeBlock)(const uint8_t *block, const RowView &out);
};

/// All supported formats, in the order of their numbers.
const std::vector<GgufFormat> &ggufFormats();

/// The format with GGUF's number `typeId`, or null when there is none.
const GgufFormat *findGgufFormat(uint32_t typeId);

/// Bytes of a row of k elements; -1 when k is negative, no multiple of the
/// block, or the size does not fit.
int64_t ggufRowBytes(const GgufFormat &format, int64_t k);

/// Decodes a row of k elements (a multiple of blockElements; ggufRowBytes
/// bytes) into `out`, a row of a matrix of the format's scheme. Rows may come
/// in any order.
void decodeGgufRow(const GgufFormat &format, const uint8_t *rowBytes, int64_t k,
                   const RowView &out);

/// Decodes n contiguous rows. False, with *matrix untouched, when `size` is not
/// n rows' bytes.
bool decodeGguf(const GgufFormat &format, const uint8_t *bytes, int64_t size,
                int64_t n, int64_t k, QuantizedMatrix *matrix);

} // namespace qcc

#endif // QCC_DIALECTS_QUANTEXT_CODEC_GGUFBLOCKS_H
