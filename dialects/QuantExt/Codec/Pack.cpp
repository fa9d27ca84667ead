//===- Pack.cpp - Packing and unpacking of matrices -----------------------===//
//
// Codes are packed four at a time: a quad is one 32-bit word with a code in
// each byte, and shifts and masks of whole words put quads into bit planes.
// Little-endian hosts only, as every target of the compiler is.
//
//===----------------------------------------------------------------------===//
#include "dialects/QuantExt/Codec/Layout.h"

#include "dialects/QuantExt/Codec/Float16.h"
#include "dialects/QuantExt/Codec/Matrix.h"

#include <algorithm>
#include <cassert>
#include <cstring>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "packed words are little-endian");

namespace qcc {
namespace {

int64_t ceilDiv(int64_t a, int64_t b) { return a / b + (a % b != 0); }

/// What elements that do not exist have for a code.
uint8_t paddingCode(const Scheme &s) {
  return static_cast<uint8_t>(
      std::clamp(s.offset, 0, static_cast<int>((1u << s.bits) - 1)));
}

/// Visits how the quads of a unit lie in its words, for codes of Bits bits:
/// visit(word, bit in each byte of the word, quad, bit in each code, mask of
/// the plane's width in each byte).
template <unsigned Bits, typename Visit> void forEachPart(Visit visit) {
  unsigned firstWord = 0, shift = 0;
  for (unsigned width = 8; width > 0; width /= 2) {
    if (!(Bits & width))
      continue;
    uint32_t mask = ((1u << width) - 1) * 0x01010101u;
    unsigned perWord = 8 / width;
    for (unsigned word = 0; word < width; ++word)
      for (unsigned c = 0; c < perWord; ++c)
        visit(firstWord + word, width * c, perWord * word + c, shift, mask);
    firstWord += width;
    shift += width;
  }
}

/// Packs 32 codes into Bits words, `stride` words apart.
template <unsigned Bits>
void packUnit(const uint8_t *codes, uint32_t *words, int64_t stride) {
  uint32_t quads[8], packed[Bits] = {};
  std::memcpy(quads, codes, sizeof quads);
  forEachPart<Bits>([&](unsigned word, unsigned at, unsigned quad,
                        unsigned shift, uint32_t mask) {
    packed[word] |= ((quads[quad] >> shift) & mask) << at;
  });
  for (unsigned word = 0; word < Bits; ++word)
    words[word * stride] = packed[word];
}

template <unsigned Bits>
void unpackUnit(const uint32_t *words, int64_t stride, uint8_t *codes) {
  uint32_t quads[8] = {};
  forEachPart<Bits>([&](unsigned word, unsigned at, unsigned quad,
                        unsigned shift, uint32_t mask) {
    quads[quad] |= ((words[word * stride] >> at) & mask) << shift;
  });
  std::memcpy(codes, quads, sizeof quads);
}

/// Packs the codes of up to `lanes` rows, k codes each, as one tile.
template <unsigned Bits>
void packCodes(const uint8_t *codes, int64_t rows, int64_t k, int64_t lanes,
               uint8_t padding, uint32_t *out) {
  uint8_t last[kUnit];
  for (int64_t u = 0; u < k / kUnit; ++u)
    for (int64_t lane = 0; lane < rows; ++lane)
      packUnit<Bits>(codes + lane * k + u * kUnit,
                     out + u * Bits * lanes + lane, lanes);
  if (int64_t rest = k % kUnit) {
    for (int64_t lane = 0; lane < rows; ++lane) {
      std::memset(last, padding, sizeof last);
      std::memcpy(last, codes + lane * k + k - rest, rest);
      packUnit<Bits>(last, out + k / kUnit * Bits * lanes + lane, lanes);
    }
  }
  std::memset(last, padding, sizeof last);
  for (int64_t u = 0; u < ceilDiv(k, kUnit); ++u)
    for (int64_t lane = rows; lane < lanes; ++lane)
      packUnit<Bits>(last, out + u * Bits * lanes + lane, lanes);
}

template <unsigned Bits>
void unpackCodes(const uint32_t *words, int64_t rows, int64_t k, int64_t lanes,
                 uint8_t *codes) {
  uint8_t unit[kUnit];
  for (int64_t u = 0; u < ceilDiv(k, kUnit); ++u) {
    for (int64_t lane = 0; lane < rows; ++lane) {
      unpackUnit<Bits>(words + u * Bits * lanes + lane, lanes, unit);
      std::memcpy(codes + lane * k + u * kUnit, unit,
                  std::min(kUnit, k - u * kUnit));
    }
  }
}

/// Calls function(std::integral_constant<unsigned, bits>), bits = 2..8.
template <typename Function> void withBits(unsigned bits, Function function) {
  switch (bits) {
  case 2:
    return function(std::integral_constant<unsigned, 2>());
  case 3:
    return function(std::integral_constant<unsigned, 3>());
  case 4:
    return function(std::integral_constant<unsigned, 4>());
  case 5:
    return function(std::integral_constant<unsigned, 5>());
  case 6:
    return function(std::integral_constant<unsigned, 6>());
  case 7:
    return function(std::integral_constant<unsigned, 7>());
  case 8:
    return function(std::integral_constant<unsigned, 8>());
  }
  assert(false && "integer codes have 2 to 8 bits");
}

/// rows x count of From, to count x lanes of To; lanes without a row become 0.
/// Goes by blocks of columns, so that both sides stay in the nearest cache, and
/// converts a block before it scatters it, so that the conversion vectorizes.
template <typename To, typename From, typename Convert>
void transpose(const From *from, int64_t rows, int64_t count, int64_t lanes,
               uint8_t *out, Convert convert) {
  To *to = reinterpret_cast<To *>(out);
  if (rows < lanes)
    std::memset(out, 0, count * lanes * sizeof(To));
  constexpr int64_t block = 64;
  To converted[block];
  for (int64_t begin = 0; begin < count; begin += block) {
    int64_t length = std::min(block, count - begin);
    for (int64_t lane = 0; lane < rows; ++lane) {
      for (int64_t i = 0; i < length; ++i)
        converted[i] = convert(from[lane * count + begin + i]);
      for (int64_t i = 0; i < length; ++i)
        to[(begin + i) * lanes + lane] = converted[i];
    }
  }
}

/// The inverse: count x lanes of From, to rows x count of To.
template <typename From, typename To, typename Convert>
void transposeBack(const uint8_t *in, int64_t rows, int64_t count,
                   int64_t lanes, To *to, Convert convert) {
  const From *from = reinterpret_cast<const From *>(in);
  for (int64_t i = 0; i < count; ++i)
    for (int64_t lane = 0; lane < rows; ++lane)
      to[lane * count + i] = convert(from[i * lanes + lane]);
}

using Element = Component::Element;

void packFloats(const float *from, Element element, int64_t rows, int64_t count,
                int64_t lanes, uint8_t *out) {
  if (element == Element::F16)
    return transpose<uint16_t>(from, rows, count, lanes, out,
                               [](float f) { return floatToHalf(f); });
  if (element == Element::BF16)
    return transpose<uint16_t>(from, rows, count, lanes, out,
                               [](float f) { return floatToBfloat(f); });
  transpose<float>(from, rows, count, lanes, out, [](float f) { return f; });
}

void unpackFloats(const uint8_t *in, Element element, int64_t rows,
                  int64_t count, int64_t lanes, float *to) {
  if (element == Element::F16)
    return transposeBack<uint16_t>(in, rows, count, lanes, to,
                                   [](uint16_t h) { return halfToFloat(h); });
  if (element == Element::BF16)
    return transposeBack<uint16_t>(in, rows, count, lanes, to,
                                   [](uint16_t b) { return bfloatToFloat(b); });
  transposeBack<float>(in, rows, count, lanes, to, [](float f) { return f; });
}

int64_t elementBytes(Element element) {
  switch (element) {
  case Element::I8:
    return 1;
  case Element::F16:
  case Element::BF16:
    return 2;
  case Element::I32:
  case Element::F32:
    return 4;
  }
  assert(false && "unknown element");
  return 0;
}

Element floatElement(CodeKind kind) {
  if (kind == CodeKind::F16)
    return Element::F16;
  return kind == CodeKind::BF16 ? Element::BF16 : Element::F32;
}

/// Calls codes(component), floats(component, vector, row length) or bytes(...)
/// for each packed component of a matrix, in order.
template <typename Matrix, typename Codes, typename Floats, typename Bytes>
void forEachComponent(Matrix &m, Codes codes, Floats floats, Bytes bytes) {
  const Scheme &s = m.scheme;
  int64_t groups = numGroups(s, m.k), supers = numSuperBlocks(s, m.k);
  size_t next = 0;
  if (s.isFloat())
    return floats(next++, m.values, m.k, floatElement(s.code));
  codes(next++);
  if (s.scale == ScaleKind::Super) {
    floats(next++, m.superScales, supers, Element::F16);
    bytes(next++, m.subScales, groups);
  } else {
    floats(next++, m.scales, groups,
           s.scale == ScaleKind::F32 ? Element::F32 : Element::F16);
  }
  if (s.min == MinKind::F16)
    floats(next++, m.mins, groups, Element::F16);
  if (s.min == MinKind::Super) {
    floats(next++, m.superMins, supers, Element::F16);
    bytes(next++, m.subMins, groups);
  }
  if (s.min == MinKind::ZeroPoint)
    bytes(next++, m.zeroPoints, groups);
}

/// One tile: `rows` rows from row `first` on.
void packTile(const QuantizedMatrix &m, int64_t first, int64_t rows,
              int64_t lanes, const std::vector<uint8_t *> &out) {
  forEachComponent(
      m,
      [&](size_t i) {
        withBits(m.scheme.bits, [&](auto bits) {
          packCodes<bits()>(m.codes.data() + first * m.k, rows, m.k, lanes,
                            paddingCode(m.scheme),
                            reinterpret_cast<uint32_t *>(out[i]));
        });
      },
      [&](size_t i, const std::vector<float> &values, int64_t count,
          Element element) {
        packFloats(values.data() + first * count, element, rows, count, lanes,
                   out[i]);
      },
      [&](size_t i, const auto &values, int64_t count) {
        transpose<uint8_t>(values.data() + first * count, rows, count, lanes,
                           out[i],
                           [](auto b) { return static_cast<uint8_t>(b); });
      });
}

} // namespace

std::vector<BitPlane> bitPlanes(unsigned bits) {
  std::vector<BitPlane> planes;
  unsigned done = 0;
  for (unsigned width = 8; width > 0; width /= 2) {
    if (bits & width) {
      planes.push_back({width, done, done});
      done += width;
    }
  }
  return planes;
}

int64_t intSumLength(const Scheme &s, int64_t k, bool oneActivationScale) {
  int64_t padded = ceilDiv(k, kUnit) * kUnit;
  bool oneWeightScale = s.groupSize == 0 && s.min == MinKind::None;
  // A weight byte is below 256 and an activation below 128; what is subtracted, below 256 again.
  bool fits = padded < INT32_MAX / (512 * 127);
  return oneActivationScale && oneWeightScale && fits ? padded : unitPart(s);
}

int64_t Component::bytes() const {
  int64_t total = elementBytes(element);
  for (int64_t dim : shape)
    if (dim < 0 || __builtin_mul_overflow(total, dim, &total))
      return -1;
  return total;
}

std::vector<Component> packedComponents(const Scheme &s, int64_t n, int64_t k,
                                        int64_t lanes) {
  int64_t tiles = ceilDiv(n, lanes);
  int64_t groups = numGroups(s, k), supers = numSuperBlocks(s, k);
  if (s.isFloat())
    return {{"codes", floatElement(s.code), {tiles, k, lanes}}};
  std::vector<Component> list;
  list.push_back(
      {"codes", Element::I32, {tiles, ceilDiv(k, kUnit), s.bits, lanes}});
  if (s.scale == ScaleKind::Super) {
    list.push_back({"scales", Element::F16, {tiles, supers, lanes}});
    list.push_back({"sub_scales", Element::I8, {tiles, groups, lanes}});
  } else {
    Element element = s.scale == ScaleKind::F32 ? Element::F32 : Element::F16;
    list.push_back({"scales", element, {tiles, groups, lanes}});
  }
  if (s.min == MinKind::F16)
    list.push_back({"mins", Element::F16, {tiles, groups, lanes}});
  if (s.min == MinKind::Super) {
    list.push_back({"mins", Element::F16, {tiles, supers, lanes}});
    list.push_back({"sub_mins", Element::I8, {tiles, groups, lanes}});
  }
  if (s.min == MinKind::ZeroPoint)
    list.push_back({"zero_points", Element::I8, {tiles, groups, lanes}});
  return list;
}

std::vector<int64_t> tileBytes(const Scheme &s, int64_t k, int64_t lanes) {
  std::vector<int64_t> bytes;
  for (const Component &c : packedComponents(s, lanes, k, lanes))
    bytes.push_back(c.bytes());
  return bytes;
}

void packTiles(const QuantizedMatrix &rows, int64_t lanes,
               const std::vector<uint8_t *> &out) {
  std::vector<int64_t> step = tileBytes(rows.scheme, rows.k, lanes);
  assert(out.size() == step.size() && "one place for each component");
  std::vector<uint8_t *> at = out;
  for (int64_t first = 0; first < rows.n; first += lanes) {
    packTile(rows, first, std::min(lanes, rows.n - first), lanes, at);
    for (size_t i = 0; i < at.size(); ++i)
      at[i] += step[i];
  }
}

std::vector<std::vector<uint8_t>> pack(const QuantizedMatrix &m,
                                       int64_t lanes) {
  std::vector<std::vector<uint8_t>> bytes;
  std::vector<uint8_t *> out;
  for (const Component &c : packedComponents(m.scheme, m.n, m.k, lanes))
    bytes.emplace_back(c.bytes());
  for (std::vector<uint8_t> &component : bytes)
    out.push_back(component.data());
  packTiles(m, lanes, out);
  return bytes;
}

QuantizedMatrix unpack(const Scheme &scheme, int64_t n, int64_t k,
                       int64_t lanes,
                       const std::vector<std::vector<uint8_t>> &components) {
  QuantizedMatrix m = makeMatrix(scheme, n, k);
  for (int64_t first = 0; first < n; first += lanes) {
    int64_t rows = std::min(lanes, n - first), tile = first / lanes;
    std::vector<int64_t> step = tileBytes(scheme, k, lanes);
    auto in = [&](size_t i) { return components[i].data() + tile * step[i]; };
    forEachComponent(
        m,
        [&](size_t i) {
          withBits(scheme.bits, [&](auto bits) {
            unpackCodes<bits()>(reinterpret_cast<const uint32_t *>(in(i)), rows,
                                k, lanes, m.codes.data() + first * k);
          });
        },
        [&](size_t i, std::vector<float> &values, int64_t count,
            Element element) {
          unpackFloats(in(i), element, rows, count, lanes,
                       values.data() + first * count);
        },
        [&](size_t i, auto &values, int64_t count) {
          using T = typename std::decay_t<decltype(values)>::value_type;
          transposeBack<uint8_t>(in(i), rows, count, lanes,
                                 values.data() + first * count,
                                 [](uint8_t b) { return static_cast<T>(b); });
        });
  }
  return m;
}

} // namespace qcc
