//===- Rtn.cpp - Rounding floats to the nearest element of a scheme -------===//
//
// Each group is read twice: once for its range, as integers, whose order is
// that of the floats and which also shows NaNs and infinities; once to choose
// codes. Both loops are free of branches so that they vectorize.
//
//===----------------------------------------------------------------------===//
#include "dialects/QuantExt/Codec/Rtn.h"

#include "dialects/QuantExt/Codec/Float16.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>

namespace qcc {
namespace {

using Fault = RtnResult::Fault;

/// A scale of fewer units in the last place than this is imprecise by over
/// 1/16.
constexpr float kCoarse = 16 * kHalfMin;

struct Range {
  float lowest, highest;
  bool finite;
};

/// The order of the results is that of the floats, -0 before 0, NaNs at the
/// ends.
int32_t orderOf(float f) {
  int32_t i;
  std::memcpy(&i, &f, sizeof i);
  return i ^ ((i >> 31) & 0x7fffffff);
}

float floatOfOrder(int32_t order) {
  return floatOfBits(
      static_cast<uint32_t>(order ^ ((order >> 31) & 0x7fffffff)));
}

/// Smallest and largest of x[0, count), count > 0.
Range rangeOf(const float *x, int64_t count) {
  int32_t low = orderOf(x[0]), high = low;
  for (int64_t i = 1; i < count; ++i) {
    int32_t order = orderOf(x[i]);
    low = std::min(low, order);
    high = std::max(high, order);
  }
  constexpr float infinity = std::numeric_limits<float>::infinity();
  return {floatOfOrder(low), floatOfOrder(high),
          low > orderOf(-infinity) && high < orderOf(infinity)};
}

/// codes = trunc(clamp((x - from) / d + bias, low, high)); low >= 0.
void encode(const float *__restrict x, int64_t count, float from, float d,
            float bias, float low, float high, uint8_t *__restrict codes) {
  for (int64_t i = 0; i < count; ++i) {
    float code = (x[i] - from) / d + bias;
    code = code < low ? low : code;
    code = code > high ? high : code;
    codes[i] = static_cast<uint8_t>(static_cast<int32_t>(code));
  }
}

/// The largest binary16 that is not above f; -infinity when there is none.
float floorHalf(float f) {
  uint16_t h = floatToHalf(f);
  if (halfToFloat(h) <= f)
    return halfToFloat(h);
  if (h == 0)
    return -kHalfMin;
  return halfToFloat(static_cast<uint16_t>(h & 0x8000u ? h + 1 : h - 1));
}

/// The entry of largest magnitude, the first of several.
float extreme(const std::vector<int8_t> &codebook) {
  return *std::max_element(codebook.begin(), codebook.end(),
                           [](int a, int b) { return std::abs(a) < std::abs(b); });
}

/// codes = the index of the entry nearest to x / d, the first of several. Goes by blocks, entry by
/// entry, so that the comparisons vectorize.
void encodeNearest(const float *__restrict x, int64_t count, float d,
                   const std::vector<int8_t> &codebook, uint8_t *__restrict codes) {
  constexpr int64_t block = 64;
  float scaled[block], least[block];
  int32_t nearest[block];
  for (int64_t begin = 0; begin < count; begin += block) {
    int64_t length = std::min(block, count - begin);
    for (int64_t i = 0; i < length; ++i) {
      scaled[i] = x[begin + i] / d;
      least[i] = std::numeric_limits<float>::infinity();
      nearest[i] = 0;
    }
    for (size_t entry = 0; entry < codebook.size(); ++entry) {
      for (int64_t i = 0; i < length; ++i) {
        float distance = std::fabs(scaled[i] - static_cast<float>(codebook[entry]));
        bool nearer = distance < least[i];
        least[i] = nearer ? distance : least[i];
        nearest[i] = nearer ? static_cast<int32_t>(entry) : nearest[i];
      }
    }
    for (int64_t i = 0; i < length; ++i)
      codes[begin + i] = static_cast<uint8_t>(nearest[i]);
  }
}

/// Rounding of the groups of one row.
class GroupRounder {
public:
  GroupRounder(const Scheme &scheme, const RowView &out)
      : scheme(scheme), out(out), top((1 << scheme.bits) - 1) {}

  /// Chooses the scale of the super-block `super`, x[0, count), which begins at element `begin` of
  /// the row, so that int8 multiples of it reach all its groups' scales.
  void chooseSuperScale(const float *x, int64_t super, int64_t begin, int64_t count) {
    float largest = 0;
    for (int64_t at = 0; at < count; at += scheme.groupSize) {
      int64_t length = std::min<int64_t>(scheme.groupSize, count - at);
      Range range = rangeOf(x + at, length);
      if (!range.finite)
        return notFinite(x + at, begin + at);
      float low = 0;
      largest = std::max(largest, std::fabs(idealScale(x + at, range, length, low)));
    }
    first = begin;
    superScale = largest == 0 ? 0 : hold(notZero(largest / 127), ScaleKind::F16);
    out.superScales[super] = superScale;
  }

  /// Rounds group g, x[0, count), whose codes begin at element `begin`.
  void round(const float *x, int64_t g, int64_t begin, int64_t count) {
    Range range = rangeOf(x, count);
    if (!range.finite)
      return notFinite(x, begin);
    group = g;
    first = begin;
    uint8_t *codes = out.codes + begin;
    float low = 0;
    float d = setScale(idealScale(x, range, count, low));
    if (scheme.min == MinKind::F16) {
      if (!std::isfinite(low))
        return fail(Fault::TooLarge, first);
      out.mins[g] = low;
    }
    int32_t zero = scheme.offset;
    if (scheme.min == MinKind::ZeroPoint)
      out.zeroPoints[g] = zero = d == 0 ? 0 : std::min(static_cast<int32_t>(0.5f - low / d), top);
    if (scheme.code == CodeKind::Codebook)
      return d == 0 ? fill(codes, count, nearestToZero())
                    : encodeNearest(x, count, d, scheme.codebook, codes);
    if (d == 0)
      return fill(codes, count, zero);
    bool even = scheme.bits == 8 && scheme.min == MinKind::None;
    encode(x, count, scheme.min == MinKind::F16 ? low : 0, d, static_cast<float>(zero) + 0.5f, even,
           static_cast<float>(top), codes);
  }

  RtnResult result;

private:
  void fail(Fault fault, int64_t index) {
    result.fault = fault;
    result.index = index;
  }

  void notFinite(const float *x, int64_t begin) {
    int64_t i = 0;
    while (std::isfinite(x[i]))
      ++i;
    fail(Fault::NotFinite, begin + i);
  }

  /// `d` as the type that holds it.
  float hold(float d, ScaleKind kind) {
    float rounded = roundScale(d, kind);
    if (!std::isfinite(rounded)) {
      fail(Fault::TooLarge, first);
      rounded = 0;
    }
    float coarse = kind == ScaleKind::F32 ? std::numeric_limits<float>::min() : kCoarse;
    result.coarseGroups += d != 0 && std::fabs(d) < coarse;
    return rounded;
  }

  /// Stores the scale nearest to d and returns it; 0 for 0.
  float setScale(float d) {
    if (scheme.scale != ScaleKind::Super)
      return out.scales[group] = hold(d, scheme.scale);
    float steps = superScale == 0 ? 0 : std::nearbyint(d / superScale);
    // A group of small weights keeps a grid, if a coarse one.
    if (steps == 0 && d != 0)
      steps = std::copysign(1.0f, d);
    steps = std::clamp(steps, -127.0f, 127.0f);
    out.subScales[group] = static_cast<int8_t>(steps);
    return superScale * steps;
  }

  /// The scale of a group before it is rounded, and the value of the grid's lowest code where there
  /// are minima or zero points.
  float idealScale(const float *x, Range r, int64_t count, float &low) {
    if (scheme.min != MinKind::None)
      return scaleFromLow(r, low);
    float amax = std::max(r.highest, -r.lowest);
    if (amax == 0)
      return 0;
    bool book = scheme.code == CodeKind::Codebook;
    if (!book && scheme.bits == 8)
      return notZero(amax / 127);
    bool negative = -r.lowest > r.highest;
    if (-r.lowest == r.highest)
      negative = *std::find_if(x, x + count, [amax](float f) { return std::fabs(f) == amax; }) < 0;
    // The element of largest magnitude falls on the grid's end.
    float end = book ? extreme(scheme.codebook) : -static_cast<float>(1 << (scheme.bits - 1));
    return notZero((negative ? -amax : amax) / end);
  }

  float scaleFromLow(Range r, float &low) {
    bool zero = scheme.min == MinKind::ZeroPoint;
    low = zero ? std::min(r.lowest, 0.0f) : floorHalf(r.lowest);
    float high = zero ? std::max(r.highest, 0.0f) : r.highest;
    if (low == high || !std::isfinite(low))
      return 0;
    float steps = static_cast<float>(top);
    return notZero(high / steps - low / steps);
  }

  int nearestToZero() const {
    auto nearer = [](int a, int b) { return std::abs(a) < std::abs(b); };
    return std::min_element(scheme.codebook.begin(), scheme.codebook.end(), nearer) -
           scheme.codebook.begin();
  }

  /// The scale of a group that is not all zero must not vanish.
  static float notZero(float d) {
    return d == 0 ? std::numeric_limits<float>::denorm_min() : d;
  }

  static void fill(uint8_t *codes, int64_t count, int code) {
    std::memset(codes, code, count);
  }

  const Scheme &scheme;
  const RowView &out;
  const int32_t top;
  int64_t group = 0, first = 0;
  float superScale = 0;
};

RtnResult roundFloats(const float *x, CodeKind kind, int64_t k, float *out) {
  RtnResult result;
  if (k == 0)
    return result;
  bool finite = rangeOf(x, k).finite;
  if (kind == CodeKind::F32)
    std::memcpy(out, x, k * sizeof(float));
  else if (kind == CodeKind::F16)
    for (int64_t i = 0; i < k; ++i)
      out[i] = halfToFloat(floatToHalf(x[i]));
  else
    for (int64_t i = 0; i < k; ++i)
      out[i] = bfloatToFloat(floatToBfloat(x[i]));
  if (rangeOf(out, k).finite)
    return result;
  // Either x was not finite, or rounding made it so.
  result.fault = finite ? Fault::TooLarge : Fault::NotFinite;
  const float *bad = finite ? out : x;
  while (std::isfinite(bad[result.index]))
    ++result.index;
  return result;
}

} // namespace

float roundScale(float d, ScaleKind kind) {
  float magnitude = std::fabs(d);
  if (kind == ScaleKind::F32) {
    // The division that made d has rounded it already.
    bool rounded =
        magnitude > 0 && magnitude < std::numeric_limits<float>::min();
    return rounded ? std::nextafter(d, std::copysign(1.0f, d)) : d;
  }
  if (magnitude >= kHalfMinNormal)
    return halfToFloat(floatToHalf(d));
  return std::copysign(std::ceil(magnitude * (1 / kHalfMin)) * kHalfMin, d);
}

std::string checkRtn(const Scheme &scheme) {
  if (std::string wrong = scheme.check(); !wrong.empty() || scheme.isFloat())
    return wrong;
  if (scheme.min == MinKind::Super || scheme.code == CodeKind::FloatCodebook)
    return "rounding to nearest has no rule for minima of super-blocks and codebooks of floats";
  bool book = scheme.code == CodeKind::Codebook;
  if (book && scheme.min != MinKind::None)
    return "rounding to nearest has no rule for codebooks with minima";
  if (book && std::all_of(scheme.codebook.begin(), scheme.codebook.end(),
                          [](int8_t entry) { return entry == 0; }))
    return "rounding to nearest needs a codebook with an entry that is not zero";
  int offset = scheme.min == MinKind::None && !book ? 1 << (scheme.bits - 1) : 0;
  if (scheme.offset != offset)
    return "rounding to nearest expects offset " + std::to_string(offset) +
           ", not " + std::to_string(scheme.offset);
  return "";
}

RtnResult quantizeRow(const float *x, const Scheme &scheme, int64_t k,
                      const RowView &out) {
  assert(checkRtn(scheme).empty() && "no rounding to this scheme");
  if (scheme.isFloat())
    return roundFloats(x, scheme.code, k, out.values);
  GroupRounder rounder(scheme, out);
  int64_t row = std::max<int64_t>(k, 1), size = scheme.groupSize ? scheme.groupSize : row;
  bool hasSuper = scheme.scale == ScaleKind::Super;
  int64_t super = hasSuper && scheme.superSize ? scheme.superSize : row;
  for (int64_t g = 0, begin = 0; begin < k; ++g, begin += size) {
    if (hasSuper && begin % super == 0)
      rounder.chooseSuperScale(x + begin, begin / super, begin, std::min(super, k - begin));
    if (rounder.result.fault == Fault::None)
      rounder.round(x + begin, g, begin, std::min(size, k - begin));
    if (rounder.result.fault != Fault::None)
      break;
  }
  return rounder.result;
}

std::string describe(const RtnResult &result) {
  std::string where = "element " + std::to_string(result.index);
  switch (result.fault) {
  case Fault::None:
    return "";
  case Fault::NotFinite:
    return where + " of a row is NaN or infinite: the weights are damaged, or "
                   "were saved with an overflow";
  case Fault::TooLarge:
    return "from " + where +
           " of a row on, weights are too large for 16-bit "
           "scales or values (65504); keep this tensor at 32 bits";
  }
  return "";
}

} // namespace qcc
