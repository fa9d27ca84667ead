//===- ScaleRefit.cpp - Scales and minima that suit given codes ------------===//
//
// The unknowns of a row are its groups' scales, then, where the scheme has them, its groups'
// minima. Their quadratic form is made by matrix products over a strip of rows and solved a row
// at a time.
//
//===----------------------------------------------------------------------===//
#include "compiler/Methods/ScaleRefit.h"

#include "compiler/Methods/Blas.h"
#include "compiler/Methods/Grid.h"
#include "dialects/QuantExt/Codec/Float16.h"
#include "dialects/QuantExt/Codec/Rtn.h"

#include <lapacke.h>

#include <algorithm>
#include <cmath>

namespace qcc {
namespace {

constexpr int kRounds = 4;

/// One row's scales and minima as numbers that can be changed.
class RowUnknowns {
public:
  RowUnknowns(const Scheme &scheme, const RowView &row, int64_t groups)
      : scheme(scheme), row(row), groups(groups),
        perSuper(scheme.superSize ? scheme.superSize / scheme.groupSize : groups) {}

  double get(int64_t p) const {
    GroupGrid group = groupGrid(scheme, row, p % groups);
    return p < groups ? group.scale : group.min;
  }

  /// Makes unknown p the value nearest to `wanted` that can be held; returns what it is then.
  double set(int64_t p, double wanted) {
    auto value = static_cast<float>(wanted);
    if (!std::isfinite(value))
      return get(p);
    if (p < groups)
      setScale(p, value);
    else
      setMin(p - groups, value);
    return get(p);
  }

private:
  void setScale(int64_t g, float value) {
    if (scheme.scale == ScaleKind::Super) {
      float d = row.superScales[g / perSuper];
      float lowest = scheme.min == MinKind::Super ? 0.0f : -128.0f;
      if (d != 0)
        row.subScales[g] =
            static_cast<int8_t>(std::min(std::max(std::rint(value / d), lowest), 127.0f));
      return;
    }
    float rounded = roundScale(value, scheme.scale);
    if (std::isfinite(rounded))
      row.scales[g] = rounded;
  }

  void setMin(int64_t g, float value) {
    if (scheme.min == MinKind::Super) {
      float d = row.superMins[g / perSuper];
      if (d != 0)
        row.subMins[g] =
            static_cast<uint8_t>(std::min(std::max(std::rint(-value / d), 0.0f), 63.0f));
      return;
    }
    float rounded = halfToFloat(floatToHalf(value));
    if (std::isfinite(rounded))
      row.mins[g] = rounded;
  }

  const Scheme &scheme;
  const RowView &row;
  int64_t groups, perSuper;
};

/// The quadratic form of one row: a step d changes the error by d A d - 2 b d.
struct Quadratic {
  int64_t size = 0;
  std::vector<double> a, b; ///< [size, size], [size]

  void resize(int64_t n) {
    size = n;
    a.assign(n * n, 0);
    b.assign(n, 0);
  }
  double &at(int64_t i, int64_t j) { return a[i * size + j]; }
  double change(const std::vector<double> &d) const {
    double sum = 0;
    for (int64_t i = 0; i < size; ++i) {
      double inner = 0;
      for (int64_t j = 0; j < size; ++j)
        inner += a[i * size + j] * d[j];
      sum += d[i] * (inner - 2 * b[i]);
    }
    return sum;
  }
  /// b as it is after step d.
  void take(const std::vector<double> &d) {
    for (int64_t i = 0; i < size; ++i)
      for (int64_t j = 0; j < size; ++j)
        b[i] -= a[i * size + j] * d[j];
  }
};

/// The refit of a strip.
class StripRefit {
public:
  StripRefit(const std::vector<float> &h, QuantizedMatrix &out, int64_t first, int64_t rows)
      : h(h), out(out), scheme(out.scheme), grid(out.scheme), k(out.k), first(first), rows(rows),
        groups(numGroups(out.scheme, out.k)),
        minima(scheme.min == MinKind::F16 || scheme.min == MinKind::Super) {}

  void run(const float *gradients) {
    forms.resize(rows);
    for (Quadratic &form : forms)
      form.resize(minima ? 2 * groups : groups);
    loadLevels();
    product.resize(rows * k);
    for (int64_t g = 0; g < groups; ++g)
      addScale(g, gradients);
    if (minima)
      addMinima(gradients);
    for (int64_t r = 0; r < rows; ++r)
      solve(r);
  }

private:
  void loadLevels() {
    levels.resize(rows * k);
    for (int64_t r = 0; r < rows; ++r) {
      RowView row = rowOf(out, first + r);
      for (int64_t g = 0; g < groups; ++g) {
        float offset = groupGrid(scheme, row, g).offset;
        GroupRange range = groupRange(scheme, k, g);
        for (int64_t i = range.begin; i < range.begin + range.count; ++i)
          levels[r * k + i] = grid.level(row.codes[i]) - offset;
      }
    }
  }

  /// The rows and columns of A that belong to the scale of group g: with V = levels_g H_g, its
  /// products with every other group's levels (and ones).
  void addScale(int64_t g, const float *gradients) {
    GroupRange range = groupRange(scheme, k, g);
    int64_t width = minima ? k : range.begin + range.count;
    multiply({rows, width, range.count}, &levels[range.begin], k, &h[range.begin * k], k,
             product.data(), k);
    for (int64_t r = 0; r < rows; ++r) {
      Quadratic &form = forms[r];
      const float *v = &product[r * k], *level = &levels[r * k];
      form.b[g] = dotProduct(level + range.begin, gradients + r * k + range.begin, range.count);
      for (int64_t other = 0; other <= g; ++other) {
        GroupRange o = groupRange(scheme, k, other);
        form.at(g, other) = form.at(other, g) = dotProduct(v + o.begin, level + o.begin, o.count);
      }
      for (int64_t other = 0; minima && other < groups; ++other) {
        GroupRange o = groupRange(scheme, k, other);
        form.at(g, groups + other) = form.at(groups + other, g) = sumOf(v + o.begin, o.count);
      }
    }
  }

  void addMinima(const float *gradients) {
    for (int64_t g = 0; g < groups; ++g) {
      GroupRange range = groupRange(scheme, k, g);
      for (int64_t r = 0; r < rows; ++r)
        forms[r].b[groups + g] = sumOf(gradients + r * k + range.begin, range.count);
      for (int64_t other = 0; other < groups; ++other) {
        GroupRange o = groupRange(scheme, k, other);
        double total = 0;
        for (int64_t i = range.begin; i < range.begin + range.count; ++i)
          total += sumOf(&h[i * k + o.begin], o.count);
        for (Quadratic &form : forms)
          form.at(groups + g, groups + other) = total;
      }
    }
  }

  void solve(int64_t r) {
    RowView row = rowOf(out, first + r);
    RowUnknowns unknowns(scheme, row, groups);
    Quadratic &form = forms[r];
    solveAtOnce(form, unknowns);
    for (int round = 0; round < kRounds; ++round) {
      bool changed = false;
      for (int64_t p = 0; p < form.size; ++p)
        changed |= solveOne(form, unknowns, p);
      if (!changed)
        break;
    }
  }

  void solveAtOnce(Quadratic &form, RowUnknowns &unknowns) {
    std::vector<double> a = form.a, step = form.b, before(form.size);
    for (int64_t p = 0; p < form.size; ++p)
      a[p * (form.size + 1)] += form.at(p, p) == 0 ? 1 : 1e-9 * form.at(p, p);
    auto size = static_cast<lapack_int>(form.size);
    if (LAPACKE_dposv_work(LAPACK_COL_MAJOR, 'L', size, 1, a.data(), size, step.data(), size) != 0)
      return;
    for (int64_t p = 0; p < form.size; ++p) {
      before[p] = unknowns.get(p);
      step[p] = unknowns.set(p, before[p] + step[p]) - before[p];
    }
    if (form.change(step) < 0)
      return form.take(step);
    for (int64_t p = 0; p < form.size; ++p)
      unknowns.set(p, before[p]);
  }

  static bool solveOne(Quadratic &form, RowUnknowns &unknowns, int64_t p) {
    double curvature = form.at(p, p), before = unknowns.get(p);
    if (!(curvature > 0))
      return false;
    double d = unknowns.set(p, before + form.b[p] / curvature) - before;
    if (d == 0)
      return false;
    if (!(d * (d * curvature - 2 * form.b[p]) < 0)) {
      unknowns.set(p, before);
      return false;
    }
    for (int64_t i = 0; i < form.size; ++i)
      form.b[i] -= form.at(i, p) * d;
    return true;
  }

  const std::vector<float> &h;
  QuantizedMatrix &out;
  const Scheme &scheme;
  Grid grid;
  int64_t k, first, rows, groups;
  bool minima;
  std::vector<float> levels, product; ///< [rows, K]
  std::vector<Quadratic> forms;       ///< of each row
};

} // namespace

void refitScales(const std::vector<float> &h, QuantizedMatrix &out, int64_t first, int64_t rows,
                 const std::vector<float> &gradients) {
  // The quadratic forms of many groups are large: fewer rows at a time then.
  int64_t groups = std::max<int64_t>(1, numGroups(out.scheme, out.k));
  int64_t strip = std::max<int64_t>(1, std::min(rows, (1 << 20) / (groups * groups)));
  for (int64_t r = 0; r < rows; r += strip)
    StripRefit(h, out, first + r, std::min(strip, rows - r)).run(gradients.data() + r * out.k);
}

} // namespace qcc
