//===- SchemeTest.cpp - Consistency, cost and sizes of schemes ------------===//
//
// Every preset is valid, every message of check() and checkMatrix() is produced
// once.
//
//===----------------------------------------------------------------------===//
#include "test/unit/Codec/TestMatrices.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace qcc;

namespace {

TEST(SchemeTest, TestSchemesAreValidAndDistinct) {
  std::vector<Scheme> list = testSchemes();
  for (const Scheme &s : list) {
    EXPECT_EQ(s.check(), "") << nameOf(s);
    EXPECT_TRUE(s == s);
  }
  EXPECT_EQ(ggufScheme(GgufType::Q4_0), integerScheme(4, 32, false));
  EXPECT_FALSE(ggufScheme(GgufType::Q4_0) == ggufScheme(GgufType::IQ4_NL));
  EXPECT_FALSE(integerScheme(4, 32, false) == integerScheme(4, 64, false));
  EXPECT_FALSE(integerScheme(4, 32, false) == integerScheme(4, 32, true));
}

TEST(SchemeTest, CheckSaysWhatIsWrong) {
  struct Case {
    void (*breakIt)(Scheme &);
    GgufType type;
    const char *message;
  } cases[] = {
      {[](Scheme &s) { s.bits = 32; }, GgufType::F16, "float codes of 32 bits"},
      {[](Scheme &s) { s.groupSize = 32; }, GgufType::F32,
       "float codes have no groups, scales, minima or offset"},
      {[](Scheme &s) { s.codebook.resize(16); }, GgufType::F32,
       "a codebook without codebook codes"},
      {[](Scheme &s) { s.codebook.resize(16); }, GgufType::Q4_0,
       "a codebook without codebook codes"},
      {[](Scheme &s) { s.scale = ScaleKind::None; }, GgufType::Q4_0,
       "integer and codebook codes need scales"},
      {[](Scheme &s) { s.codebook.pop_back(); }, GgufType::IQ4_NL,
       "a codebook has codes of 2 to 5 bits and an entry for each of them"},
      {[](Scheme &s) { s.bits = 3; }, GgufType::IQ4_NL,
       "a codebook has codes of 2 to 5 bits and an entry for each of them"},
      {[](Scheme &s) { s.bits = 6, s.codebook.resize(64); }, GgufType::IQ4_NL,
       "a codebook has codes of 2 to 5 bits and an entry for each of them"},
      {[](Scheme &s) { s.groupSize = 0; }, GgufType::IQ4_XS,
       "super-blocks need groups, not one scale for a row"},
      {[](Scheme &s) { s.bits = 9; }, GgufType::Q8_0,
       "integer codes of 9 bits; 2 to 8 are possible"},
      {[](Scheme &s) { s.bits = 1; }, GgufType::Q8_0,
       "integer codes of 1 bits; 2 to 8 are possible"},
      {[](Scheme &s) { s.offset = 256; }, GgufType::Q8_0, "offset 256 is not within -255..255"},
      {[](Scheme &s) { s.scale = ScaleKind::F16; }, GgufType::Q2_K,
       "MinKind::Super without ScaleKind::Super"},
      {[](Scheme &s) { s.min = MinKind::ZeroPoint; }, GgufType::Q4_0,
       "zero points need integer codes and offset 0"},
      {[](Scheme &s) { s.groupSize = 24; }, GgufType::Q4_0, "group size 24 is no multiple of 16"},
      {[](Scheme &s) { s.superSize = 64; }, GgufType::Q4_0,
       "super-blocks without ScaleKind::Super"},
      {[](Scheme &s) { s.superSize = 40; }, GgufType::Q4_K,
       "super-block size 40 is no multiple of group size 32"},
  };
  for (const Case &c : cases) {
    Scheme s = ggufScheme(c.type);
    c.breakIt(s);
    EXPECT_EQ(s.check(), c.message);
  }
}

TEST(SchemeTest, BitsPerWeight) {
  EXPECT_EQ(floatScheme(CodeKind::F32).bitsPerWeight(64), 32);
  EXPECT_EQ(floatScheme(CodeKind::BF16).bitsPerWeight(64), 16);
  EXPECT_EQ(integerScheme(4, 32, false).bitsPerWeight(64), 4.5);
  EXPECT_EQ(integerScheme(4, 64, true).bitsPerWeight(128), 4 + 24.0 / 64);
  EXPECT_EQ(integerScheme(8, 0, false).bitsPerWeight(160), 8.1);
  EXPECT_EQ(integerScheme(4, 64, false).bitsPerWeight(96), 4 + 32.0 / 96);
  EXPECT_EQ(ggufScheme(GgufType::Q4_1).bitsPerWeight(64), 5);
  EXPECT_EQ(ggufScheme(GgufType::Q4_K).bitsPerWeight(256), 4.625);
  EXPECT_EQ(ggufScheme(GgufType::Q6_K).bitsPerWeight(256), 6.5625);
  EXPECT_EQ(codebookScheme(3, 32, false).bitsPerWeight(576), 3.5);
  EXPECT_EQ(codebookScheme(2, 16, true).bitsPerWeight(160), 2 + 0.5 + 0.1);
}

TEST(SchemeTest, Groups) {
  EXPECT_EQ(numGroups(integerScheme(4, 32, false), 65), 3);
  EXPECT_EQ(numGroups(integerScheme(4, 0, false), 65), 1);
  EXPECT_EQ(numGroups(integerScheme(4, 0, false), 0), 0);
  EXPECT_EQ(numGroups(integerScheme(4, 32, false), INT64_MAX),
            INT64_MAX / 32 + 1);
  EXPECT_EQ(numGroups(floatScheme(CodeKind::F32), 65), 0);
  EXPECT_EQ(numSuperBlocks(ggufScheme(GgufType::Q6_K), 257), 2);
  EXPECT_EQ(numSuperBlocks(ggufScheme(GgufType::Q4_0), 257), 0);
  EXPECT_EQ(numSuperBlocks(codebookScheme(4, 32, true), 1536), 1);
  EXPECT_EQ(numSuperBlocks(codebookScheme(4, 32, true), 0), 0);
  EXPECT_EQ(unitPart(integerScheme(4, 16, false)), 16);
  EXPECT_EQ(unitPart(integerScheme(4, 48, false)), 16);
  EXPECT_EQ(unitPart(integerScheme(4, 64, false)), 32);
  EXPECT_EQ(unitPart(integerScheme(4, 0, false)), 32);
}

TEST(MatrixTest, CheckFindsWhatDoesNotFit) {
  struct Case {
    void (*breakIt)(QuantizedMatrix &);
    GgufType type;
    const char *message;
  } cases[] = {
      {[](QuantizedMatrix &m) { m.scheme.bits = 0; }, GgufType::Q4_0,
       "integer codes of 0 bits; 2 to 8 are possible"},
      {[](QuantizedMatrix &m) { m.n = -1; }, GgufType::Q4_0, "a negative size"},
      {[](QuantizedMatrix &m) { m.codes.pop_back(); }, GgufType::Q4_0,
       "511 codes, not 512"},
      {[](QuantizedMatrix &m) { m.zeroPoints.resize(2); }, GgufType::Q4_0,
       "2 zero points, not 0"},
      {[](QuantizedMatrix &m) { m.codes[3] = 16; }, GgufType::Q4_0,
       "codes element 3 is 16, beyond 15"},
      {[](QuantizedMatrix &m) { m.scales[1] = NAN; }, GgufType::Q4_0,
       "scales element 1 is not finite"},
      {[](QuantizedMatrix &m) { m.mins[1] = 1.0001f; }, GgufType::Q4_1,
       "minima element 1 is no binary16 number"},
      {[](QuantizedMatrix &m) { m.subMins[0] = 64; }, GgufType::Q4_K,
       "sub-minima element 0 is 64, beyond 63"},
  };
  for (const Case &c : cases) {
    QuantizedMatrix m = randomMatrix(ggufScheme(c.type), 2, 256);
    EXPECT_EQ(checkMatrix(m), "");
    c.breakIt(m);
    EXPECT_EQ(checkMatrix(m), c.message);
  }
}

TEST(MatrixTest, RowsLieBehindOneAnother) {
  QuantizedMatrix m = makeMatrix(ggufScheme(GgufType::Q4_K), 3, 512);
  RowView row = rowOf(m, 2);
  EXPECT_EQ(row.codes, m.codes.data() + 1024);
  EXPECT_EQ(row.superScales, m.superScales.data() + 4);
  EXPECT_EQ(row.subMins, m.subMins.data() + 32);
  EXPECT_EQ(row.values, nullptr);
  EXPECT_EQ(row.scales, nullptr);
  EXPECT_EQ(row.zeroPoints, nullptr);
  reshape(m, 1);
  EXPECT_EQ(checkMatrix(m), "");
}

} // namespace
