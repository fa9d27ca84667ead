//===- ReferenceTest.cpp - The reference against hand-worked values -------===//
//
// The reference defines what kernels compute, so it is itself checked against
// numbers worked out by hand and against plain products of the dequantized
// weights.
//
//===----------------------------------------------------------------------===//
#include "dialects/QuantExt/Codec/Reference.h"
#include "test/unit/Codec/TestMatrices.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace qcc;

namespace {

TEST(ReferenceTest, ZeroPointsAndShortGroups) {
  QuantizedMatrix m = makeMatrix(integerScheme(4, 16, true), 2, 18);
  m.codes.assign(36, 5);
  m.scales = {0.5f, 2, 1, 0};
  m.zeroPoints = {3, 15, 0, 7};
  std::vector<float> y = dequantize(m);
  EXPECT_EQ(y[0], 1.0f);
  EXPECT_EQ(y[15], 1.0f);
  EXPECT_EQ(y[16], -20.0f);
  EXPECT_EQ(y[17], -20.0f);
  EXPECT_EQ(y[18], 5.0f);
  EXPECT_EQ(y[35], 0.0f);
  EXPECT_EQ(dequantizeElement(m, 0, 16), -20.0f);
}

TEST(ReferenceTest, SuperBlocks) {
  QuantizedMatrix m = makeMatrix(ggufScheme(GgufType::Q4_K), 1, 288);
  m.codes.assign(288, 3);
  m.superScales = {0.5f, 4};
  m.superMins = {0.25f, 2};
  m.subScales = {1, 2, 3, 4, 5, 6, 7, -8, 9};
  m.subMins = {0, 1, 2, 3, 4, 5, 6, 63, 8};
  std::vector<float> y = dequantize(m);
  EXPECT_EQ(y[0], 1.5f);
  EXPECT_EQ(y[33], 2.75f);
  EXPECT_EQ(y[255], -12 - 15.75f);
  EXPECT_EQ(y[256], 92.0f);
}

TEST(ReferenceTest, SignOfZeroStays) {
  QuantizedMatrix m = makeMatrix(integerScheme(4, 32, false), 1, 32);
  m.codes.assign(32, 8);
  m.scales = {-1};
  EXPECT_TRUE(std::signbit(dequantize(m)[0]));
}

TEST(ReferenceTest, ActivationsRoundHalfToEven) {
  std::vector<float> x(40);
  x[0] = -127, x[1] = 0.5f, x[2] = 1.5f, x[3] = -2.5f, x[4] = 126.7f;
  x[32] = 0x1p-101f; // below the floor: a group of zeros
  QuantizedActivations q = quantizeActivations(x.data(), 1, 40);
  EXPECT_EQ(q.scales, (std::vector<float>{1, 0}));
  EXPECT_EQ(q.sums, (std::vector<int32_t>{-127 + 0 + 2 - 2 + 127, 0, 0}));
  EXPECT_EQ(q.codes[0], -127);
  EXPECT_EQ(q.codes[1], 0);
  EXPECT_EQ(q.codes[2], 2);
  EXPECT_EQ(q.codes[3], -2);
  EXPECT_EQ(q.codes[4], 127);
  EXPECT_EQ(q.codes[32], 0);
}

TEST(ReferenceTest, ActivationsStayInRange) {
  std::mt19937 random(5);
  for (int i = 0; i < 20000; ++i) {
    std::vector<float> x(32);
    uint32_t exponent = 30 + random() % 220;
    x[7] = floatOfBits(exponent << 23 | (random() & 0x807fffff));
    QuantizedActivations q = quantizeActivations(x.data(), 1, 32);
    ASSERT_EQ(q.codes[7], x[7] < 0 ? -127 : 127) << x[7];
    ASSERT_TRUE(std::isfinite(q.scales[0]));
  }
}

TEST(ReferenceTest, MatmulIsTheProductOfTheValues) {
  for (const Scheme &s : testSchemes()) {
    SCOPED_TRACE(nameOf(s));
    constexpr int64_t m = 2, n = 3, k = 304;
    QuantizedMatrix w = randomMatrix(s, n, k);
    std::vector<float> values = dequantize(w), x(m * k);
    std::mt19937 random(3);
    for (float &f : x)
      f = std::uniform_real_distribution<float>(-1, 1)(random);
    std::vector<double> y = referenceMatmul(w, x.data(), m);
    for (int64_t i = 0; i < m * n; ++i) {
      double sum = 0;
      for (int64_t j = 0; j < k; ++j)
        sum += double(values[i % n * k + j]) * x[i / n * k + j];
      ASSERT_NEAR(y[i], sum, 1e-9);
    }
    if (s.isFloat())
      continue;
    // With activations that int8 holds exactly, the integer product is the
    // same.
    for (int64_t i = 0; i < m * k; ++i)
      x[i] = i % k % 32 == 0 ? 127.0f
                             : static_cast<float>(int(random() % 255) - 127);
    QuantizedActivations q = quantizeActivations(x.data(), m, k);
    std::vector<double> exact = referenceMatmul(w, x.data(), m);
    std::vector<double> integer = referenceMatmulInt8(w, q);
    for (int64_t i = 0; i < m * n; ++i) {
      double magnitude = 0;
      for (int64_t j = 0; j < k; ++j)
        magnitude +=
            std::fabs(double(values[i % n * k + j]) * x[i / n * k + j]);
      // The values carry float32 roundings of their own.
      ASSERT_NEAR(integer[i], exact[i], 1e-6 * magnitude);
    }
  }
}

} // namespace
