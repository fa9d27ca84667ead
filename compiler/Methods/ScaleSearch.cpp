//===- ScaleSearch.cpp - Scales and minima of a row's groups ---------------===//
//
// Sixteen grids are tried in one pass over a group (Grid.h), so that the search is a handful of
// vectorized loops and a little scalar choosing between them.
//
//===----------------------------------------------------------------------===//
#include "compiler/Methods/ScaleSearch.h"

#include "dialects/QuantExt/Codec/Float16.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

namespace qcc {
namespace {

using Fault = RtnResult::Fault;

/// Magnitudes below this are left to round to nearest: squares would vanish.
constexpr float kTiny = 0x1p-60f;
constexpr float kFirstFactor = 0.775f, kFactorStep = 0.05f;

float roundHalf(float f) { return halfToFloat(floatToHalf(f)); }

struct Extremes {
  float low, high;
  float largest; ///< the first element of largest magnitude
  bool finite;
};

Extremes extremesOf(const float *x, int64_t count) {
  Extremes e = {x[0], x[0], x[0], true};
  for (int64_t i = 0; i < count; ++i) {
    e.finite &= std::isfinite(x[i]);
    e.low = std::min(e.low, x[i]);
    e.high = std::max(e.high, x[i]);
    if (std::fabs(x[i]) > std::fabs(e.largest))
      e.largest = x[i];
  }
  return e;
}

/// A grid and its E.
struct Found {
  GroupGrid group;
  double error = std::numeric_limits<double>::infinity();
};

/// The search on one group: x[0, count) with importance u.
class GroupSearch {
public:
  GroupSearch(const float *x, const float *u, int64_t count, const Grid &grid, MinKind kind,
              Extremes extremes)
      : x(x), u(u), count(count), grid(grid), kind(kind), e(extremes) {
    for (int64_t i = 0; i < count; ++i)
      weight += u[i];
  }

  /// The best grid with real scale and minimum.
  Found search() {
    if (kind == MinKind::ZeroPoint)
      searchZeroPoint();
    else if (kind == MinKind::None)
      searchSymmetric();
    else
      searchMinimum();
    return best;
  }

  /// E of the grids in `trials` as they are; the best of them and of `found`.
  void pick(const Trials &trials, Found &found) const {
    TrialSums sums;
    tryGrids(x, u, count, grid, trials, sums);
    for (int j = 0; j < kTrials; ++j)
      if (sums.rr[j] < found.error)
        found = {{trials.scale[j], trials.min[j], trials.offset[j]}, sums.rr[j]};
  }

  static void fill(Trials &t, const GroupGrid &group) {
    std::fill_n(t.scale, kTrials, group.scale);
    std::fill_n(t.min, kTrials, group.min);
    std::fill_n(t.offset, kTrials, group.offset);
  }

private:
  float clampMin(float min) const { return kind == MinKind::Super ? std::min(min, 0.0f) : min; }

  /// Replaces every trial by its least-squares refit. What that comes to with the codes as they
  /// were counts for `best`: the nearest codes can only be better.
  void refit(Trials &t) {
    TrialSums s;
    tryGrids(x, u, count, grid, t, s);
    for (int j = 0; j < kTrials; ++j) {
      double ll = s.ll[j], l = s.l[j], rl = s.rl[j], r = s.r[j];
      double determinant = ll * weight - l * l;
      bool affine =
          (kind == MinKind::F16 || kind == MinKind::Super) && determinant > 1e-9 * ll * weight;
      double ds = affine ? (rl * weight - r * l) / determinant : ll > 0 ? rl / ll : 0;
      double dm = affine ? (r * ll - rl * l) / determinant : 0;
      float min = clampMin(static_cast<float>(t.min[j] + dm));
      if (affine && min != static_cast<float>(t.min[j] + dm)) {
        dm = static_cast<double>(min) - t.min[j];
        ds = (rl - dm * l) / ll;
      }
      auto scale = static_cast<float>(t.scale[j] + ds);
      double error = s.rr[j] + ds * (ds * ll - 2 * rl) + dm * (dm * weight + 2 * ds * l - 2 * r);
      if (!std::isfinite(scale) || !std::isfinite(min) || !(error <= s.rr[j])) {
        scale = t.scale[j];
        min = t.min[j];
        error = s.rr[j];
      }
      t.scale[j] = scale;
      t.min[j] = min;
      if (error < best.error)
        best = {{scale, min, t.offset[j]}, error};
    }
  }

  static float factor(int j) { return kFirstFactor + kFactorStep * static_cast<float>(j); }

  void searchSymmetric() {
    Trials t;
    fill(t, {0, 0, grid.offset});
    for (float edge : {grid.lowest(), grid.highest()}) {
      if (edge == 0)
        continue;
      for (int j = 0; j < kTrials; ++j)
        t.scale[j] = e.largest / (edge * factor(j));
      refit(t);
    }
    float middle = best.group.scale;
    for (int j = 0; j < kTrials; ++j)
      t.scale[j] = middle * (1 + kFactorStep / 8 * (static_cast<float>(j) - 7.5f));
    refit(t);
    refit(t);
  }

  void searchZeroPoint() {
    Trials t;
    float low = std::min(e.low, 0.0f), high = std::max(e.high, 0.0f);
    float levels = grid.high - grid.low;
    for (float shift : {-1.0f, 0.0f, 1.0f}) {
      fill(t, {});
      for (int j = 0; j < kTrials; ++j) {
        t.scale[j] = (high / levels - low / levels) / factor(j);
        // The middle of what is clipped stays in the middle.
        float middle = (high / 2 + low / 2) / t.scale[j];
        float zero = std::rint(levels / 2 - middle) + shift;
        t.offset[j] = std::min(std::max(zero, 0.0f), levels);
      }
      refit(t);
      refit(t);
    }
  }

  void searchMinimum() {
    Trials t;
    float low = clampMin(e.low), levels = grid.highest() - grid.lowest();
    float high = std::max(e.high, low);
    fill(t, {0, 0, grid.offset});
    for (int j = 0; j < kTrials; ++j) {
      t.scale[j] = (high / levels - low / levels) / factor(j);
      // With factors above 1 both ends are clipped alike.
      float middle = (high / 2 + low / 2);
      float start = factor(j) > 1 ? middle - t.scale[j] * levels / 2 : low;
      t.min[j] = clampMin(start - t.scale[j] * grid.lowest());
    }
    refit(t);
    refit(t);
  }

  const float *x, *u;
  int64_t count;
  const Grid &grid;
  MinKind kind;
  Extremes e;
  double weight = 0;
  Found best;
};

/// The grid of plain rounding, for schemes that Rtn.h has no rule for.
GroupGrid plainGrid(const Grid &grid, MinKind kind, const Extremes &e) {
  if (kind == MinKind::None) {
    float low = grid.lowest(), high = grid.highest();
    // NF4's rule is |largest| where both ends are alike (Dettmers et al. 2023).
    bool negative = std::fabs(low) > std::fabs(high);
    return {negative ? e.largest / low : std::fabs(e.largest / high), 0, grid.offset};
  }
  float low = kind == MinKind::Super ? std::min(e.low, 0.0f) : e.low, high = std::max(e.high, low);
  float scale = (high - low) / (grid.highest() - grid.lowest());
  float min = low - scale * grid.lowest();
  return {scale, kind == MinKind::Super ? std::min(min, 0.0f) : min, grid.offset};
}

/// Importance to use for a group: all 1 when `u` is null or says nothing.
const float *importance(const float *u, int64_t count, std::vector<float> &ones) {
  if (u && std::any_of(u, u + count, [](float f) { return f > 0; }))
    return u;
  ones.assign(count, 1.0f);
  return ones.data();
}

void storeGroup(const Scheme &scheme, const GroupGrid &group, int64_t g, const RowView &out) {
  out.scales[g] = group.scale;
  if (scheme.min == MinKind::F16)
    out.mins[g] = group.min;
  if (scheme.min == MinKind::ZeroPoint)
    out.zeroPoints[g] = static_cast<uint8_t>(group.offset);
}

/// The binary16 `steps` away from f in magnitude, where there is one; else f.
float stepHalf(float f, int steps) {
  float to = halfToFloat(static_cast<uint16_t>(floatToHalf(f) + steps));
  return f == 0 || to == 0 || !std::isfinite(to) ? f : to;
}

/// Grids about `group` whose scale (and minimum) the scheme can hold.
Trials storable(const Scheme &scheme, const GroupGrid &group) {
  Trials t;
  GroupSearch::fill(t, group);
  bool halfScale = scheme.scale == ScaleKind::F16, halfMin = scheme.min == MinKind::F16;
  float scale = roundScale(group.scale, scheme.scale);
  float min = halfMin ? roundHalf(group.min) : group.min;
  for (int j = 0; j < kTrials; ++j) {
    t.scale[j] = halfScale ? stepHalf(scale, j % 3 - 1) : scale;
    t.min[j] = halfMin ? stepHalf(min, j / 3 % 3 - 1) : min;
  }
  return t;
}

bool fits(const GroupGrid &group, ScaleKind kind) {
  float limit = kind == ScaleKind::F32 ? std::numeric_limits<float>::max() : kHalfMax;
  return std::fabs(group.scale) <= limit && std::fabs(group.min) <= kHalfMax;
}

RtnResult fault(Fault kind, int64_t index) {
  RtnResult result;
  result.fault = kind;
  result.index = index;
  return result;
}

/// `out` with group g, whose elements begin at `begin`, as its first.
RowView fromGroup(const RowView &out, int64_t begin, int64_t g) {
  RowView view = out;
  view.codes += begin;
  view.scales += g;
  view.mins = out.mins ? out.mins + g : nullptr;
  view.zeroPoints = out.zeroPoints ? out.zeroPoints + g : nullptr;
  return view;
}

/// The super-block that begins with group `first` of a row.
class SuperSearch {
public:
  SuperSearch(const float *x, const float *u, const Scheme &scheme, const Grid &grid,
              ScaleMethod method, int64_t k, const RowView &out)
      : x(x), u(u), scheme(scheme), grid(grid), method(method), k(k), out(out) {}

  RtnResult search(int64_t super) {
    int64_t groups = numGroups(scheme, k);
    int64_t perSuper = scheme.superSize ? scheme.superSize / scheme.groupSize : groups;
    first = super * perSuper;
    last = std::min(first + perSuper, groups);
    wanted.clear();
    for (int64_t g = first; g < last; ++g) {
      GroupRange range = groupRange(scheme, k, g);
      Extremes e = extremesOf(x + range.begin, range.count);
      if (!e.finite)
        return notFinite(range);
      wanted.push_back(wantedGrid(range, e));
    }
    float d = 0, dmin = 0;
    for (const GroupGrid &group : wanted) {
      d = std::fabs(group.scale) > std::fabs(d) ? group.scale : d;
      dmin = std::max(dmin, -group.min);
    }
    bool minima = scheme.min == MinKind::Super;
    d = d == 0 ? 0 : roundScale(d / (minima ? 127.0f : -128.0f), ScaleKind::F16);
    dmin = dmin == 0 ? 0 : roundScale(dmin / 63, ScaleKind::F16);
    if (!fits({d, -dmin, 0}, ScaleKind::F16))
      return fault(Fault::TooLarge, groupRange(scheme, k, first).begin);
    out.superScales[super] = d;
    if (minima)
      out.superMins[super] = dmin;
    RtnResult result;
    result.coarseGroups = d != 0 && std::fabs(d) < 16 * kHalfMin;
    for (int64_t g = first; g < last; ++g)
      store(g, d, dmin);
    return result;
  }

private:
  RtnResult notFinite(GroupRange range) const {
    int64_t i = range.begin;
    while (std::isfinite(x[i]))
      ++i;
    return fault(Fault::NotFinite, i);
  }

  const float *importanceOf(GroupRange range) {
    bool used = method == ScaleMethod::Importance;
    return importance(used && u ? u + range.begin : nullptr, range.count, ones);
  }

  GroupGrid wantedGrid(GroupRange range, const Extremes &e) {
    GroupGrid group = plainGrid(grid, scheme.min, e);
    if (method != ScaleMethod::Rtn && std::fabs(e.largest) >= kTiny) {
      GroupSearch searcher(x + range.begin, importanceOf(range), range.count, grid, scheme.min, e);
      group = searcher.search().group;
    }
    if (scheme.min == MinKind::Super)
      group.scale = std::max(group.scale, 0.0f);
    return group;
  }

  void store(int64_t g, float d, float dmin) {
    GroupRange range = groupRange(scheme, k, g);
    const GroupGrid &group = wanted[g - first];
    bool minima = scheme.min == MinKind::Super;
    float sub = d == 0 ? 0 : std::rint(group.scale / d);
    float subMin = dmin == 0 ? 0 : std::rint(-group.min / dmin);
    Trials t;
    GroupSearch::fill(t, group);
    float lowest = minima ? 0.0f : -128.0f;
    for (int j = 0; j < kTrials; ++j) {
      bool nearest = method == ScaleMethod::Rtn || j == kTrials - 1;
      float a = nearest ? sub : sub + static_cast<float>(j % 5 - 2);
      float b = nearest ? subMin : subMin + static_cast<float>(j / 5 - 1);
      t.scale[j] = d * std::min(std::max(a, lowest), 127.0f);
      t.min[j] = -(dmin * std::min(std::max(b, 0.0f), 63.0f));
    }
    GroupSearch searcher(x + range.begin, importanceOf(range), range.count, grid, scheme.min, {});
    Found best;
    searcher.pick(t, best);
    if (!std::isfinite(best.error))
      best.group = {t.scale[kTrials - 1], t.min[kTrials - 1], grid.offset};
    out.subScales[g] = static_cast<int8_t>(d == 0 ? 0 : std::rint(best.group.scale / d));
    if (minima)
      out.subMins[g] = static_cast<uint8_t>(dmin == 0 ? 0 : std::rint(-best.group.min / dmin));
    encodeGroup(x + range.begin, range.count, grid, best.group, out.codes + range.begin);
  }

  const float *x, *u;
  const Scheme &scheme;
  const Grid &grid;
  ScaleMethod method;
  int64_t k;
  const RowView &out;
  int64_t first = 0, last = 0;
  std::vector<GroupGrid> wanted;
  std::vector<float> ones;
};

} // namespace

std::string checkSearch(const Scheme &scheme) {
  if (std::string wrong = scheme.check(); !wrong.empty() || scheme.isFloat())
    return wrong;
  if (scheme.min == MinKind::None && scheme.code == CodeKind::Integer && scheme.offset == 0)
    return "codes without offset and minimum hold no weights of both signs";
  Grid grid(scheme);
  if (grid.lowest() == 0 && grid.highest() == 0)
    return "a codebook of zeros holds no weights";
  return "";
}

RtnResult searchGroup(const float *x, const float *u, const Scheme &scheme, const Grid &grid,
                      ScaleMethod method, int64_t count, int64_t g, const RowView &out) {
  int64_t begin = scheme.groupSize * g;
  RtnResult result;
  Extremes e = extremesOf(x, count);
  GroupGrid start = plainGrid(grid, scheme.min, e);
  if (checkRtn(scheme).empty()) {
    result = quantizeRow(x, scheme, count, fromGroup(out, begin, g));
    result.index += begin;
    if (result.fault != Fault::None)
      return result;
    start = groupGrid(scheme, out, g);
  } else if (!e.finite) {
    const float *bad = std::find_if(x, x + count, [](float f) { return !std::isfinite(f); });
    return fault(Fault::NotFinite, begin + (bad - x));
  } else {
    start.scale = start.scale == 0 ? 0 : roundScale(start.scale, scheme.scale);
    start.min = scheme.min == MinKind::F16 ? roundHalf(start.min) : start.min;
    if (!fits(start, scheme.scale))
      return fault(Fault::TooLarge, begin);
    storeGroup(scheme, start, g, out);
    encodeGroup(x, count, grid, start, out.codes + begin);
  }
  if (method == ScaleMethod::Rtn || std::fabs(e.largest) < kTiny || start.scale == 0)
    return result;

  std::vector<float> ones;
  const float *weights = importance(method == ScaleMethod::Importance ? u : nullptr, count, ones);
  GroupSearch searcher(x, weights, count, grid, scheme.min, e);
  Found wanted = searcher.search(), best;
  if (!fits(wanted.group, scheme.scale))
    return result;
  Trials t = storable(scheme, wanted.group);
  t.scale[kTrials - 1] = start.scale;
  t.min[kTrials - 1] = start.min;
  t.offset[kTrials - 1] = start.offset;
  searcher.pick(t, best);
  if (!std::isfinite(best.error))
    return result;
  storeGroup(scheme, best.group, g, out);
  encodeGroup(x, count, grid, best.group, out.codes + begin);
  return result;
}

RtnResult searchRow(const float *x, const float *u, const Scheme &scheme, ScaleMethod method,
                    int64_t k, const RowView &out) {
  assert(checkSearch(scheme).empty() && "no search for this scheme");
  if (scheme.isFloat() || (method == ScaleMethod::Rtn && checkRtn(scheme).empty()))
    return quantizeRow(x, scheme, k, out);
  Grid grid(scheme);
  RtnResult result;
  SuperSearch supers(x, u, scheme, grid, method, k, out);
  bool super = scheme.scale == ScaleKind::Super;
  int64_t parts = super ? numSuperBlocks(scheme, k) : numGroups(scheme, k);
  for (int64_t p = 0; p < parts && result.fault == Fault::None; ++p) {
    int64_t coarse = result.coarseGroups;
    GroupRange range = groupRange(scheme, k, super ? 0 : p);
    result = super ? supers.search(p)
                   : searchGroup(x + range.begin, u ? u + range.begin : nullptr, scheme, grid,
                                 method, range.count, p, out);
    result.coarseGroups += coarse;
  }
  return result;
}

} // namespace qcc
