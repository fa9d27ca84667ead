//===- Grid.cpp - The values that a group of weights can take --------------===//
//
// The kernels are compiled for several vector widths and the one for this processor is taken when
// the program starts. Products and sums are kept apart (-ffp-contract=off), so that all of them
// give the same bits. Rounding is to nearest even, by adding and subtracting 1.5 * 2^23: codes
// are below 2^22.
//
//===----------------------------------------------------------------------===//
#include "compiler/Methods/Grid.h"

#include <algorithm>
#include <numeric>

// Sanitizers' start-up code is not there yet when the choice is made.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#if defined(__has_feature)
#if !__has_feature(address_sanitizer)
#define QCC_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
#else
#define QCC_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
#endif
#ifndef QCC_CLONES
#define QCC_CLONES
#endif
#define QCC_INLINE inline __attribute__((always_inline))

/// Calls function<Size>(...) for the size of the grid's table.
#define QCC_FOR_SIZE(grid, function, ...)                                                          \
  switch ((grid).size) {                                                                           \
  case 0:                                                                                          \
    function<0>(__VA_ARGS__);                                                                      \
    break;                                                                                         \
  case 4:                                                                                          \
    function<4>(__VA_ARGS__);                                                                      \
    break;                                                                                         \
  case 8:                                                                                          \
    function<8>(__VA_ARGS__);                                                                      \
    break;                                                                                         \
  case 16:                                                                                         \
    function<16>(__VA_ARGS__);                                                                     \
    break;                                                                                         \
  default:                                                                                         \
    function<32>(__VA_ARGS__);                                                                     \
  }

namespace qcc {
namespace {

constexpr float kRound = 12582912.0f;

/// NaN (of a scale so small that its inverse is infinite) becomes `low`.
QCC_INLINE float clampTo(float v, float low, float high) {
  v = v > low ? v : low;
  return v < high ? v : high;
}

QCC_INLINE float inverseOf(float scale) { return scale == 0 ? 0.0f : 1 / scale; }

/// The level nearest to `level`.
template <unsigned Size> QCC_INLINE float nearestLevel(float level, const Grid &grid) {
  if (Size == 0)
    return (clampTo(level, grid.low, grid.high) + kRound) - kRound;
  float nearest = grid.levels[0];
  for (unsigned i = 1; i < Size; ++i)
    nearest += level > grid.bounds[i] ? grid.steps[i] : 0.0f;
  return nearest;
}

/// The rank of the level nearest to `level` in a table.
template <unsigned Size> QCC_INLINE int32_t nearestRank(float level, const Grid &grid) {
  int32_t rank = 0;
  for (unsigned i = 1; i < Size; ++i)
    rank += level > grid.bounds[i] ? 1 : 0;
  return rank;
}

template <unsigned Size>
QCC_INLINE void tryGridsImpl(const float *x, const float *u, int64_t count, const Grid &grid,
                             const Trials &t, TrialSums &out) {
  float inverse[kTrials];
  for (int j = 0; j < kTrials; ++j)
    inverse[j] = inverseOf(t.scale[j]);
  TrialSums s = {};
  for (int64_t i = 0; i < count; ++i) {
    float xi = x[i], ui = u[i];
    for (int j = 0; j < kTrials; ++j) {
      float l = nearestLevel<Size>((xi - t.min[j]) * inverse[j] + t.offset[j], grid) - t.offset[j];
      float r = xi - (t.scale[j] * l + t.min[j]);
      float ur = ui * r, ul = ui * l;
      s.rr[j] += ur * r;
      s.rl[j] += ur * l;
      s.ll[j] += ul * l;
      s.r[j] += ur;
      s.l[j] += ul;
    }
  }
  out = s;
}

template <unsigned Size>
QCC_INLINE void encodeColumnImpl(const float *__restrict x, int64_t rows, const Grid &grid,
                                 const ColumnGrids &g, uint8_t *__restrict codes,
                                 float *__restrict q) {
  for (int64_t r = 0; r < rows; ++r) {
    float inverse = inverseOf(g.scale[r]);
    float level = (x[r] - g.min[r]) * inverse + g.offset[r];
    float nearest = nearestLevel<Size>(level, grid);
    q[r] = g.scale[r] * (nearest - g.offset[r]) + g.min[r];
    codes[r] = static_cast<uint8_t>(Size == 0 ? static_cast<int32_t>(nearest)
                                              : nearestRank<Size>(level, grid));
  }
  if (Size != 0)
    for (int64_t r = 0; r < rows; ++r)
      codes[r] = grid.codes[codes[r]];
}

template <unsigned Size>
QCC_INLINE void encodeGroupImpl(const float *__restrict x, int64_t count, const Grid &grid,
                                const GroupGrid &group, uint8_t *__restrict codes) {
  float inverse = inverseOf(group.scale);
  for (int64_t i = 0; i < count; ++i) {
    float level = (x[i] - group.min) * inverse + group.offset;
    codes[i] =
        static_cast<uint8_t>(Size == 0 ? static_cast<int32_t>(nearestLevel<Size>(level, grid))
                                       : nearestRank<Size>(level, grid));
  }
  if (Size != 0)
    for (int64_t i = 0; i < count; ++i)
      codes[i] = grid.codes[codes[i]];
}

/// Halves at a time, so that no order of additions is left to the compiler.
QCC_INLINE float sumOfParts(float *part) {
  for (int width = kTrials / 2; width > 0; width /= 2)
    for (int j = 0; j < width; ++j)
      part[j] += part[j + width];
  return part[0];
}

} // namespace

Grid::Grid(const Scheme &s)
    : uniform(s.code == CodeKind::Integer), offset(static_cast<float>(s.offset)) {
  if (uniform) {
    // A symmetric grid of 8 bits leaves code 0 out, as rounding to nearest does.
    low = s.bits == 8 && s.offset == 128 ? 1.0f : 0.0f;
    high = static_cast<float>((1 << s.bits) - 1);
    return;
  }
  size = 1u << s.bits;
  auto level = [&s](unsigned code) {
    return s.code == CodeKind::FloatCodebook ? s.floatCodebook[code] : s.codebook[code];
  };
  std::iota(codes.begin(), codes.begin() + size, static_cast<uint8_t>(0));
  std::sort(codes.begin(), codes.begin() + size, [&](uint8_t a, uint8_t b) {
    return std::make_pair(level(a), a) < std::make_pair(level(b), b);
  });
  for (unsigned i = 0; i < size; ++i) {
    decoded[i] = level(i);
    levels[i] = level(codes[i]);
    if (i == 0)
      continue;
    steps[i] = levels[i] - levels[i - 1];
    bounds[i] = levels[i - 1] + steps[i] / 2;
  }
  low = levels[0];
  high = levels[size - 1];
}

GroupRange groupRange(const Scheme &scheme, int64_t k, int64_t g) {
  int64_t size = scheme.groupSize ? scheme.groupSize : k, begin = g * size;
  return {begin, std::min(size, k - begin)};
}

GroupGrid groupGrid(const Scheme &s, const RowView &row, int64_t g) {
  GroupGrid out;
  out.offset = static_cast<float>(s.offset);
  if (s.scale == ScaleKind::Super) {
    int64_t super = s.superSize ? g / (s.superSize / s.groupSize) : 0;
    out.scale = row.superScales[super] * static_cast<float>(row.subScales[g]);
    if (s.min == MinKind::Super)
      out.min = -(row.superMins[super] * static_cast<float>(row.subMins[g]));
  } else {
    out.scale = row.scales[g];
  }
  if (s.min == MinKind::F16)
    out.min = row.mins[g];
  if (s.min == MinKind::ZeroPoint)
    out.offset = row.zeroPoints[g];
  return out;
}

QCC_CLONES void tryGrids(const float *x, const float *u, int64_t count, const Grid &grid,
                         const Trials &trials, TrialSums &sums){
    QCC_FOR_SIZE(grid, tryGridsImpl, x, u, count, grid, trials, sums)}

QCC_CLONES void encodeColumn(const float *x, int64_t rows, const Grid &grid,
                             const ColumnGrids &grids, uint8_t *codes, float *q){
    QCC_FOR_SIZE(grid, encodeColumnImpl, x, rows, grid, grids, codes, q)}

QCC_CLONES void encodeGroup(const float *x, int64_t count, const Grid &grid, const GroupGrid &group,
                            uint8_t *codes){
    QCC_FOR_SIZE(grid, encodeGroupImpl, x, count, grid, group, codes)}

QCC_CLONES
    void wantedCodes(const float *q, const float *gradient, const float *inverseCurvature,
                     int64_t count, const Grid &grid, const GroupGrid &group, uint8_t *codes) {
  constexpr int64_t chunk = 16;
  float wanted[chunk];
  for (int64_t i = 0; i < count; i += chunk) {
    int64_t size = count - i < chunk ? count - i : chunk;
    for (int64_t j = 0; j < size; ++j)
      wanted[j] = q[i + j] + gradient[i + j] * inverseCurvature[i + j];
    QCC_FOR_SIZE(grid, encodeGroupImpl, wanted, size, grid, group, codes + i)
  }
}

QCC_CLONES float dotProduct(const float *__restrict a, const float *__restrict b, int64_t count) {
  float part[kTrials] = {};
  int64_t i = 0;
  for (; i + kTrials <= count; i += kTrials)
    for (int j = 0; j < kTrials; ++j)
      part[j] += a[i + j] * b[i + j];
  for (; i < count; ++i)
    part[0] += a[i] * b[i];
  return sumOfParts(part);
}

QCC_CLONES float sumOf(const float *a, int64_t count) {
  float part[kTrials] = {};
  int64_t i = 0;
  for (; i + kTrials <= count; i += kTrials)
    for (int j = 0; j < kTrials; ++j)
      part[j] += a[i + j];
  for (; i < count; ++i)
    part[0] += a[i];
  return sumOfParts(part);
}

QCC_CLONES void subtractScaled(const float *__restrict from, float factor, int64_t count,
                               float *__restrict to) {
  for (int64_t i = 0; i < count; ++i)
    to[i] -= factor * from[i];
}

QCC_CLONES void subtractOuter(const float *__restrict factors, const float *__restrict from,
                              int64_t count, int64_t rows, float *__restrict to) {
  for (int64_t j = 0; j < count; ++j)
    for (int64_t r = 0; r < rows; ++r)
      to[j * rows + r] -= factors[j] * from[r];
}

} // namespace qcc
