//===- Matrix.cpp - Making and addressing quantized matrices --------------===//
//
// Which vectors a scheme has, and how long they are, is said once, in
// `forEachVector`; allocation, resizing, row views and checks all follow it.
//
//===----------------------------------------------------------------------===//
#include "dialects/QuantExt/Codec/Matrix.h"

#include "dialects/QuantExt/Codec/Float16.h"

#include <cmath>

namespace qcc {
namespace {

/// Calls visit(name, vector of the matrix, row pointer of the view, length of a
/// row).
template <typename Matrix, typename Visit>
void forEachVector(Matrix &m, RowView &row, Visit visit) {
  const Scheme &s = m.scheme;
  int64_t groups = numGroups(s, m.k), supers = numSuperBlocks(s, m.k);
  bool isSuper = s.scale == ScaleKind::Super;
  bool perGroup = s.scale == ScaleKind::F16 || s.scale == ScaleKind::F32;
  visit("codes", m.codes, row.codes, s.isFloat() ? 0 : m.k);
  visit("values", m.values, row.values, s.isFloat() ? m.k : 0);
  visit("scales", m.scales, row.scales, perGroup ? groups : 0);
  visit("super-scales", m.superScales, row.superScales, isSuper ? supers : 0);
  visit("sub-scales", m.subScales, row.subScales, isSuper ? groups : 0);
  visit("minima", m.mins, row.mins, s.min == MinKind::F16 ? groups : 0);
  visit("super-minima", m.superMins, row.superMins,
        s.min == MinKind::Super ? supers : 0);
  visit("sub-minima", m.subMins, row.subMins,
        s.min == MinKind::Super ? groups : 0);
  visit("zero points", m.zeroPoints, row.zeroPoints,
        s.min == MinKind::ZeroPoint ? groups : 0);
}

std::string checkFloats(const char *name, const std::vector<float> &values,
                        bool asHalf) {
  for (size_t i = 0; i < values.size(); ++i) {
    std::string where = std::string(name) + " element " + std::to_string(i);
    if (!std::isfinite(values[i]))
      return where + " is not finite";
    if (asHalf && halfToFloat(floatToHalf(values[i])) != values[i])
      return where + " is no binary16 number";
  }
  return "";
}

std::string checkBytes(const char *name, const std::vector<uint8_t> &bytes,
                       unsigned largest) {
  for (size_t i = 0; i < bytes.size(); ++i)
    if (bytes[i] > largest)
      return std::string(name) + " element " + std::to_string(i) + " is " +
             std::to_string(bytes[i]) + ", beyond " + std::to_string(largest);
  return "";
}

} // namespace

QuantizedMatrix makeMatrix(const Scheme &scheme, int64_t n, int64_t k) {
  QuantizedMatrix m;
  m.scheme = scheme;
  m.k = k;
  reshape(m, n);
  return m;
}

void reshape(QuantizedMatrix &matrix, int64_t n) {
  RowView row;
  matrix.n = n;
  forEachVector(matrix, row,
                [n](const char *, auto &vector, auto *&, int64_t length) {
                  vector.resize(n * length);
                });
}

RowView rowOf(QuantizedMatrix &matrix, int64_t r) {
  RowView row;
  forEachVector(
      matrix, row,
      [r](const char *, auto &vector, auto *&pointer, int64_t length) {
        pointer = length ? vector.data() + r * length : nullptr;
      });
  return row;
}

std::string checkMatrix(const QuantizedMatrix &m) {
  if (std::string wrong = m.scheme.check(); !wrong.empty())
    return wrong;
  if (m.n < 0 || m.k < 0)
    return "a negative size";
  std::string wrong;
  RowView row;
  forEachVector(
      m, row, [&](const char *name, auto &vector, auto *&, int64_t length) {
        if (wrong.empty() && vector.size() != static_cast<size_t>(m.n * length))
          wrong = std::to_string(vector.size()) + " " + name + ", not " +
                  std::to_string(m.n * length);
      });
  auto run = [&](std::string result) {
    if (wrong.empty())
      wrong = std::move(result);
  };
  if (!m.scheme.isFloat())
    run(checkBytes("codes", m.codes, (1u << m.scheme.bits) - 1));
  run(checkFloats("values", m.values, false));
  run(checkFloats("scales", m.scales, m.scheme.scale == ScaleKind::F16));
  run(checkFloats("super-scales", m.superScales, true));
  run(checkFloats("minima", m.mins, true));
  run(checkFloats("super-minima", m.superMins, true));
  run(checkBytes("sub-minima", m.subMins, 63));
  return wrong;
}

} // namespace qcc
