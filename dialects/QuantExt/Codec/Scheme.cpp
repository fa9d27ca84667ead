//===- Scheme.cpp - Consistency and cost of a scheme ----------------------===//
//
// check() is the one place that says which combinations of fields exist;
// everything after it (packing, reference, code generation) relies on that.
//
//===----------------------------------------------------------------------===//
#include "dialects/QuantExt/Codec/Scheme.h"

#include <cmath>

namespace qcc {
namespace {

int64_t ceilDiv(int64_t a, int64_t b) { return a / b + (a % b != 0); }

std::string checkFloat(const Scheme &s) {
  if (s.bits != (s.code == CodeKind::F32 ? 32u : 16u))
    return "float codes of " + std::to_string(s.bits) + " bits";
  if (s.scale != ScaleKind::None || s.min != MinKind::None || s.offset != 0 || s.groupSize != 0 ||
      s.superSize != 0)
    return "float codes have no groups, scales, minima or offset";
  return s.codebook.empty() && s.floatCodebook.empty() ? "" : "a codebook without codebook codes";
}

std::string checkCodes(const Scheme &s) {
  bool book = s.code == CodeKind::Codebook;
  if (book && (s.bits < 2 || s.bits > 5 || s.codebook.size() != size_t(1) << s.bits))
    return "a codebook has codes of 2 to 5 bits and an entry for each of them";
  bool floats = s.code == CodeKind::FloatCodebook;
  if (floats && (s.bits != 4 || s.floatCodebook.size() != 16))
    return "a codebook of floats has 16 entries and codes of 4 bits";
  if (floats && s.offset != 0)
    return "a codebook of floats has no offset";
  for (float entry : s.floatCodebook)
    if (!std::isfinite(entry))
      return "a codebook entry is not finite";
  if ((!book && !s.codebook.empty()) || (!floats && !s.floatCodebook.empty()))
    return "a codebook without codebook codes";
  if (s.bits < 2 || s.bits > 8)
    return "integer codes of " + std::to_string(s.bits) + " bits; 2 to 8 are possible";
  if (s.offset < -255 || s.offset > 255)
    return "offset " + std::to_string(s.offset) + " is not within -255..255";
  return "";
}

std::string checkGroups(const Scheme &s) {
  if (s.groupSize % 16 != 0)
    return "group size " + std::to_string(s.groupSize) + " is no multiple of 16";
  if (s.scale != ScaleKind::Super)
    return s.superSize == 0 ? "" : "super-blocks without ScaleKind::Super";
  if (s.groupSize == 0)
    return "super-blocks need groups, not one scale for a row";
  if (s.superSize % s.groupSize != 0)
    return "super-block size " + std::to_string(s.superSize) + " is no multiple of group size " +
           std::to_string(s.groupSize);
  return "";
}

} // namespace

bool Scheme::operator==(const Scheme &o) const {
  return code == o.code && bits == o.bits && groupSize == o.groupSize && offset == o.offset &&
         scale == o.scale && min == o.min && superSize == o.superSize && codebook == o.codebook &&
         floatCodebook == o.floatCodebook;
}

std::string Scheme::check() const {
  if (isFloat())
    return checkFloat(*this);
  if (scale == ScaleKind::None)
    return "integer and codebook codes need scales";
  if (std::string wrong = checkCodes(*this); !wrong.empty())
    return wrong;
  if (min == MinKind::Super && scale != ScaleKind::Super)
    return "MinKind::Super without ScaleKind::Super";
  if (min == MinKind::ZeroPoint && (code != CodeKind::Integer || offset != 0))
    return "zero points need integer codes and offset 0";
  return checkGroups(*this);
}

double Scheme::bitsPerWeight(int64_t k) const {
  if (k <= 0)
    return bits;
  double group = 0, super = 0;
  if (scale == ScaleKind::F16)
    group += 16;
  if (scale == ScaleKind::F32)
    group += 32;
  if (scale == ScaleKind::Super)
    group += 8, super += 16;
  if (min == MinKind::F16)
    group += 16;
  if (min == MinKind::Super)
    group += 8, super += 16;
  if (min == MinKind::ZeroPoint)
    group += 8;
  return bits + (group * numGroups(*this, k) + super * numSuperBlocks(*this, k)) / k;
}

int64_t numGroups(const Scheme &s, int64_t k) {
  if (s.isFloat() || k <= 0)
    return 0;
  return s.groupSize == 0 ? 1 : ceilDiv(k, s.groupSize);
}

int64_t numSuperBlocks(const Scheme &s, int64_t k) {
  if (s.scale != ScaleKind::Super || k <= 0)
    return 0;
  return s.superSize == 0 ? 1 : ceilDiv(k, s.superSize);
}

int64_t unitPart(const Scheme &s) { return s.groupSize % 32 == 0 ? 32 : 16; }

} // namespace qcc
