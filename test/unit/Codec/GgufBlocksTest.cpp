//===- GgufBlocksTest.cpp - GGUF blocks against gguf-py -------------------===//
//
// The dequantized blocks have the very bits gguf-py computes: for published
// vectors, for random blocks (data/blocks.bin), and for whole files when
// QCC_CODEC_GOLDEN names what make_golden.py wrote of them.
//
//===----------------------------------------------------------------------===//
#include "dialects/QuantExt/Codec/GgufBlocks.h"
#include "dialects/QuantExt/Codec/Float16.h"
#include "dialects/QuantExt/Codec/Reference.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <set>

using namespace qcc;

namespace {

TEST(GgufBlocksTest, TableIsConsistent) {
  std::set<uint32_t> types;
  for (const GgufFormat &f : ggufFormats()) {
    EXPECT_EQ(f.scheme.check(), "") << f.name;
    EXPECT_TRUE(types.insert(static_cast<uint32_t>(f.type)).second) << f.name;
    EXPECT_EQ(findGgufFormat(static_cast<uint32_t>(f.type)), &f);
    unsigned group =
        f.scheme.superSize ? f.scheme.superSize : f.scheme.groupSize;
    EXPECT_EQ(f.blockElements, group ? group : 1) << f.name;
  }
  EXPECT_EQ(types.size(), 15u);
  EXPECT_EQ(findGgufFormat(16), nullptr);
}

/// Sets block bytes to (37 i + 11) & 255, d to 0.0625 and the second binary16
/// to 0.03125.
struct Vector {
  GgufType type;
  int d, second; ///< where the block has them; -1: it has no second
  float first[4], beforeMiddle, middle, last;
  double sum, absoluteSum;
};

const Vector vectors[] = {
    {GgufType::Q4_0,
     0,
     -1,
     {-0.1875, 0.125, 0.4375, -0.25},
     -0.5,
     -0.1875,
     0,
     -1.3125,
     7.6875},
    {GgufType::Q4_1,
     0,
     2,
     {0.96875, 0.28125, 0.59375, 0.90625},
     0.65625,
     0.59375,
     0.78125,
     16.3125,
     16.3125},
    {GgufType::Q5_0,
     0,
     -1,
     {0.5625, -0.125, 0.1875, -0.5},
     -0.75,
     0.875,
     0.0625,
     0.9375,
     15.4375},
    {GgufType::Q5_1,
     0,
     2,
     {1.21875, 1.53125, 1.84375, 1.15625},
     1.90625,
     1.21875,
     0.34375,
     32.5625,
     32.5625},
    {GgufType::Q8_0,
     0,
     -1,
     {5.3125, 7.625, -6.0625, -3.75},
     -8,
     -5.6875,
     -3,
     -11,
     135.75},
    {GgufType::Q2_K,
     80,
     82,
     {2.0625, 0, 0.6875, 1.375},
     2.625,
     0.46875,
     0.28125,
     128.6875,
     160.25},
    {GgufType::Q3_K,
     108,
     -1,
     {5.0625, -6.75, 1.6875, -3.375},
     4.5,
     0.125,
     2.625,
     59.875,
     575.625},
    {GgufType::Q4_K,
     0,
     2,
     {19.71875, -1.59375, 8.09375, 17.78125},
     5.0625,
     26.4375,
     3.03125,
     3402.5,
     3439.25},
    {GgufType::Q5_K,
     0,
     2,
     {50.71875, -1.59375, 39.09375, 17.78125},
     -0.1875,
     65.4375,
     6.78125,
     7263.5,
     7284.9375},
    {GgufType::Q6_K,
     208,
     -1,
     {-89.4375, 106, 36.4375, -33.125},
     93.75,
     -21.9375,
     -3.75,
     288.25,
     16656.375},
    {GgufType::IQ4_NL,
     0,
     -1,
     {-2.1875, 1.5625, 7.0625, -3.0625},
     -7.9375,
     -2.1875,
     0.0625,
     -16.0625,
     106.5625},
    {GgufType::IQ4_XS,
     0,
     -1,
     {4.0625, -0.0625, -4.3125, 5.1875},
     12.25,
     -36.5625,
     -1,
     -687.8125,
     10416.4375},
};

TEST(GgufBlocksTest, PublishedVectors) {
  for (const Vector &v : vectors) {
    const GgufFormat &f = *findGgufFormat(static_cast<uint32_t>(v.type));
    SCOPED_TRACE(f.name);
    std::vector<uint8_t> block(f.blockBytes);
    for (size_t i = 0; i < block.size(); ++i)
      block[i] = static_cast<uint8_t>(37 * i + 11);
    block[v.d] = 0, block[v.d + 1] = 0x2c;
    if (v.second >= 0)
      block[v.second] = 0, block[v.second + 1] = 0x28;
    QuantizedMatrix m;
    ASSERT_TRUE(
        decodeGguf(f, block.data(), f.blockBytes, 1, f.blockElements, &m));
    EXPECT_EQ(checkMatrix(m), "");
    std::vector<float> y = dequantize(m);
    for (int i = 0; i < 4; ++i)
      EXPECT_EQ(y[i], v.first[i]);
    EXPECT_EQ(y[y.size() / 2 - 1], v.beforeMiddle);
    EXPECT_EQ(y[y.size() / 2], v.middle);
    EXPECT_EQ(y.back(), v.last);
    double sum = 0, absoluteSum = 0;
    for (float f : y)
      sum += f, absoluteSum += std::fabs(f);
    EXPECT_NEAR(sum, v.sum, 1e-9);
    EXPECT_NEAR(absoluteSum, v.absoluteSum, 1e-9);
  }
}

/// Compares every record of a file of make_golden.py; counts them by type.
void compareGolden(const std::string &path, std::set<uint32_t> *types) {
  std::ifstream in(path, std::ios::binary);
  ASSERT_TRUE(in) << path;
  uint32_t head[3];
  while (in.read(reinterpret_cast<char *>(head), sizeof head)) {
    const GgufFormat *f = findGgufFormat(head[0]);
    ASSERT_NE(f, nullptr) << head[0];
    int64_t n = head[1], k = head[2];
    std::vector<uint8_t> rows(n * ggufRowBytes(*f, k));
    std::vector<float> expected(n * k);
    in.read(reinterpret_cast<char *>(rows.data()), rows.size());
    in.read(reinterpret_cast<char *>(expected.data()), 4 * expected.size());
    ASSERT_TRUE(in) << "truncated";
    QuantizedMatrix m;
    ASSERT_TRUE(decodeGguf(*f, rows.data(), rows.size(), n, k, &m));
    ASSERT_EQ(checkMatrix(m), "") << f->name;
    std::vector<float> actual = dequantize(m);
    for (int64_t i = 0; i < n * k; ++i)
      ASSERT_EQ(bitsOfFloat(actual[i]), bitsOfFloat(expected[i]))
          << f->name << " element " << i;
    types->insert(head[0]);
  }
}

TEST(GgufBlocksTest, RandomBlocksHaveTheSameBits) {
  std::set<uint32_t> types;
  compareGolden(CODEC_TEST_DATA "/blocks.bin", &types);
  EXPECT_EQ(types.size(), ggufFormats().size());
}

TEST(GgufBlocksTest, WholeFilesHaveTheSameBits) {
  const char *path = std::getenv("QCC_CODEC_GOLDEN");
  if (!path)
    GTEST_SKIP() << "QCC_CODEC_GOLDEN is not set";
  std::set<uint32_t> types;
  compareGolden(path, &types);
}

TEST(GgufBlocksTest, RowsInAnyOrder) {
  for (const GgufFormat &f : ggufFormats()) {
    int64_t n = 3, k = 2 * f.blockElements, size = ggufRowBytes(f, k);
    std::vector<uint8_t> bytes(n * size);
    for (size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = static_cast<uint8_t>(i * 73 % 61);
    QuantizedMatrix whole, permuted = makeMatrix(f.scheme, n, k);
    ASSERT_TRUE(decodeGguf(f, bytes.data(), n * size, n, k, &whole));
    int64_t order[] = {2, 0, 1};
    for (int64_t row = 0; row < n; ++row)
      decodeGgufRow(f, bytes.data() + order[row] * size, k,
                    rowOf(permuted, row));
    std::vector<float> a = dequantize(whole), b = dequantize(permuted);
    for (int64_t row = 0; row < n; ++row)
      EXPECT_TRUE(std::equal(b.begin() + row * k, b.begin() + (row + 1) * k,
                             a.begin() + order[row] * k))
          << f.name;
  }
}

TEST(GgufBlocksTest, SizesThatDoNotFitAreRefused) {
  const GgufFormat &f = *findGgufFormat(12);
  EXPECT_EQ(ggufRowBytes(f, 512), 288);
  EXPECT_EQ(ggufRowBytes(f, 0), 0);
  EXPECT_EQ(ggufRowBytes(f, 257), -1);
  EXPECT_EQ(ggufRowBytes(f, -256), -1);
  EXPECT_EQ(ggufRowBytes(*findGgufFormat(0), INT64_MAX / 2), -1);
  std::vector<uint8_t> bytes(288);
  QuantizedMatrix m;
  EXPECT_FALSE(decodeGguf(f, bytes.data(), 288, 2, 512, &m));
  EXPECT_FALSE(decodeGguf(f, bytes.data(), 288, 1, 500, &m));
  EXPECT_FALSE(decodeGguf(f, bytes.data(), 288, -1, 512, &m));
  EXPECT_FALSE(decodeGguf(f, bytes.data(), 0, INT64_MAX / 4, 512, &m));
  EXPECT_TRUE(decodeGguf(f, bytes.data(), 288, 1, 512, &m));
}

} // namespace
