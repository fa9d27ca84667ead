//===- CoordinateDescent.cpp - Changing codes and scales one at a time -----===//
//
// A strip of rows at a time: the gradients of all its rows are one matrix product; after that rows
// are on their own.
//
//===----------------------------------------------------------------------===//
#include "compiler/Methods/CoordinateDescent.h"

#include "compiler/Methods/Blas.h"
#include "compiler/Methods/Grid.h"
#include "compiler/Methods/ScaleRefit.h"

#include <algorithm>
#include <atomic>

namespace qcc {
namespace {

constexpr int64_t kStrip = 64, kChunk = 16;

/// H, its diagonal damped, and 1 / H_kk; 0 where no input was ever active, so nothing changes
/// there.
struct DampedHessian {
  std::vector<float> matrix, inverseCurvature;
};

/// Rows first .. first + rows of the matrix.
class StripDescent {
public:
  StripDescent(const DampedHessian &h, QuantizedMatrix &out, int64_t first, int64_t rows)
      : h(h), out(out), scheme(out.scheme), grid(out.scheme), k(out.k), first(first), rows(rows),
        groups(numGroups(out.scheme, out.k)) {}

  int64_t run(const float *w, const DescentOptions &options) {
    int64_t changed = 0;
    errors.resize(rows * k);
    values.resize(rows * k);
    gradients.resize(rows * k);
    for (int sweep = 0; sweep < options.sweeps; ++sweep) {
      if (options.refitScales) {
        computeGradients(w);
        refitScales(h.matrix, out, first, rows, gradients);
      }
      computeGradients(w);
      int64_t before = changed;
      for (int64_t r = 0; r < rows; ++r)
        changed += sweepRow(r);
      if (changed == before)
        break;
    }
    return changed;
  }

private:
  void computeGradients(const float *w) {
    for (int64_t r = 0; r < rows; ++r)
      load(w, r);
    multiply({rows, k, k}, errors.data(), k, h.matrix.data(), k, gradients.data(), k);
  }

  void load(const float *w, int64_t r) {
    RowView row = rowOf(out, first + r);
    for (int64_t g = 0; g < groups; ++g) {
      GroupRange range = groupRange(scheme, k, g);
      GroupGrid group = groupGrid(scheme, row, g);
      for (int64_t i = range.begin; i < range.begin + range.count; ++i)
        values[r * k + i] = group.scale * (grid.level(row.codes[i]) - group.offset) + group.min;
    }
    for (int64_t i = 0; i < k; ++i)
      errors[r * k + i] = w[(first + r) * k + i] - values[r * k + i];
  }

  int64_t sweepRow(int64_t r) {
    RowView row = rowOf(out, first + r);
    int64_t changed = 0;
    for (int64_t g = 0; g < groups; ++g) {
      GroupGrid group = groupGrid(scheme, row, g);
      if (group.scale == 0)
        continue;
      GroupRange range = groupRange(scheme, k, g);
      for (int64_t i = range.begin, end = range.begin + range.count; i < end;)
        i = sweepChunk(r, row.codes, group, i, std::min(kChunk, end - i), changed);
    }
    return changed;
  }

  /// Makes the first change among `count` elements from `begin` on; returns the element after it.
  int64_t sweepChunk(int64_t r, uint8_t *codes, const GroupGrid &group, int64_t begin,
                     int64_t count, int64_t &changed) {
    float *gradient = &gradients[r * k], *value = &values[r * k];
    uint8_t wanted[kChunk];
    wantedCodes(value + begin, gradient + begin, &h.inverseCurvature[begin], count, grid, group,
                wanted);
    for (int64_t i = begin; i < begin + count; ++i) {
      uint8_t code = wanted[i - begin];
      if (code == codes[i])
        continue;
      const float *column = &h.matrix[i * k];
      float q = group.scale * (grid.level(code) - group.offset) + group.min, d = q - value[i];
      if (!(d * (d * column[i] - 2 * gradient[i]) < 0))
        continue;
      codes[i] = code;
      value[i] = q;
      subtractScaled(column, d, k, gradient);
      ++changed;
      return i + 1;
    }
    return begin + count;
  }

  const DampedHessian &h;
  QuantizedMatrix &out;
  const Scheme &scheme;
  Grid grid;
  int64_t k, first, rows, groups;
  std::vector<float> errors, values, gradients; ///< [rows, K]: W - Q, Q, (W - Q) H
};

} // namespace

int64_t descend(const float *w, int64_t n, int64_t k, const InputStatistics &statistics,
                const DescentOptions &options, QuantizedMatrix &out) {
  DampedHessian h;
  h.matrix = statistics.hessian;
  double sum = 0;
  for (int64_t i = 0; i < k; ++i)
    sum += h.matrix[i * (k + 1)];
  for (int64_t i = 0; i < k; ++i) {
    float &diagonal = h.matrix[i * (k + 1)];
    bool dead = diagonal == 0;
    diagonal += static_cast<float>(options.damping * sum / k);
    h.inverseCurvature.push_back(dead ? 0 : 1 / diagonal);
  }
  std::atomic<int64_t> changed = 0;
  forEachStrip(n, kStrip, options.threads, [&](int64_t first, int64_t rows) {
    changed += StripDescent(h, out, first, rows).run(w, options);
  });
  return changed;
}

} // namespace qcc
