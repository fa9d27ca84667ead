//===- Grid.h - The values that a group of weights can take ----------------===//
//
// Every scheme's group is scale * (level - offset) + min for the levels of a small table. The
// methods are written once over that: Grid is the table with its nearest-level rule, GroupGrid one
// group's numbers, and the kernels below are the loops where time goes, made to vectorize.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_METHODS_GRID_H
#define QCC_COMPILER_METHODS_GRID_H

#include "dialects/QuantExt/Codec/Matrix.h"

#include <array>

namespace qcc {

/// Entries of the largest table.
constexpr unsigned kMaxLevels = 32;

/// The levels of a scheme's codes.
struct Grid {
  explicit Grid(const Scheme &scheme);

  bool uniform;                            ///< level = code, from `low` to `high`; else the table
  float low, high;                         ///< least and greatest level that quantizers use
  float offset;                            ///< Scheme::offset; zero points come in its place
  unsigned size = 0;                       ///< entries of the table: 4, 8, 16 or 32; uniform: 0
  std::array<float, kMaxLevels> levels{};  ///< ascending
  std::array<uint8_t, kMaxLevels> codes{}; ///< the code of each
  std::array<float, kMaxLevels> decoded{}; ///< the level of each code
  /// levels[i] - levels[i - 1], and where it begins to be added: the midpoint.
  std::array<float, kMaxLevels> steps{}, bounds{};

  float level(uint8_t code) const { return uniform ? static_cast<float>(code) : decoded[code]; }
  float lowest() const { return low - offset; }
  float highest() const { return high - offset; }
};

/// value = scale * (level - offset) + min.
struct GroupGrid {
  float scale = 0, min = 0, offset = 0;
};

/// The numbers of group g of a row, as QuantizationSemantics Q4 and Q5 define them.
GroupGrid groupGrid(const Scheme &scheme, const RowView &row, int64_t g);

/// Elements of K in group g: begin and count.
struct GroupRange {
  int64_t begin, count;
};
GroupRange groupRange(const Scheme &scheme, int64_t k, int64_t g);

/// Several grids are tried at once, one a lane.
constexpr int kTrials = 16;

/// Grids to try on one group.
struct Trials {
  alignas(64) float scale[kTrials], min[kTrials], offset[kTrials];
};

/// For each trial, with l = nearest level - offset and r = x - scale * l - min, the sums over the
/// group of u r r, u r l, u l l, u r, u l (u: importance).
struct TrialSums {
  alignas(64) float rr[kTrials], rl[kTrials], ll[kTrials], r[kTrials], l[kTrials];
};

/// x and u: count elements. A scale of 0 stands for level - offset = 0.
void tryGrids(const float *x, const float *u, int64_t count, const Grid &grid, const Trials &trials,
              TrialSums &sums);

/// The nearest codes of x[0, count) on one group's grid.
void encodeGroup(const float *x, int64_t count, const Grid &grid, const GroupGrid &group,
                 uint8_t *codes);

/// The nearest codes, their values q and the distances x - q of one column: element r is on the
/// grid scale[r], min[r], offset[r].
struct ColumnGrids {
  const float *scale, *min, *offset;
};
void encodeColumn(const float *x, int64_t rows, const Grid &grid, const ColumnGrids &grids,
                  uint8_t *codes, float *q);

/// What coordinate descent would make of elements with values `q`, gradients and inverse
/// curvatures (CoordinateDescent.h): the codes nearest to q + gradient / curvature.
void wantedCodes(const float *q, const float *gradient, const float *inverseCurvature,
                 int64_t count, const Grid &grid, const GroupGrid &group, uint8_t *codes);

/// sum a[i] b[i], and sum a[i], by sixteen partial sums in float32: for a group's elements.
float dotProduct(const float *a, const float *b, int64_t count);
float sumOf(const float *a, int64_t count);

/// to[i] -= factor * from[i].
void subtractScaled(const float *from, float factor, int64_t count, float *to);

/// to[j, r] -= factors[j] * from[r], to of shape [count, rows].
void subtractOuter(const float *factors, const float *from, int64_t count, int64_t rows, float *to);

} // namespace qcc

#endif // QCC_COMPILER_METHODS_GRID_H
