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

/// Rounding of the groups of one row.
class GroupRounder {
public:
  GroupRounder(const Scheme &scheme, const RowView &out)
      : scheme(scheme), out(out), top((1 << scheme.bits) - 1) {}

  /// Rounds group g, x[0, count), whose codes begin at element `begin`.
  void round(const float *x, int64_t g, int64_t begin, int64_t count) {
    Range range = rangeOf(x, count);
    if (!range.finite) {
      int64_t i = 0;
      while (std::isfinite(x[i]))
        ++i;
      return fail(Fault::NotFinite, begin + i);
    }
    group = g;
    first = begin;
    uint8_t *codes = out.codes + begin;
    if (scheme.min == MinKind::ZeroPoint)
      zeroPoint(x, range, count, codes);
    else if (scheme.min == MinKind::F16)
      minimum(x, range, count, codes);
    else
      symmetric(x, range, count, codes);
  }

  RtnResult result;

private:
  void fail(Fault fault, int64_t index) {
    result.fault = fault;
    result.index = index;
  }

  /// Stores the scale nearest to d and returns it; 0 for 0.
  float setScale(float d) {
    float rounded = roundScale(d, scheme.scale);
    if (!std::isfinite(rounded)) {
      fail(Fault::TooLarge, first);
      rounded = 0;
    }
    float coarse = scheme.scale == ScaleKind::F32
                       ? std::numeric_limits<float>::min()
                       : kCoarse;
    result.coarseGroups += d != 0 && std::fabs(d) < coarse;
    return out.scales[group] = rounded;
  }

  void symmetric(const float *x, Range r, int64_t count, uint8_t *codes) {
    float d, amax = std::max(r.highest, -r.lowest);
    bool even = scheme.bits == 8;
    if (even) {
      d = amax / 127;
    } else {
      bool negative = -r.lowest > r.highest;
      if (-r.lowest == r.highest)
        negative = *std::find_if(x, x + count, [amax](float f) {
          return std::fabs(f) == amax;
        }) < 0;
      d = (negative ? amax : -amax) /
          static_cast<float>(1 << (scheme.bits - 1));
    }
    d = amax == 0 ? setScale(0) : setScale(notZero(d));
    if (d == 0)
      return fill(codes, count, scheme.offset);
    encode(x, count, 0, d, static_cast<float>(scheme.offset) + 0.5f, even,
           static_cast<float>(top), codes);
  }

  void zeroPoint(const float *x, Range r, int64_t count, uint8_t *codes) {
    float low = std::min(r.lowest, 0.0f), high = std::max(r.highest, 0.0f);
    float d = 0;
    if (low != high)
      d = notZero(high / static_cast<float>(top) -
                  low / static_cast<float>(top));
    d = setScale(d);
    if (d == 0) {
      out.zeroPoints[group] = 0;
      return fill(codes, count, 0);
    }
    int32_t zero = std::min(static_cast<int32_t>(0.5f - low / d), top);
    out.zeroPoints[group] = static_cast<uint8_t>(zero);
    encode(x, count, 0, d, static_cast<float>(zero) + 0.5f, 0,
           static_cast<float>(top), codes);
  }

  void minimum(const float *x, Range r, int64_t count, uint8_t *codes) {
    float low = floorHalf(r.lowest);
    if (!std::isfinite(low))
      return fail(Fault::TooLarge, first);
    out.mins[group] = low;
    float d = 0;
    if (low != r.highest)
      d = notZero(r.highest / static_cast<float>(top) -
                  low / static_cast<float>(top));
    d = setScale(d);
    if (d == 0)
      return fill(codes, count, 0);
    encode(x, count, low, d, 0.5f, 0, static_cast<float>(top), codes);
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
  if (scheme.code != CodeKind::Integer || scheme.scale == ScaleKind::Super)
    return "rounding to nearest has no rule for codebooks and super-blocks";
  int offset = scheme.min == MinKind::None ? 1 << (scheme.bits - 1) : 0;
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
  int64_t size = scheme.groupSize ? scheme.groupSize : std::max<int64_t>(k, 1);
  for (int64_t g = 0, begin = 0; begin < k; ++g, begin += size) {
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
