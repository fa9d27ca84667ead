//===- ComparisonTest.cpp - Two language models on the same text ------------------------===//
//
// Against numpy's results for the same logits (data/comparison.json, by make_golden.py).
//
//===----------------------------------------------------------------------===//

#include "compiler/Report/Comparison.h"
#include <fstream>
#include <gtest/gtest.h>
#include <limits>
#include <nlohmann/json.hpp>

using namespace qcc;

namespace {

TEST(Comparison, IsNumpys) {
  std::ifstream file(QCC_CALIBRATION_TEST_DATA "/comparison.json");
  nlohmann::json golden = nlohmann::json::parse(file, nullptr, false);
  ASSERT_TRUE(golden.is_object());
  auto exact = golden["exact"].get<std::vector<float>>();
  auto quantized = golden["quantized"].get<std::vector<float>>();
  auto next = golden["next"].get<std::vector<int32_t>>();
  int64_t vocabulary = golden["vocabulary"];
  Comparison comparison;
  for (size_t i = 0; i < next.size(); ++i)
    ASSERT_TRUE(comparison.add(exact.data() + i * vocabulary, quantized.data() + i * vocabulary,
                               vocabulary, next[i]));
  Quality quality = comparison.finish();
  EXPECT_EQ(quality.positions, int64_t(next.size()));
  auto same = [&](const char *name, double value) {
    double expected = golden[name];
    EXPECT_NEAR(value, expected, 1e-6 * (1 + std::abs(expected))) << name;
  };
  same("perplexityFloat", quality.perplexityFloat);
  same("perplexity", quality.perplexity);
  same("logRatio", quality.logRatio);
  same("logRatioError", quality.logRatioError);
  same("divergence", quality.divergence);
  same("divergenceError", quality.divergenceError);
  same("divergenceMedian", quality.divergenceMedian);
  same("divergence99", quality.divergence99);
  same("divergenceMax", quality.divergenceMax);
  same("sameTop", quality.sameTop);
  same("meanDelta", quality.meanDelta);
  same("rmsDelta", quality.rmsDelta);
}

TEST(Comparison, OfAModelWithItself) {
  const float logits[] = {1, 5, -3, 2};
  Comparison comparison;
  for (int32_t next : {0, 1, 3})
    ASSERT_TRUE(comparison.add(logits, logits, 4, next));
  Quality quality = comparison.finish();
  EXPECT_EQ(quality.divergence, 0);
  EXPECT_EQ(quality.divergenceMax, 0);
  EXPECT_EQ(quality.logRatio, 0);
  EXPECT_EQ(quality.logRatioError, 0);
  EXPECT_EQ(quality.sameTop, 1);
  EXPECT_EQ(quality.perplexity, quality.perplexityFloat);
}

TEST(Comparison, RefusesWhatIsNoNumber) {
  const float good[] = {1, 2, 3};
  for (float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const float logits[] = {1, bad, 3};
    Comparison comparison;
    EXPECT_FALSE(comparison.add(logits, good, 3, 0));
    EXPECT_FALSE(comparison.add(good, logits, 3, 0));
    EXPECT_EQ(comparison.finish().positions, 0);
  }
}

TEST(Comparison, OfNothing) {
  Quality quality = Comparison().finish();
  EXPECT_EQ(quality.positions, 0);
  EXPECT_EQ(quality.divergence, 0);
}

TEST(Quality, AsText) {
  Quality quality;
  quality.positions = 40;
  quality.perplexityFloat = 20;
  quality.perplexity = 21;
  quality.sameTop = 0.5;
  std::string text = quality.lines();
  EXPECT_NE(text.find("perplexity: 21.0000 (float 20.0000, +5.00 %)\n"), std::string::npos) << text;
  EXPECT_NE(text.find("same top token: 50.00 %\n"), std::string::npos) << text;
  EXPECT_NE(text.find("positions scored: 40\n"), std::string::npos) << text;
}

} // namespace
