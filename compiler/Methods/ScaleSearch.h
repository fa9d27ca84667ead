//===- ScaleSearch.h - Scales and minima of a row's groups -----------------===//
//
// Rounding to nearest takes the scale that just covers a group. A smaller grid that clips the
// largest weights a little, or one laid so that the weights on busy input channels fall near its
// levels, loses less. The search tries grids and refits the best ones by least squares.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_METHODS_SCALESEARCH_H
#define QCC_COMPILER_METHODS_SCALESEARCH_H

#include "compiler/Methods/Grid.h"
#include "compiler/Methods/Methods.h"
#include "dialects/QuantExt/Codec/Rtn.h"

namespace qcc {

/// Chooses scales, minima or zero points of a row x[k] and its nearest codes. With importance u[k]
/// (not negative; null: all 1; a group where all are 0 counts as all 1), least
///
///     E = sum u_k (x_k - q_k)^2        for each group
///
/// ScaleMethod::Rtn is quantizeRow where that has a rule. For codebooks the element of largest
/// magnitude falls on the level of largest magnitude; for super-blocks see below.
///
/// The search (Mse, Importance), by kind of grid, l(s) the levels nearest to x / s:
///   no minimum   s in M / (e f), M the element of largest magnitude, e the lowest and the highest
///                level, f in 0.775 .. 1.525; then 16 values about the best; from each, s = sum u x
///                l / sum u l^2 (which maximises (sum u x l)^2 / sum u l^2), twice
///   zero point   s in (hi - lo) / (L f), z = round(-lo / s) + {-1, 0, 1}, refitted the same way
///   minimum      s likewise, min = lo; refit by the 2 x 2 normal equations of s and min
/// and at last the scale's neighbours in the type that holds it, with the outcome of round to
/// nearest among them, so E is never above that.
///
/// Super-blocks: the groups' own scales and minima come first (minima not above 0 where they are
/// subtracted); d = (the largest) / -128, or / 127 where there are minima, dmin = (the largest
/// minimum) / 63, both rounded to binary16; then for each group the sub-scale and sub-minimum with
/// the least E among those about s / d and m / dmin.
///
/// The scale is rounded to the type that holds it before codes are chosen. For ScaleMethod::Mse, u
/// is ignored. Float schemes are rounded as by quantizeRow. On a fault the row's contents are
/// unspecified.
RtnResult searchRow(const float *x, const float *u, const Scheme &scheme, ScaleMethod method,
                    int64_t k, const RowView &out);

/// The same for one group, x[0, count) (with u of the same place or null); not for super-blocks.
/// Fills group g of `out`: scale, minimum or zero point, and codes.
RtnResult searchGroup(const float *x, const float *u, const Scheme &scheme, const Grid &grid,
                      ScaleMethod method, int64_t count, int64_t g, const RowView &out);

/// Empty when searchRow can, else why not.
std::string checkSearch(const Scheme &scheme);

} // namespace qcc

#endif // QCC_COMPILER_METHODS_SCALESEARCH_H
