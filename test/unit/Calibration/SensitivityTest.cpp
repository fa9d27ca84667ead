//===- SensitivityTest.cpp - Grids for a budget -----------------------------------------===//

#include "compiler/Calibration/Sensitivity.h"
#include "test/unit/Frontends/Support.h"

using namespace qcc;
using namespace qcc::test;

namespace {

/// Three matrices; the second loses most.
std::vector<WeightSensitivity> weights(size_t probes) {
  return {{"layers.0.q", "layer.q", 64, 256, std::vector<double>(probes, 0.01)},
          {"layers.0.down", "layer.down", 128, 256, std::vector<double>(probes, 0.4)},
          {"layers.1.q", "layer.q", 64, 256, std::vector<double>(probes, 0.02)}};
}

double bytesOf(const Recipe &recipe, const std::vector<WeightSensitivity> &all) {
  double bytes = 0;
  for (const WeightSensitivity &weight : all)
    bytes += weight.n * weight.k *
             gridScheme(recipe.weights.at(weight.source)).bitsPerWeight(weight.k) / 8;
  return bytes;
}

class Budgets : public testing::TestWithParam<double> {};

TEST_P(Budgets, AreKept) {
  std::vector<WeightSensitivity> all = weights(probesFor(GetParam()).size());
  double elements = 256 * 256;
  int64_t budget = static_cast<int64_t>(elements * GetParam() / 8);
  llvm::Expected<Recipe> recipe = chooseGrids(all, optionsFor(GetParam()), budget);
  ASSERT_TRUE(bool(recipe)) << failureOf(recipe.takeError()).text;
  EXPECT_EQ(recipe->weights.size(), all.size());
  EXPECT_LE(bytesOf(*recipe, all), budget);
  // What loses most never has fewer bits than the rest.
  EXPECT_GE(recipe->weights["layers.0.down"].bits, recipe->weights["layers.0.q"].bits);
  std::string text = describe(*recipe, all);
  EXPECT_NE(text.find("layer.down"), std::string::npos) << text;
  EXPECT_NE(text.find("bits per weight"), std::string::npos) << text;
}

INSTANTIATE_TEST_SUITE_P(, Budgets, testing::Values(3.6, 4.0, 4.5, 5.0, 6.5, 8.5));

TEST(Grids, OfTooSmallABudget) {
  std::vector<WeightSensitivity> all = weights(probesFor(4.5).size());
  Failure failure = failureOf(chooseGrids(all, optionsFor(4.5), 1000));
  expectFailure(failure, ExitCode::DoesNotFit, "-bits=auto");
}

TEST(Grids, AreOfAProbe) {
  for (double bits : {3.0, 4.1, 4.2, 4.5, 8.0}) {
    size_t probes = probesFor(bits).size();
    for (const GridOption &option : optionsFor(bits)) {
      EXPECT_LT(option.probe, probes) << bits;
      EXPECT_EQ(checkGrid(option.grid), "") << bits;
      EXPECT_GT(option.factor, 0) << bits;
    }
  }
}

} // namespace
