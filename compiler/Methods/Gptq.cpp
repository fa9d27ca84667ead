//===- Gptq.cpp - Codes that make up for one another's rounding ------------===//
//
// Rows do not depend on one another, so a strip of them is done at a time, transposed: a column of
// the strip is contiguous and all loops run along rows. Strips are of a fixed size, so results do
// not depend on the number of threads.
//
//===----------------------------------------------------------------------===//
#include "compiler/Methods/Gptq.h"

#include "compiler/Methods/Blas.h"
#include "compiler/Methods/Grid.h"
#include "compiler/Methods/ScaleSearch.h"

#include <algorithm>
#include <mutex>

namespace qcc {
namespace {

constexpr int64_t kStrip = 64, kBlock = 64;

/// The grids of a strip's rows, by group: scale[g * rows + r].
struct StripGrids {
  std::vector<float> scale, min, offset;

  void resize(int64_t count) {
    scale.resize(count);
    min.resize(count);
    offset.resize(count);
  }
  void set(int64_t i, const GroupGrid &group) {
    scale[i] = group.scale;
    min[i] = group.min;
    offset[i] = group.offset;
  }
  ColumnGrids at(int64_t i) const { return {&scale[i], &min[i], &offset[i]}; }
};

/// GPTQ on rows first .. first + rows.
class StripGptq {
public:
  StripGptq(const HessianFactor &factor, const float *u, const MethodOptions &options,
            QuantizedMatrix &out, int64_t first, int64_t rows)
      : factor(factor), u(u), options(options), out(out), scheme(out.scheme), grid(out.scheme),
        k(out.k), first(first), rows(rows), groups(numGroups(out.scheme, out.k)) {}

  void run(const float *w) {
    load(w);
    codes.resize(k * rows);
    errors.resize(blockSize() * rows);
    for (int64_t begin = 0; begin < k; begin += blockSize()) {
      int64_t end = std::min(begin + blockSize(), k);
      for (int64_t i = begin; i < end; ++i)
        column(i, begin, end);
      // w[end.., rows] -= U[begin .. end, end ..]^T errors[begin .. end, rows]
      if (end < k)
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, static_cast<int>(k - end),
                    static_cast<int>(rows), static_cast<int>(end - begin), -1.0f,
                    factor.row(begin) + end, static_cast<int>(k), errors.data(),
                    static_cast<int>(rows), 1.0f, &weights[end * rows], static_cast<int>(rows));
    }
    for (int64_t i = 0; i < k; ++i)
      for (int64_t r = 0; r < rows; ++r)
        out.codes[(first + r) * k + factor.column(i)] = codes[i * rows + r];
  }

  RtnResult result;
  int64_t faultRow = 0;

private:
  /// A scale that is chosen on the way needs all updates of its group before.
  int64_t blockSize() const {
    int64_t group = scheme.groupSize;
    if (!options.dynamicScales || group == 0)
      return kBlock;
    return group >= kBlock ? group : kBlock / group * group;
  }

  void load(const float *w) {
    weights.resize(k * rows);
    for (int64_t i = 0; i < k; ++i)
      for (int64_t r = 0; r < rows; ++r)
        weights[i * rows + r] = w[(first + r) * k + factor.column(i)];
    grids.resize(groups * rows);
    for (int64_t r = 0; r < rows; ++r) {
      RowView row = rowOf(out, first + r);
      for (int64_t g = 0; g < groups; ++g)
        grids.set(g * rows + r, groupGrid(scheme, row, g));
    }
  }

  void column(int64_t i, int64_t begin, int64_t end) {
    int64_t c = factor.column(i), g = scheme.groupSize ? c / scheme.groupSize : 0;
    if (options.dynamicScales && groupRange(scheme, k, g).begin == c)
      searchScales(g);
    const float *upper = factor.row(i);
    float *error = &errors[(i - begin) * rows], *weight = &weights[i * rows];
    encodeColumn(weight, rows, grid, grids.at(g * rows), &codes[i * rows], error);
    float inverse = 1 / upper[i];
    for (int64_t r = 0; r < rows; ++r)
      error[r] = (weight[r] - error[r]) * inverse;
    subtractOuter(upper + i + 1, error, end - i - 1, rows, weight + rows);
  }

  /// Chooses the scales of group g, whose first column comes now, in natural order.
  void searchScales(int64_t g) {
    GroupRange range = groupRange(scheme, k, g);
    std::vector<float> group(range.count);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < range.count; ++i)
        group[i] = weights[(range.begin + i) * rows + r];
      RowView row = rowOf(out, first + r);
      RtnResult found = searchGroup(group.data(), u ? u + range.begin : nullptr, scheme, grid,
                                    options.scales, range.count, g, row);
      if (found.fault != RtnResult::Fault::None && result.fault == RtnResult::Fault::None) {
        result = found;
        faultRow = first + r;
      }
      grids.set(g * rows + r, groupGrid(scheme, row, g));
    }
  }

  const HessianFactor &factor;
  const float *u;
  const MethodOptions &options;
  QuantizedMatrix &out;
  const Scheme &scheme;
  Grid grid;
  int64_t k, first, rows, groups;
  std::vector<float> weights; ///< [K, rows], columns in the factor's order
  std::vector<float> errors;  ///< [block, rows]
  std::vector<uint8_t> codes; ///< [K, rows]
  StripGrids grids;
};

} // namespace

RtnResult gptqCodes(const float *w, int64_t n, int64_t k, const HessianFactor &factor,
                    const float *u, const MethodOptions &options, QuantizedMatrix &out,
                    int64_t &faultRow) {
  RtnResult result;
  std::mutex mutex;
  forEachStrip(n, kStrip, options.threads, [&](int64_t first, int64_t rows) {
    StripGptq strip(factor, u, options, out, first, rows);
    strip.run(w);
    std::lock_guard<std::mutex> lock(mutex);
    bool none = result.fault == RtnResult::Fault::None;
    if (strip.result.fault != RtnResult::Fault::None && (none || strip.faultRow < faultRow)) {
      result = strip.result;
      faultRow = strip.faultRow;
    }
  });
  return result;
}

} // namespace qcc
