//===- RtnTest.cpp - Rounding to nearest: bounds, edges and faults --------===//
//
// The bound is what matters: no value is further from its weight than the grid
// allows, whatever the magnitudes; nothing that cannot be held passes silently.
//
//===----------------------------------------------------------------------===//
#include "dialects/QuantExt/Codec/Rtn.h"

#include "dialects/QuantExt/Codec/Reference.h"
#include "test/unit/Codec/TestMatrices.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

using namespace qcc;
using Fault = RtnResult::Fault;

namespace {

std::vector<Scheme> rtnSchemes() {
  std::vector<Scheme> list;
  for (unsigned bits = 2; bits <= 8; ++bits) {
    for (unsigned group : {32u, 64u, 128u, 0u}) {
      for (ScaleKind scale : {ScaleKind::F16, ScaleKind::F32}) {
        for (MinKind min : {MinKind::None, MinKind::ZeroPoint, MinKind::F16}) {
          Scheme s = integerScheme(bits, group, min != MinKind::None);
          s.scale = scale;
          s.min = min;
          list.push_back(s);
        }
      }
    }
  }
  return list;
}

/// Codebooks and super-blocks.
std::vector<Scheme> gridSchemes() {
  std::vector<Scheme> list{ggufScheme(GgufType::IQ4_NL), ggufScheme(GgufType::IQ4_XS),
                           ggufScheme(GgufType::Q6_K)};
  for (unsigned bits = 2; bits <= 8; ++bits) {
    for (unsigned group : {16u, 32u}) {
      for (bool asymmetric : {false, true})
        list.push_back(withSuperScales(integerScheme(bits, group, asymmetric)));
      if (bits > 5)
        continue;
      for (bool superScales : {false, true})
        list.push_back(codebookScheme(bits, group, superScales));
    }
  }
  return list;
}

QuantizedMatrix quantize(const std::vector<float> &x, const Scheme &s,
                         RtnResult *result = nullptr) {
  QuantizedMatrix m = makeMatrix(s, 1, x.size());
  RtnResult r = quantizeRow(x.data(), s, x.size(), rowOf(m, 0));
  if (result)
    *result = r;
  else
    EXPECT_EQ(r.fault, Fault::None) << describe(r);
  return m;
}

std::vector<float> randomRow(size_t k, float magnitude, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> x(k);
  for (float &f : x)
    f = normal(random) * magnitude;
  return x;
}

TEST(RtnTest, ErrorsStayWithinAStep) {
  for (const Scheme &s : rtnSchemes()) {
    for (float magnitude : {1e-6f, 1e-4f, 0.02f, 1.0f, 500.0f}) {
      SCOPED_TRACE(nameOf(s) + " magnitude " + std::to_string(magnitude));
      std::vector<float> x = randomRow(200, magnitude, s.bits);
      QuantizedMatrix m = quantize(x, s);
      ASSERT_EQ(checkMatrix(m), "");
      std::vector<float> y = dequantize(m);
      for (size_t i = 0; i < x.size(); ++i) {
        float step = std::fabs(m.scales[s.groupSize ? i / s.groupSize : 0]);
        // A grid without a middle ends one step before the largest value of the
        // other sign, and a rounded zero point moves it by half a step.
        bool full = s.min == MinKind::F16 || s.bits == 8;
        float allowed = step * (full ? 0.505f : 1.01f);
        ASSERT_LE(std::fabs(x[i] - y[i]), allowed) << i;
      }
    }
  }
}

TEST(RtnTest, CodesAreTheNearest) {
  for (const Scheme &s : rtnSchemes()) {
    SCOPED_TRACE(nameOf(s));
    std::vector<float> x = randomRow(96, 0.02f, 7);
    QuantizedMatrix m = quantize(x, s);
    for (size_t i = 0; i < x.size(); ++i) {
      float error = std::fabs(x[i] - dequantizeElement(m, 0, i));
      uint8_t code = m.codes[i];
      int low = s.bits == 8 && s.min == MinKind::None;
      for (int other : {code - 1, code + 1}) {
        if (other < low || other > (1 << s.bits) - 1)
          continue;
        m.codes[i] = static_cast<uint8_t>(other);
        ASSERT_GE(std::fabs(x[i] - dequantizeElement(m, 0, i)),
                  error * 0.9999f);
      }
      m.codes[i] = code;
    }
  }
}

TEST(RtnTest, RuleOfQ4_0) {
  std::vector<float> x(32);
  x[0] = 0.5f, x[1] = -4, x[2] = 4, x[3] = 0.25f, x[4] = -0.25f, x[5] = 3.3f;
  QuantizedMatrix m = quantize(x, integerScheme(4, 32, false));
  EXPECT_EQ(m.scales[0], 0.5f); // the first of equal magnitude is -4
  uint8_t expected[] = {9, 0, 15, 9, 8, 15, 8};
  for (int i = 0; i < 7; ++i)
    EXPECT_EQ(m.codes[i], expected[i]) << i;
  x[1] = 4;
  EXPECT_EQ(quantize(x, integerScheme(4, 32, false)).scales[0], -0.5f);
  x[5] = -0.0f, x[1] = x[2] = 0.1f;
  // d is rounded to binary16 before the codes are chosen.
  m = quantize(x, integerScheme(4, 32, false));
  EXPECT_EQ(m.scales[0], halfToFloat(floatToHalf(0.5f / -8)));
}

TEST(RtnTest, EightBitsAreEven) {
  std::vector<float> x = {-12.7f, 12.7f, 0, 0.06f, -0.06f};
  x.resize(32);
  QuantizedMatrix m = quantize(x, integerScheme(8, 32, false));
  EXPECT_EQ(m.scales[0], halfToFloat(floatToHalf(12.7f / 127)));
  uint8_t expected[] = {1, 255, 128, 129, 127};
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(m.codes[i], expected[i]) << i;
}

TEST(RtnTest, ZeroPointKeepsZero) {
  std::vector<float> x = {-1, 2, 0, 0.5f};
  x.resize(64);
  QuantizedMatrix m = quantize(x, integerScheme(4, 64, true));
  EXPECT_EQ(m.zeroPoints[0], 5);
  EXPECT_EQ(dequantizeElement(m, 0, 2), 0.0f);
  EXPECT_EQ(m.codes[1], 15);
  // All of one sign: the grid still begins or ends at zero.
  x.assign(64, 3);
  m = quantize(x, integerScheme(4, 64, true));
  EXPECT_EQ(m.zeroPoints[0], 0);
  EXPECT_EQ(m.codes[0], 15);
  x.assign(64, -3);
  m = quantize(x, integerScheme(4, 64, true));
  EXPECT_EQ(m.zeroPoints[0], 15);
  EXPECT_EQ(m.codes[0], 0);
}

TEST(RtnTest, GroupsOfZeros) {
  for (const Scheme &s : rtnSchemes()) {
    for (float zero : {0.0f, -0.0f}) {
      RtnResult r;
      QuantizedMatrix m = quantize(std::vector<float>(70, zero), s, &r);
      EXPECT_EQ(r.fault, Fault::None);
      EXPECT_EQ(r.coarseGroups, 0);
      for (float scale : m.scales)
        EXPECT_EQ(scale, 0);
      for (uint8_t code : m.codes)
        EXPECT_EQ(code, s.offset);
      for (uint8_t point : m.zeroPoints)
        EXPECT_EQ(point, 0);
    }
  }
}

TEST(RtnTest, TinyGroupsAreHeldOrCounted) {
  for (const Scheme &s : rtnSchemes()) {
    for (float magnitude : {1e-44f, 1e-39f, 1e-30f, 1e-9f, 3e-8f, 3e-7f}) {
      SCOPED_TRACE(nameOf(s) + " magnitude " + std::to_string(magnitude));
      std::vector<float> x = randomRow(32, magnitude, 3);
      x[0] = magnitude; // there is one that is not zero
      RtnResult r;
      QuantizedMatrix m = quantize(x, s, &r);
      ASSERT_EQ(r.fault, Fault::None);
      ASSERT_NE(m.scales[0], 0);
      float step = std::fabs(m.scales[0]);
      for (int i = 0; i < 32; ++i) {
        float error = std::fabs(x[i] - dequantizeElement(m, 0, i));
        // A minimum is a binary16, however small the rest.
        if (s.min != MinKind::F16) {
          ASSERT_LE(error, 1.01f * step);
        }
      }
      if (s.scale == ScaleKind::F32 && magnitude > 1e-30f) {
        EXPECT_EQ(r.coarseGroups, 0);
      }
      if (s.scale == ScaleKind::F16 && step < 0x1p-21f) {
        EXPECT_EQ(r.coarseGroups, 1);
      }
    }
  }
}

/// The scale of the group that element i is in.
float scaleAt(const QuantizedMatrix &m, int64_t i) {
  const Scheme &s = m.scheme;
  int64_t group = s.groupSize ? i / s.groupSize : 0;
  if (s.scale != ScaleKind::Super)
    return m.scales[group];
  return m.superScales[s.superSize ? i / s.superSize : 0] * m.subScales[group];
}

TEST(RtnTest, GridsTakeTheNearestValue) {
  for (const Scheme &s : gridSchemes()) {
    for (float magnitude : {1e-4f, 0.02f, 500.0f}) {
      SCOPED_TRACE(nameOf(s) + " magnitude " + std::to_string(magnitude));
      std::vector<float> x = randomRow(300, magnitude, s.bits);
      for (int i = 32; i < 64; ++i)
        x[i] *= 1e-4f; // far below its neighbours: still has a scale
      QuantizedMatrix m = quantize(x, s);
      ASSERT_EQ(checkMatrix(m), "");
      for (size_t i = 0; i < x.size(); ++i) {
        ASSERT_NE(scaleAt(m, i), 0);
        float error = std::fabs(x[i] - dequantizeElement(m, 0, i));
        uint8_t code = m.codes[i];
        for (int other = s.bits == 8 && s.min == MinKind::None; other < 1 << s.bits; ++other) {
          m.codes[i] = static_cast<uint8_t>(other);
          ASSERT_GE(std::fabs(x[i] - dequantizeElement(m, 0, i)), error * 0.9999f) << i;
        }
        m.codes[i] = code;
      }
    }
  }
}

TEST(RtnTest, TheLargestElementIsTheEndOfTheGrid) {
  std::vector<float> x(64);
  x[3] = 2.54f, x[5] = -1.0f, x[40] = 0.127f;
  QuantizedMatrix m = quantize(x, codebookScheme(4, 32, false));
  EXPECT_EQ(m.scales[0], halfToFloat(floatToHalf(2.54f / -127)));
  EXPECT_EQ(m.codes[3], 0);
  EXPECT_EQ(m.codes[5], 12); // 50 steps: nearest to 53
  EXPECT_EQ(m.codes[0], 8);  // entry 1
  m = quantize(x, codebookScheme(2, 32, true));
  EXPECT_EQ(m.superScales[0], halfToFloat(floatToHalf(0.02f / 127)));
  EXPECT_EQ(m.subScales[0], -127);
  EXPECT_EQ(m.subScales[1], -6); // 0.001 / 0.02 * 127 is 6.35
  EXPECT_EQ(m.codes[3], 0);
  EXPECT_EQ(m.codes[40], 0);
  m = quantize(x, withSuperScales(integerScheme(4, 32, false)));
  EXPECT_EQ(m.subScales[0], -127);
  EXPECT_EQ(m.codes[3], 0);
}

TEST(RtnTest, GridsOfZerosAndFaults) {
  for (const Scheme &s : gridSchemes()) {
    SCOPED_TRACE(nameOf(s));
    RtnResult r;
    QuantizedMatrix zeros = quantize(std::vector<float>(70, 0.0f), s, &r);
    EXPECT_EQ(r.coarseGroups, 0);
    EXPECT_EQ(scaleAt(zeros, 69), 0);
    EXPECT_EQ(checkMatrix(zeros), "");
    EXPECT_EQ(dequantizeElement(zeros, 0, 69), 0.0f);
    for (int64_t at : {0, 31, 300}) {
      std::vector<float> x = randomRow(320, 1, 1);
      x[at] = std::numeric_limits<float>::infinity();
      quantize(x, s, &r);
      EXPECT_EQ(r.fault, Fault::NotFinite);
      EXPECT_EQ(r.index, at);
    }
    quantize(std::vector<float>(64, 3e38f), s, &r);
    EXPECT_EQ(r.fault, Fault::TooLarge);
  }
}

TEST(RtnTest, FaultsNameTheElement) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  constexpr float infinity = std::numeric_limits<float>::infinity();
  std::vector<Scheme> list = rtnSchemes();
  for (CodeKind kind : {CodeKind::F32, CodeKind::F16, CodeKind::BF16})
    list.push_back(floatScheme(kind));
  for (const Scheme &s : list) {
    for (float bad : {nan, -nan, infinity, -infinity}) {
      for (int64_t at : {0, 31, 32, 199}) {
        SCOPED_TRACE(nameOf(s));
        std::vector<float> x = randomRow(200, 1, 1);
        x[at] = bad;
        x[199] = nan;
        RtnResult r;
        quantize(x, s, &r);
        EXPECT_EQ(r.fault, Fault::NotFinite);
        EXPECT_EQ(r.index, at);
      }
    }
  }
  RtnResult r{Fault::NotFinite, 17, 0};
  EXPECT_EQ(describe(r), "element 17 of a row is NaN or infinite: the weights "
                         "are damaged, or were saved with an overflow");
}

TEST(RtnTest, ScalesBeyondBinary16) {
  struct Case {
    Scheme scheme;
    float value;
    Fault fault;
  };
  Scheme wide = integerScheme(4, 32, false);
  wide.scale = ScaleKind::F32;
  Scheme wideZero = integerScheme(4, 32, true);
  wideZero.scale = ScaleKind::F32;
  Case cases[] = {
      {integerScheme(4, 32, false), 8 * 65504.0f, Fault::None},
      {integerScheme(4, 32, false), 8 * 65520.0f, Fault::TooLarge},
      {integerScheme(8, 32, false), 127 * 66000.0f, Fault::TooLarge},
      {integerScheme(4, 32, true), 15 * 66000.0f, Fault::TooLarge},
      {ggufScheme(GgufType::Q4_1), -70000.0f, Fault::TooLarge},
      {wide, 3e38f, Fault::None},
      {wideZero, 3e38f, Fault::None},
      {floatScheme(CodeKind::F16), 65519.0f, Fault::None},
      {floatScheme(CodeKind::F16), 65520.0f, Fault::TooLarge},
      {floatScheme(CodeKind::BF16), 3.4e38f, Fault::TooLarge},
      {floatScheme(CodeKind::F32), 3.4e38f, Fault::None},
  };
  for (const Case &c : cases) {
    SCOPED_TRACE(nameOf(c.scheme) + " " + std::to_string(c.value));
    std::vector<float> x(64);
    x[32] = c.value;
    x[33] = -c.value / 2;
    RtnResult r;
    QuantizedMatrix m = quantize(x, c.scheme, &r);
    EXPECT_EQ(r.fault, c.fault);
    if (c.fault == Fault::TooLarge) {
      EXPECT_EQ(r.index, 32);
      EXPECT_EQ(describe(r),
                "from element 32 of a row on, weights are too large for 16-bit "
                "scales or values (65504); keep this tensor at 32 bits");
    } else {
      EXPECT_NEAR(dequantizeElement(m, 0, 32) / c.value, 1, 0.08);
      EXPECT_EQ(checkMatrix(m), "");
    }
  }
}

TEST(RtnTest, FloatCodesRoundToNearestEven) {
  std::vector<float> x = {1.00048828125f, 1.0f, 0x1p-25f, -2.5f};
  EXPECT_EQ(quantize(x, floatScheme(CodeKind::F16)).values,
            (std::vector<float>{1, 1, 0, -2.5f}));
  EXPECT_EQ(quantize(x, floatScheme(CodeKind::F32)).values, x);
}

TEST(RtnTest, WhatHasNoRule) {
  EXPECT_EQ(checkRtn(ggufScheme(GgufType::Q4_K)),
            "rounding to nearest has no rule for minima of super-blocks and codebooks of floats");
  Scheme book = codebookScheme(4, 32, false);
  book.min = MinKind::F16;
  EXPECT_EQ(checkRtn(book), "rounding to nearest has no rule for codebooks with minima");
  book = codebookScheme(2, 32, false);
  book.codebook.assign(4, 0);
  EXPECT_EQ(checkRtn(book), "rounding to nearest needs a codebook with an entry that is not zero");
  book = codebookScheme(2, 32, false);
  book.offset = 1;
  EXPECT_EQ(checkRtn(book), "rounding to nearest expects offset 0, not 1");
  Scheme s = integerScheme(4, 32, false);
  s.offset = 7;
  EXPECT_EQ(checkRtn(s), "rounding to nearest expects offset 8, not 7");
  s.bits = 1;
  EXPECT_EQ(checkRtn(s), "integer codes of 1 bits; 2 to 8 are possible");
  for (const Scheme &good : rtnSchemes())
    EXPECT_EQ(checkRtn(good), "");
  for (const Scheme &good : gridSchemes())
    EXPECT_EQ(checkRtn(good), "");
}

TEST(RtnTest, EmptyRow) {
  for (const Scheme &s :
       {integerScheme(4, 0, false), floatScheme(CodeKind::F16)})
    EXPECT_EQ(quantizeRow(nullptr, s, 0, RowView()).fault, Fault::None);
}

} // namespace
