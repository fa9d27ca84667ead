//===- Rtn.h - Rounding floats to the nearest element of a scheme ---------===//
//
// Turns rows of float weights into codes and scales, one row at a time, with no
// view of the data but the row itself. The scale is rounded to the type that
// holds it before the codes are chosen, so the codes are the nearest ones on
// the grid that will be used.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_DIALECTS_QUANTEXT_CODEC_RTN_H
#define QCC_DIALECTS_QUANTEXT_CODEC_RTN_H

#include "dialects/QuantExt/Codec/Matrix.h"

namespace qcc {

/// How rounding a row ended.
struct RtnResult {
  enum class Fault : uint8_t {
    None,
    NotFinite, ///< an element is NaN or infinite
    TooLarge,  ///< a scale, minimum or float code is beyond binary16's 65504
  };
  Fault fault = Fault::None;
  int64_t index = 0; ///< the element at fault (TooLarge: first of its group)
  /// Groups of nonzero elements whose scale is below 2^-20 (F32 scales: below
  /// the normal numbers). They are held, but on a grid up to 1/16 coarser than
  /// asked for, or more below 2^-24. F32 scales avoid that.
  int64_t coarseGroups = 0;
};

/// Empty when `quantizeRow` can round to the scheme, else why not. It can to
/// float codes, to Integer codes with no minimum, an F16 minimum or a zero
/// point, and to Codebook codes with no minimum.
std::string checkRtn(const Scheme &scheme);

/// Rounds k floats to one row of a matrix. With L = 2^bits - 1 and H =
/// 2^(bits-1), in float32, by group:
///
///   symmetric: m = the element of largest magnitude (the first), d = m / -H,
///              code = trunc(clamp(x / d + H + 0.5, 0, L))
///   8 bits:    d = max|x| / 127, code = trunc(clamp(x / d + 128.5, 1, 255))
///   ZeroPoint: lo = min(0, x), hi = max(0, x), d = hi / L - lo / L,
///              zero = min(trunc(0.5 - lo / d), L),
///              code = trunc(clamp(x / d + zero + 0.5, 0, L))
///   MinKind::F16: min = the largest binary16 <= x, d = hi / L - min / L,
///              code = trunc(clamp((x - min) / d + 0.5, 0, L))
///   Codebook:  d = m / e, e = the entry of largest magnitude (the first),
///              code = the entry nearest to x / d (the first)
///   Super:     D = max |d| / 127 over the groups of the super-block,
///              d = D * sub, sub = round-half-to-even(d / D), but not 0 for d != 0
///
/// d (D with Super) is rounded to the type that holds it before the codes are chosen: to
/// nearest, but away from zero below the type's normal numbers, so that the
/// grid still covers the group. A group of zeros has scale 0 and code = offset
/// (Codebook: the entry nearest to 0).
/// Float codes round to nearest even. On a fault the row's contents are
/// unspecified.
RtnResult quantizeRow(const float *x, const Scheme &scheme, int64_t k,
                      const RowView &out);

/// Rounds a scale to the type that holds it (F16 or F32; beyond binary16's range: infinite). Below
/// that type's normal numbers it rounds away from zero: the grid still covers the group, and no
/// scale of a nonzero group is zero.
float roundScale(float d, ScaleKind kind);

/// What to tell the user about a fault, without the tensor's name.
std::string describe(const RtnResult &result);

} // namespace qcc

#endif // QCC_DIALECTS_QUANTEXT_CODEC_RTN_H
