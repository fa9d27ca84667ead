//===- DimsTest.cpp - Sizes as expressions ------------------------------------------===//

#include "frontends/ONNX/ImportDims.h"
#include <gtest/gtest.h>

#include <limits>

using namespace qcc;

namespace {

const DimExpr b = DimExpr::symbol("b"), s = DimExpr::symbol("s");

TEST(Dims, NormalForm) {
  struct Case {
    DimExpr e;
    const char *text;
  };
  const Case cases[] = {
      {0, "0"},
      {-7, "-7"},
      {b, "b"},
      {s * b, "b*s"},
      {b + s, "b + s"},
      {b - s - 1, "b - s - 1"},
      {(b + 1) * (b - 1), "b*b - 1"},
      {b * 2 + b * 3, "5*b"},
      {b - b, "0"},
      {s.floorDiv(2) + 1, "floordiv(s, 2) + 1"},
      {(s * 2 + 1).floorDiv(2), "s"},
      {(s * 4 + 6).floorDiv(4), "s + 1"},
      {(s * 2 + 5).floorDiv(4), "floordiv(2*s + 1, 4) + 1"},
      {s.ceilDiv(2), "floordiv(s + 1, 2)"},
      {DimExpr(7).ceilDiv(2), "4"},
      {DimExpr(-7).floorDiv(2), "-4"},
      {DimExpr::min(s, 512), "min(512, s)"},
      {DimExpr::min(512, s), "min(512, s)"},
      {DimExpr::max(s, 0), "s"},
      {DimExpr::min(s, -1), "-1"},
      {DimExpr::max(s + 2, s), "s + 2"},
      {DimExpr::max(b, s), "max(b, s)"},
  };
  for (const Case &c : cases)
    EXPECT_EQ(c.e.str(), c.text);
}

TEST(Dims, Equality) {
  EXPECT_EQ(b * (s + 1), b + s * b);
  EXPECT_NE(b, s);
  EXPECT_NE(DimExpr::invalid(), DimExpr::invalid());
  EXPECT_EQ(DimExpr::min(s, b), DimExpr::min(b, s));
}

TEST(Dims, ExactDivision) {
  EXPECT_EQ((b * s * 384).exactDiv(b * 32)->str(), "12*s");
  EXPECT_EQ((b * 4 + 8).exactDiv(4)->str(), "b + 2");
  EXPECT_EQ((b + s).exactDiv(b + s)->str(), "1");
  EXPECT_FALSE((b * 4 + 2).exactDiv(4));
  EXPECT_FALSE(b.exactDiv(s));
  EXPECT_FALSE(b.exactDiv(0));
  EXPECT_FALSE(DimExpr(std::numeric_limits<int64_t>::min()).exactDiv(-1));
}

TEST(Dims, Bounds) {
  DimExpr limited = DimExpr::symbol("t", 512);
  EXPECT_EQ(b.lowerBound(), 0);
  EXPECT_FALSE(b.upperBound());
  EXPECT_EQ(limited.upperBound(), 512);
  EXPECT_EQ((limited * 2 + 1).upperBound(), 1025);
  EXPECT_EQ((DimExpr(4) - limited).lowerBound(), -508);
  EXPECT_EQ(DimExpr::min(limited, 512).str(), "t");
  EXPECT_EQ(DimExpr::min(b, 10).upperBound(), 10);
  EXPECT_EQ(DimExpr::max(b, 10).lowerBound(), 10);
  EXPECT_EQ((b - 3).floorDiv(2).lowerBound(), -2);
}

TEST(Dims, OverflowIsInvalid) {
  DimExpr huge = std::numeric_limits<int64_t>::max();
  EXPECT_FALSE((huge + 1).isValid());
  EXPECT_FALSE((huge * 2).isValid());
  EXPECT_FALSE((b * huge * 2).isValid());
  EXPECT_FALSE((huge + 1 - huge).isValid());
  EXPECT_FALSE(DimExpr::min(DimExpr::invalid(), 1).isValid());
  EXPECT_FALSE(b.floorDiv(0).isValid());
  EXPECT_FALSE(b.floorDiv(s).isValid()) << "a symbol may be 0";
  EXPECT_FALSE(DimExpr::invalid().constant());
}

TEST(Dims, GrowthIsBounded) {
  DimExpr e = b + s + 1;
  for (int i = 0; i < 40; ++i)
    e = e * (e + 1);
  EXPECT_FALSE(e.isValid());
  DimExpr nested = s;
  for (int i = 0; i < 5000; ++i)
    nested = DimExpr::max(nested * 3 - b, b * 2 - nested);
  EXPECT_FALSE(nested.isValid());
}

} // namespace
