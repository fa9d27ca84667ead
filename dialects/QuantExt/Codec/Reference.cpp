//===- Reference.cpp - Scalar meaning of a quantized matrix ---------------===//
//
// Written for reading, not for speed. Compiled without contraction of a * b +
// c, which would change the bits that Scheme.h promises.
//
//===----------------------------------------------------------------------===//
#include "dialects/QuantExt/Codec/Reference.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace qcc {
namespace {

/// Scale, minimum and what is subtracted from the codes, of one group.
struct GroupValues {
  float scale = 0, min = 0;
  int subtract = 0;
};

GroupValues groupValues(const QuantizedMatrix &w, int64_t row, int64_t col) {
  const Scheme &s = w.scheme;
  int64_t inRow = s.groupSize ? col / s.groupSize : 0;
  int64_t g = row * numGroups(s, w.k) + inRow;
  int64_t super = row * numSuperBlocks(s, w.k) + (s.superSize ? col / s.superSize : 0);
  GroupValues v;
  v.subtract = s.offset;
  v.scale = s.scale == ScaleKind::Super ? w.superScales[super] * static_cast<float>(w.subScales[g])
                                        : w.scales[g];
  if (s.min == MinKind::F16)
    v.min = w.mins[g];
  if (s.min == MinKind::Super)
    v.min = -(w.superMins[super] * static_cast<float>(w.subMins[g]));
  if (s.min == MinKind::ZeroPoint)
    v.subtract = w.zeroPoints[g];
  return v;
}

/// Integers are exact: they have 9 bits at most.
float decode(const QuantizedMatrix &w, int64_t row, int64_t col) {
  uint8_t code = w.codes[row * w.k + col];
  if (w.scheme.code == CodeKind::FloatCodebook)
    return w.scheme.floatCodebook[code];
  return w.scheme.code == CodeKind::Codebook ? w.scheme.codebook[code] : code;
}

} // namespace

float dequantizeElement(const QuantizedMatrix &w, int64_t row, int64_t col) {
  if (w.scheme.isFloat())
    return w.values[row * w.k + col];
  GroupValues v = groupValues(w, row, col);
  float scaled = v.scale * (decode(w, row, col) - static_cast<float>(v.subtract));
  // No addition where there is no minimum: it would turn -0 into 0.
  bool adds = w.scheme.min == MinKind::F16 || w.scheme.min == MinKind::Super;
  return adds ? scaled + v.min : scaled;
}

void dequantizeRow(const QuantizedMatrix &w, int64_t row, float *out) {
  for (int64_t col = 0; col < w.k; ++col)
    out[col] = dequantizeElement(w, row, col);
}

std::vector<float> dequantize(const QuantizedMatrix &w) {
  std::vector<float> out(w.n * w.k);
  for (int64_t row = 0; row < w.n; ++row)
    dequantizeRow(w, row, out.data() + row * w.k);
  return out;
}

std::vector<double> referenceMatmul(const QuantizedMatrix &w, const float *x, int64_t m) {
  std::vector<double> y(m * w.n);
  std::vector<float> row(w.k);
  for (int64_t n = 0; n < w.n; ++n) {
    dequantizeRow(w, n, row.data());
    for (int64_t i = 0; i < m; ++i) {
      double sum = 0;
      for (int64_t k = 0; k < w.k; ++k)
        sum += static_cast<double>(row[k]) * x[i * w.k + k];
      y[i * w.n + n] = sum;
    }
  }
  return y;
}

QuantizedActivations quantizeActivations(const float *x, int64_t m, int64_t k) {
  QuantizedActivations q;
  q.m = m;
  q.k = k;
  q.codes.resize(m * k);
  for (int64_t i = 0; i < m; ++i, x += k) {
    for (int64_t begin = 0; begin < k; begin += kActivationGroup) {
      int64_t end = std::min(k, begin + kActivationGroup);
      float amax = 0;
      for (int64_t j = begin; j < end; ++j)
        amax = std::max(amax, std::fabs(x[j]));
      bool zero = amax < kActivationFloor;
      float inverse = zero ? 0.0f : 127.0f / amax;
      q.scales.push_back(zero ? 0.0f : amax / 127.0f);
      for (int64_t j = begin; j < end; ++j)
        q.codes[i * k + j] = static_cast<int8_t>(std::nearbyint(x[j] * inverse));
    }
    for (int64_t begin = 0; begin < k; begin += kActivationSum) {
      int64_t end = std::min(k, begin + kActivationSum);
      int32_t sum = 0;
      for (int64_t j = begin; j < end; ++j)
        sum += q.codes[i * k + j];
      q.sums.push_back(sum);
    }
  }
  return q;
}

std::vector<double> referenceMatmulInt8(const QuantizedMatrix &w, const QuantizedActivations &x) {
  assert(!w.scheme.isFloat() && w.k == x.k && "not an integer product");
  int64_t k = w.k;
  int64_t groups = (k + kActivationGroup - 1) / kActivationGroup;
  int64_t parts = (k + kActivationSum - 1) / kActivationSum;
  std::vector<double> y(x.m * w.n);
  for (int64_t i = 0; i < x.m; ++i) {
    for (int64_t n = 0; n < w.n; ++n) {
      double total = 0;
      // Group sizes are multiples of 16: a part has one scale.
      for (int64_t p = 0; p < parts; ++p) {
        int64_t begin = p * kActivationSum;
        double dot = 0;
        for (int64_t j = begin; j < std::min(k, begin + kActivationSum); ++j)
          dot += static_cast<double>(decode(w, n, j)) * x.codes[i * k + j];
        GroupValues v = groupValues(w, n, begin);
        int32_t sum = x.sums[i * parts + p];
        double scale = x.scales[i * groups + begin / kActivationGroup];
        total += scale * (static_cast<double>(v.scale) * (dot - v.subtract * sum) +
                          static_cast<double>(v.min) * sum);
      }
      y[i * w.n + n] = total;
    }
  }
  return y;
}

} // namespace qcc
