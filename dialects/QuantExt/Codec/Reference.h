//===- Reference.h - What a quantized matrix means, in scalar code --------===//
//
// The slow and plain definition that generated kernels are checked against: the
// value of every element, the product with float activations, and the product
// with activations quantized to int8 as the integer kernels do it. Nothing here
// is used in an artifact.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_DIALECTS_QUANTEXT_CODEC_REFERENCE_H
#define QCC_DIALECTS_QUANTEXT_CODEC_REFERENCE_H

#include "dialects/QuantExt/Codec/Scheme.h"

namespace qcc {

/// W[row, col], bit for bit as Scheme.h defines it.
float dequantizeElement(const QuantizedMatrix &w, int64_t row, int64_t col);

/// Row `row` of W: k values to `out`.
void dequantizeRow(const QuantizedMatrix &w, int64_t row, float *out);

/// All of W, [N, K] row-major.
std::vector<float> dequantize(const QuantizedMatrix &w);

/// y[M, N] = x[M, K] W^T, products and sums in double.
std::vector<double> referenceMatmul(const QuantizedMatrix &w, const float *x,
                                    int64_t m);

/// K elements of activations that share a scale, and K elements that share a
/// sum.
constexpr int64_t kActivationGroup = 32, kActivationSum = 16;

/// A group whose largest magnitude is below this is zero: 127 / amax would not
/// be finite.
constexpr float kActivationFloor = 0x1p-100f;

/// Activations x[M, K] as int8. In a group of 32 (the last of a row may be
/// shorter):
///   amax = max |x|;  scale = amax / 127;  inverse = 127 / amax
///   code = round-half-to-even(x * inverse)
/// all in float32; scale and codes are 0 when amax < kActivationFloor.
struct QuantizedActivations {
  int64_t m = 0, k = 0;
  std::vector<int8_t> codes; ///< [M, K]
  std::vector<float> scales; ///< [M, ceil(K / 32)]
  std::vector<int32_t> sums; ///< [M, ceil(K / 16)]: of the codes of each 16
};

/// Quantizes finite activations.
QuantizedActivations quantizeActivations(const float *x, int64_t m, int64_t k);

/// y[M, N] = x W^T for integer and codebook schemes, as the integer kernels
/// compute it: exact integer dot products within the part of a unit that has
/// one scale, then in double
///   y += xscale * (scale * (dot - offset * sum) + min * sum)
/// Kernels do the last line in float32 in an order of their own, so compare
/// with a tolerance.
std::vector<double> referenceMatmulInt8(const QuantizedMatrix &w,
                                        const QuantizedActivations &x);

} // namespace qcc

#endif // QCC_DIALECTS_QUANTEXT_CODEC_REFERENCE_H
