//===- Presets.cpp - The schemes that have names --------------------------===//
//
// Values only. The GGUF schemes follow the dequantization of gguf-py's
// quants.py.
//
//===----------------------------------------------------------------------===//
#include "dialects/QuantExt/Codec/Presets.h"

#include <algorithm>
#include <cassert>

namespace qcc {
namespace {

Scheme integer(unsigned bits, unsigned groupSize, int offset, ScaleKind scale,
               MinKind min, unsigned superSize = 0) {
  Scheme s;
  s.code = CodeKind::Integer;
  s.bits = bits;
  s.groupSize = groupSize;
  s.offset = offset;
  s.scale = scale;
  s.min = min;
  s.superSize = superSize;
  return s;
}

Scheme superBlocks(unsigned bits, unsigned groupSize, int offset, MinKind min) {
  return integer(bits, groupSize, offset, ScaleKind::Super, min, 256);
}

/// The entries of the non-linear grids; 4 bits: IQ4_NL's.
std::vector<int8_t> entries(unsigned bits) {
  if (bits == 2)
    return {-127, -43, 16, 85};
  if (bits == 3)
    return {-127, -77, -45, -18, 7, 33, 63, 104};
  if (bits == 5)
    return {-127, -113, -100, -90, -81, -73, -65, -58, -51, -44, -37, -31, -25, -19, -13, -7,
            -1,   5,    11,   17,  23,  30,  37,  44,  51,  59,  66,  74,  83,  92,  102, 119};
  return {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
}

GgufType kQuantOf(unsigned bits) {
  constexpr GgufType types[] = {GgufType::Q2_K, GgufType::Q3_K, GgufType::Q4_K, GgufType::Q5_K,
                                GgufType::Q6_K};
  assert(bits >= 2 && bits <= 6 && "K-quants have 2 to 6 bits");
  return types[bits - 2];
}

} // namespace

Scheme floatScheme(CodeKind kind) {
  Scheme s;
  s.code = kind;
  s.bits = kind == CodeKind::F32 ? 32 : 16;
  assert(s.isFloat() && "not a float code");
  return s;
}

Scheme integerScheme(unsigned bits, unsigned groupSize, bool asymmetric) {
  assert(bits >= 2 && bits <= 8 && "integer codes have 2 to 8 bits");
  return asymmetric
             ? integer(bits, groupSize, 0, ScaleKind::F16, MinKind::ZeroPoint)
             : integer(bits, groupSize, 1 << (bits - 1), ScaleKind::F16,
                       MinKind::None);
}

Scheme codebookScheme(unsigned bits, unsigned groupSize, bool superScales) {
  assert(bits >= 2 && bits <= 5 && "codebooks have 2 to 5 bits");
  Scheme s = integer(bits, groupSize, 0, ScaleKind::F16, MinKind::None);
  s.code = CodeKind::Codebook;
  s.codebook = entries(bits);
  return superScales ? withSuperScales(std::move(s)) : s;
}

Scheme nf4Scheme(unsigned groupSize, bool superScales) {
  Scheme s = integer(4, groupSize, 0, ScaleKind::F16, MinKind::None);
  s.code = CodeKind::FloatCodebook;
  s.floatCodebook = {-1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f, 0.0f, 0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f};
  return superScales ? withSuperScales(std::move(s)) : s;
}

Scheme withSuperScales(Scheme scheme) {
  assert(scheme.scale == ScaleKind::F16 && scheme.groupSize != 0 && "no scales of groups");
  scheme.scale = ScaleKind::Super;
  return scheme;
}

static constexpr std::string_view kGridNames[] = {"integer", "codebook", "nf4", "kquant"};

std::string_view gridName(GridKind kind) { return kGridNames[static_cast<size_t>(kind)]; }

std::optional<GridKind> gridOfName(std::string_view name) {
  auto found = std::find(std::begin(kGridNames), std::end(kGridNames), name);
  if (found == std::end(kGridNames))
    return std::nullopt;
  return static_cast<GridKind>(found - std::begin(kGridNames));
}

bool GridChoice::operator==(const GridChoice &o) const {
  return bits == o.bits && group == o.group && asymmetric == o.asymmetric &&
         kind == o.kind && superScales == o.superScales;
}

std::string checkGrid(const GridChoice &choice) {
  if (choice.bits == 16)
    return "";
  if (choice.bits < 2 || choice.bits > 8)
    return "bits must be 2 to 8, or 16";
  if (choice.group % 16 != 0 || choice.group > 4096)
    return "a group must be a multiple of 16 up to 4096, or 0 for a row";
  if (choice.superScales && choice.group == 0)
    return "scales in int8 need groups";
  if (choice.kind == GridKind::Nf4 && choice.bits != 4)
    return "nf4 has 4 bits";
  if (choice.kind == GridKind::Nf4 && choice.group == 0)
    return "nf4 has groups";
  if (choice.kind == GridKind::KQuant && choice.bits > 6)
    return "kquant has 2 to 6 bits";
  return "";
}

Scheme gridScheme(const GridChoice &choice) {
  if (choice.bits == 16)
    return floatScheme(CodeKind::F16);
  if (choice.kind == GridKind::Nf4)
    return nf4Scheme(choice.group, choice.superScales);
  if (choice.kind == GridKind::KQuant)
    return ggufScheme(kQuantOf(choice.bits));
  Scheme scheme =
      choice.kind == GridKind::Codebook && choice.bits <= 5
          ? codebookScheme(choice.bits, choice.group, false)
          : integerScheme(choice.bits, choice.group, choice.asymmetric && choice.bits < 8);
  return choice.superScales && choice.group != 0 ? withSuperScales(std::move(scheme)) : scheme;
}

Scheme ggufScheme(GgufType type) {
  switch (type) {
  case GgufType::F32:
    return floatScheme(CodeKind::F32);
  case GgufType::F16:
    return floatScheme(CodeKind::F16);
  case GgufType::BF16:
    return floatScheme(CodeKind::BF16);
  case GgufType::Q4_0:
    return integerScheme(4, 32, false);
  case GgufType::Q4_1:
    return integer(4, 32, 0, ScaleKind::F16, MinKind::F16);
  case GgufType::Q5_0:
    return integerScheme(5, 32, false);
  case GgufType::Q5_1:
    return integer(5, 32, 0, ScaleKind::F16, MinKind::F16);
  case GgufType::Q8_0:
    return integerScheme(8, 32, false);
  case GgufType::Q2_K:
    return superBlocks(2, 16, 0, MinKind::Super);
  case GgufType::Q3_K:
    return superBlocks(3, 16, 4, MinKind::None);
  case GgufType::Q4_K:
    return superBlocks(4, 32, 0, MinKind::Super);
  case GgufType::Q5_K:
    return superBlocks(5, 32, 0, MinKind::Super);
  case GgufType::Q6_K:
    return superBlocks(6, 16, 32, MinKind::None);
  case GgufType::IQ4_NL:
    return codebookScheme(4, 32, false);
  case GgufType::IQ4_XS: {
    Scheme s = codebookScheme(4, 32, true);
    s.superSize = 256;
    return s;
  }
  }
  assert(false && "not a GgufType");
  return Scheme();
}

} // namespace qcc
