//===- Matrix.h - Making and addressing quantized matrices ----------------===//
//
// The vectors of a QuantizedMatrix, allocated as its scheme asks, and a view of
// one row of them: what block decoders and quantizers write, so that rows can
// be streamed in any order and no whole model is ever held.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_DIALECTS_QUANTEXT_CODEC_MATRIX_H
#define QCC_DIALECTS_QUANTEXT_CODEC_MATRIX_H

#include "dialects/QuantExt/Codec/Scheme.h"

namespace qcc {

/// One row of a QuantizedMatrix, from some element on. A pointer is null where
/// the scheme has no such component.
struct RowView {
  uint8_t *codes = nullptr;      ///< one for each element
  float *values = nullptr;       ///< one for each element
  float *scales = nullptr;       ///< one for each group
  float *superScales = nullptr;  ///< one for each super-block
  int8_t *subScales = nullptr;   ///< one for each group
  float *mins = nullptr;         ///< one for each group
  float *superMins = nullptr;    ///< one for each super-block
  uint8_t *subMins = nullptr;    ///< one for each group
  uint8_t *zeroPoints = nullptr; ///< one for each group
};

/// A matrix of zeros, with the vectors that a valid `scheme` needs. The caller
/// bounds n * k; memory may be reused by passing the matrix to reshape instead.
QuantizedMatrix makeMatrix(const Scheme &scheme, int64_t n, int64_t k);

/// Gives `matrix` another number of rows; its contents are unspecified, its
/// memory is kept.
void reshape(QuantizedMatrix &matrix, int64_t n);

/// Row `row` of a matrix, 0 <= row < n.
RowView rowOf(QuantizedMatrix &matrix, int64_t row);

/// Empty when every vector has the size, and every scale and code the range,
/// that the scheme asks for; else what is wrong. (Code generation and packing
/// take this for granted.)
std::string checkMatrix(const QuantizedMatrix &matrix);

} // namespace qcc

#endif // QCC_DIALECTS_QUANTEXT_CODEC_MATRIX_H
