//===- Float16Test.cpp - Conversions against the compiler's ---------------===//
//
// Widening is compared for every pattern. Narrowing is monotonic, so it is
// enough to compare around every point where the result changes; QCC_EXHAUSTIVE
// tries all of 2^32.
//
//===----------------------------------------------------------------------===//
#include "dialects/QuantExt/Codec/Float16.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <vector>

using namespace qcc;

namespace {

uint16_t bitsOf(_Float16 h) {
  uint16_t u;
  std::memcpy(&u, &h, sizeof u);
  return u;
}

_Float16 halfOfBits(uint16_t u) {
  _Float16 h;
  std::memcpy(&h, &u, sizeof h);
  return h;
}

bool isNanHalf(uint16_t h) { return (h & 0x7fff) > 0x7c00; }

/// Empty when floatToHalf agrees with the compiler.
::testing::AssertionResult narrowsRight(uint32_t u) {
  float f = floatOfBits(u);
  uint16_t ours = floatToHalf(f);
  if (std::isnan(f) ? isNanHalf(ours) && (ours & 0x200) && ours >> 15 == u >> 31
                    : ours == bitsOf(static_cast<_Float16>(f)))
    return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << std::hex << "float " << u << " became " << ours;
}

TEST(Float16Test, EveryHalfWidens) {
  for (uint32_t h = 0; h < 0x10000; ++h) {
    float ours = halfToFloat(static_cast<uint16_t>(h));
    if (isNanHalf(h)) {
      // The payload stays; a signalling NaN becomes quiet.
      uint32_t nan = (h & 0x8000) << 16 | 0x7fc00000 | (h & 0x3ff) << 13;
      ASSERT_EQ(bitsOfFloat(ours), nan);
      ASSERT_EQ(floatToHalf(ours), h | 0x200);
      continue;
    }
    float theirs = static_cast<float>(halfOfBits(h));
    ASSERT_EQ(bitsOfFloat(ours), bitsOfFloat(theirs)) << h;
    ASSERT_EQ(floatToHalf(ours), h);
  }
}

TEST(Float16Test, NarrowingRoundsToNearestEven) {
  for (uint32_t h = 0; h < 0x7c00; ++h) {
    float low = halfToFloat(h),
          high = h == 0x7bff ? 65536.0f : halfToFloat(h + 1);
    uint32_t middle = bitsOfFloat(low + (high - low) / 2);
    for (uint32_t sign : {0u, 0x80000000u})
      for (uint32_t u : {bitsOfFloat(low) + 1, middle - 1, middle, middle + 1,
                         bitsOfFloat(high) - 1, bitsOfFloat(high)})
        ASSERT_TRUE(narrowsRight(u | sign));
  }
  for (uint32_t u = 0; u < 0xffff0000u; u += 65521)
    ASSERT_TRUE(narrowsRight(u));
}

TEST(Float16Test, EveryFloatNarrows) {
  if (!std::getenv("QCC_EXHAUSTIVE"))
    GTEST_SKIP() << "QCC_EXHAUSTIVE is not set";
  uint32_t u = 0;
  do
    ASSERT_TRUE(narrowsRight(u));
  while (++u != 0);
}

TEST(Float16Test, Bfloat) {
  for (uint32_t b = 0; b < 0x10000; ++b) {
    bool nan = (b & 0x7fff) > 0x7f80;
    float wide = bfloatToFloat(static_cast<uint16_t>(b));
    ASSERT_EQ(bitsOfFloat(wide), (b | (nan ? 0x40 : 0)) << 16);
    ASSERT_EQ(floatToBfloat(wide), b | (nan ? 0x40 : 0));
    if ((b & 0x7fff) >= 0x7f80)
      continue;
    uint32_t middle = b << 16 | 0x8000;
    ASSERT_EQ(floatToBfloat(floatOfBits(middle - 1)), b);
    ASSERT_EQ(floatToBfloat(floatOfBits(middle)), b + (b & 1));
    ASSERT_EQ(floatToBfloat(floatOfBits(middle + 1)), b + 1);
  }
  EXPECT_EQ(floatToBfloat(floatOfBits(0x7f800001)), 0x7fc0);
  EXPECT_EQ(floatToBfloat(floatOfBits(0xffffffff)), 0xffff);
}

TEST(Float16Test, ManyAtOnce) {
  std::vector<uint16_t> halves(0x10000), back(0x10000);
  std::vector<float> floats(0x10000);
  for (uint32_t h = 0; h < 0x10000; ++h)
    halves[h] = static_cast<uint16_t>(h);
  halfToFloat(halves.data(), floats.data(), 0x10000);
  floatToHalf(floats.data(), back.data(), 0x10000);
  for (uint32_t h = 0; h < 0x10000; ++h)
    ASSERT_EQ(back[h], isNanHalf(h) ? h | 0x200 : h);
  bfloatToFloat(halves.data(), floats.data(), 0x10000);
  floatToBfloat(floats.data(), back.data(), 0x10000);
  for (uint32_t h = 0; h < 0x10000; ++h)
    ASSERT_EQ(back[h], (h & 0x7fff) > 0x7f80 ? h | 0x40 : h);
}

} // namespace
