//===- PackTest.cpp - The packed order, by its definition -----------------===//
//
// Layout.h's formulas are evaluated here element by element, apart from the
// packer's loops; and packing and unpacking undo one another for every scheme
// and odd sizes.
//
//===----------------------------------------------------------------------===//
#include "dialects/QuantExt/Codec/Layout.h"
#include "dialects/QuantExt/Codec/Matrix.h"
#include "test/unit/Codec/TestMatrices.h"

#include <gtest/gtest.h>

using namespace qcc;

namespace {

const int64_t sizes[][2] = {{1, 1},   {3, 32},  {16, 64}, {17, 47},
                            {33, 96}, {5, 260}, {8, 512}};

void expectEqual(const QuantizedMatrix &a, const QuantizedMatrix &b) {
  EXPECT_EQ(a.codes, b.codes);
  EXPECT_EQ(a.values, b.values);
  EXPECT_EQ(a.scales, b.scales);
  EXPECT_EQ(a.superScales, b.superScales);
  EXPECT_EQ(a.subScales, b.subScales);
  EXPECT_EQ(a.mins, b.mins);
  EXPECT_EQ(a.superMins, b.superMins);
  EXPECT_EQ(a.subMins, b.subMins);
  EXPECT_EQ(a.zeroPoints, b.zeroPoints);
}

TEST(PackTest, UnpackUndoesPack) {
  for (const Scheme &s : testSchemes()) {
    for (auto [n, k] : sizes) {
      for (int64_t lanes : {4, 8, 16}) {
        SCOPED_TRACE(nameOf(s) + " n " + std::to_string(n) + " k " +
                     std::to_string(k) + " lanes " + std::to_string(lanes));
        QuantizedMatrix m = randomMatrix(s, n, k);
        std::vector<std::vector<uint8_t>> packed = pack(m, lanes);
        std::vector<Component> components = packedComponents(s, n, k, lanes);
        ASSERT_EQ(packed.size(), components.size());
        for (size_t i = 0; i < packed.size(); ++i)
          EXPECT_EQ(packed[i].size(), components[i].bytes());
        expectEqual(unpack(s, n, k, lanes, packed), m);
      }
    }
  }
}

TEST(PackTest, SomeTilesAtATime) {
  for (const Scheme &s : testSchemes()) {
    SCOPED_TRACE(nameOf(s));
    constexpr int64_t n = 45, k = 272, lanes = 8, chunk = 2 * lanes;
    QuantizedMatrix m = randomMatrix(s, n, k);
    std::vector<std::vector<uint8_t>> whole = pack(m, lanes), parts;
    std::vector<int64_t> step = tileBytes(s, k, lanes);
    for (const std::vector<uint8_t> &component : whole)
      parts.emplace_back(component.size());
    for (int64_t first = 0; first < n; first += chunk) {
      QuantizedMatrix some = makeMatrix(s, std::min(chunk, n - first), k);
      auto copy = [&](auto &to, const auto &from) {
        if (!from.empty())
          std::copy_n(from.begin() + from.size() / n * first, to.size(),
                      to.begin());
      };
      copy(some.codes, m.codes);
      copy(some.values, m.values);
      copy(some.scales, m.scales);
      copy(some.superScales, m.superScales);
      copy(some.subScales, m.subScales);
      copy(some.mins, m.mins);
      copy(some.superMins, m.superMins);
      copy(some.subMins, m.subMins);
      copy(some.zeroPoints, m.zeroPoints);
      std::vector<uint8_t *> out;
      for (size_t i = 0; i < parts.size(); ++i)
        out.push_back(parts[i].data() + first / lanes * step[i]);
      packTiles(some, lanes, out);
    }
    EXPECT_EQ(parts, whole);
  }
}

TEST(PackTest, BitPlanes) {
  struct Case {
    unsigned bits;
    std::vector<std::array<unsigned, 3>> planes; ///< width, first word, shift
  } cases[] = {
      {8, {{8, 0, 0}}},
      {7, {{4, 0, 0}, {2, 4, 4}, {1, 6, 6}}},
      {6, {{4, 0, 0}, {2, 4, 4}}},
      {5, {{4, 0, 0}, {1, 4, 4}}},
      {4, {{4, 0, 0}}},
      {3, {{2, 0, 0}, {1, 2, 2}}},
      {2, {{2, 0, 0}}},
  };
  for (const Case &c : cases) {
    std::vector<std::array<unsigned, 3>> actual;
    for (const BitPlane &p : bitPlanes(c.bits))
      actual.push_back({p.width, p.firstWord, p.shift});
    EXPECT_EQ(actual, c.planes) << c.bits;
  }
}

/// Code (row, k) of packed words, by Layout.h's description.
unsigned codeAt(const std::vector<uint8_t> &bytes, unsigned bits, int64_t units,
                int64_t lanes, int64_t row, int64_t k) {
  int64_t quad = k % kUnit / kQuad;
  unsigned code = 0;
  for (const BitPlane &p : bitPlanes(bits)) {
    int64_t word = p.firstWord, bit = 0;
    if (p.width == 8)
      word += quad;
    if (p.width == 4)
      word += quad / 2, bit = quad % 2 * 4;
    if (p.width == 2)
      word += quad / 4, bit = quad % 4 * 2;
    if (p.width == 1)
      bit = quad;
    int64_t at =
        ((row / lanes * units + k / kUnit) * bits + word) * lanes + row % lanes;
    unsigned byte = bytes[4 * at + k % kQuad];
    code |= (byte >> bit & ((1u << p.width) - 1)) << p.shift;
  }
  return code;
}

TEST(PackTest, EveryCodeIsWhereTheLayoutSays) {
  for (unsigned bits = 2; bits <= 8; ++bits) {
    constexpr int64_t n = 11, k = 75, lanes = 8, units = 3;
    Scheme s = integerScheme(bits, 32, false);
    QuantizedMatrix m = randomMatrix(s, n, k);
    std::vector<uint8_t> codes = pack(m, lanes)[0];
    for (int64_t row = 0; row < 2 * lanes; ++row)
      for (int64_t i = 0; i < units * kUnit; ++i)
        ASSERT_EQ(codeAt(codes, bits, units, lanes, row, i),
                  row < n && i < k ? m.codes[row * k + i] : 1u << (bits - 1))
            << bits << " bits, row " << row << ", element " << i;
  }
}

TEST(PackTest, PaddingIsTheClampedOffsetAndScaleZero) {
  struct Case {
    int offset;
    unsigned code;
  } cases[] = {{-2, 0}, {9, 7}, {4, 4}};
  for (const Case &c : cases) {
    Scheme s = integerScheme(3, 32, false);
    s.offset = c.offset;
    QuantizedMatrix m = randomMatrix(s, 1, 32);
    std::vector<std::vector<uint8_t>> packed = pack(m, 4);
    EXPECT_EQ(codeAt(packed[0], 3, 1, 4, 3, 31), c.code);
    EXPECT_EQ(std::vector<uint8_t>(packed[1].begin() + 2, packed[1].end()),
              std::vector<uint8_t>(6));
  }
}

TEST(PackTest, ScalesOfAGroupLieTogether) {
  constexpr int64_t n = 6, k = 512, lanes = 4;
  QuantizedMatrix m = randomMatrix(ggufScheme(GgufType::Q4_K), n, k);
  std::vector<std::vector<uint8_t>> packed = pack(m, lanes);
  for (int64_t row = 0; row < n; ++row) {
    for (int64_t g = 0; g < 16; ++g) {
      int64_t at = (row / lanes * 16 + g) * lanes + row % lanes;
      EXPECT_EQ(static_cast<int8_t>(packed[2][at]), m.subScales[row * 16 + g]);
      EXPECT_EQ(packed[4][at], m.subMins[row * 16 + g]);
    }
    for (int64_t s = 0; s < 2; ++s) {
      int64_t at = 2 * ((row / lanes * 2 + s) * lanes + row % lanes);
      for (auto [bytes, values] : {std::pair(packed[1], m.superScales),
                                   std::pair(packed[3], m.superMins)})
        EXPECT_EQ(halfToFloat(bytes[at] | bytes[at + 1] << 8),
                  values[row * 2 + s]);
    }
  }
}

TEST(PackTest, Components) {
  struct Case {
    Scheme scheme;
    std::vector<std::string> names;
  } cases[] = {
      {floatScheme(CodeKind::F16), {"codes"}},
      {integerScheme(4, 32, false), {"codes", "scales"}},
      {integerScheme(4, 32, true), {"codes", "scales", "zero_points"}},
      {ggufScheme(GgufType::Q4_1), {"codes", "scales", "mins"}},
      {ggufScheme(GgufType::Q6_K), {"codes", "scales", "sub_scales"}},
      {ggufScheme(GgufType::Q4_K),
       {"codes", "scales", "sub_scales", "mins", "sub_mins"}},
  };
  for (const Case &c : cases) {
    std::vector<std::string> names;
    for (const Component &component : packedComponents(c.scheme, 20, 300, 16))
      names.push_back(component.name);
    EXPECT_EQ(names, c.names);
  }
  std::vector<Component> list =
      packedComponents(ggufScheme(GgufType::Q4_K), 20, 300, 16);
  EXPECT_EQ(list[0].shape, (std::vector<int64_t>{2, 10, 4, 16}));
  EXPECT_EQ(list[0].bytes(), 2 * 10 * 4 * 16 * 4);
  EXPECT_EQ(list[1].shape, (std::vector<int64_t>{2, 2, 16}));
  EXPECT_EQ(list[2].shape, (std::vector<int64_t>{2, 10, 16}));
  list = packedComponents(floatScheme(CodeKind::F32), INT64_MAX / 2, 300, 16);
  EXPECT_EQ(list[0].bytes(), -1) << "the size overflows";
}

} // namespace
