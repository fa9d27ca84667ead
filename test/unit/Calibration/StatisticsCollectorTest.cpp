//===- StatisticsCollectorTest.cpp - Moments of activations -----------------------------===//
//
// Against direct sums in double, for channels in one piece and in several.
//
//===----------------------------------------------------------------------===//

#include "compiler/Calibration/StatisticsCollector.h"
#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace qcc;

namespace {

class Statistics : public testing::TestWithParam<int64_t> {
protected:
  void SetUp() override {
    std::mt19937 random(3);
    std::normal_distribution<float> normal;
    x.resize(kRows * k());
    for (float &value : x)
      value = normal(random);
    // One channel is much louder, one is dead.
    for (int64_t t = 0; t < kRows; ++t) {
      x[t * k()] *= 30;
      x[t * k() + k() - 1] = 0;
    }
  }

  /// Adds the rows in two parts, on so many threads.
  InputStatistics collect(bool hessian, unsigned threads) const {
    llvm::DefaultThreadPool pool(llvm::hardware_concurrency(threads));
    StatisticsCollector collector(k(), hessian);
    constexpr int64_t first = 20;
    for (auto [from, rows] : {std::pair(int64_t(0), first), std::pair(first, kRows - first)}) {
      collector.add(x.data() + from * k(), rows, pool);
      pool.wait();
    }
    return collector.finish();
  }

  static int64_t k() { return GetParam(); }
  static constexpr int64_t kRows = 53;
  std::vector<float> x;
};

TEST_P(Statistics, AreDirectSums) {
  InputStatistics found = collect(true, 2);
  EXPECT_EQ(found.k, k());
  EXPECT_EQ(found.tokens, kRows);
  ASSERT_EQ(found.hessian.size(), size_t(k() * k()));
  for (int64_t i = 0; i < k(); ++i) {
    double largest = 0, magnitude = 0;
    for (int64_t t = 0; t < kRows; ++t) {
      largest = std::max(largest, std::fabs(double(x[t * k() + i])));
      magnitude += std::fabs(x[t * k() + i]) / double(kRows);
    }
    EXPECT_EQ(found.absMax[i], float(largest)) << i;
    EXPECT_NEAR(found.meanAbs[i], magnitude, 1e-5 * magnitude) << i;
    for (int64_t j = 0; j < k(); ++j) {
      double product = 0;
      for (int64_t t = 0; t < kRows; ++t)
        product += double(x[t * k() + i]) * x[t * k() + j] / kRows;
      ASSERT_NEAR(found.hessian[i * k() + j], product, 1e-4 * (1 + std::fabs(product)))
          << i << ", " << j;
      if (i == j)
        EXPECT_NEAR(found.meanSquare[i], product, 1e-5 * product) << i;
    }
  }
  EXPECT_FALSE(bool(checkStatistics(found, k())));
}

TEST_P(Statistics, DoNotDependOnTheThreads) {
  InputStatistics one = collect(true, 1), three = collect(true, 3);
  EXPECT_EQ(one.hessian, three.hessian);
  EXPECT_EQ(one.meanSquare, three.meanSquare);
  EXPECT_EQ(one.meanAbs, three.meanAbs);
  EXPECT_EQ(one.absMax, three.absMax);
}

TEST_P(Statistics, WithoutHessian) {
  InputStatistics found = collect(false, 2);
  EXPECT_TRUE(found.hessian.empty());
  EXPECT_EQ(found.meanSquare, collect(true, 2).meanSquare);
}

TEST_P(Statistics, KeepWhatIsNoNumber) {
  x[5 * k() + k() / 2] = std::nanf("");
  llvm::Error error = checkStatistics(collect(false, 2), k());
  std::string text = llvm::toString(std::move(error));
  EXPECT_NE(text.find("input channel " + std::to_string(k() / 2)), std::string::npos) << text;
}

INSTANTIATE_TEST_SUITE_P(, Statistics, testing::Values(5, 256, 300),
                         testing::PrintToStringParamName());

TEST(StatisticsOfNothing, AreRefused) {
  llvm::Error error = checkStatistics(StatisticsCollector(4, false).finish(), 4);
  EXPECT_NE(llvm::toString(std::move(error)).find("give a longer calibration text"),
            std::string::npos);
}

} // namespace
