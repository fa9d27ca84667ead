//===- SensitivityTest.cpp - Grids for a budget -----------------------------------------===//

#include "compiler/Calibration/Sensitivity.h"
#include "test/unit/Frontends/Support.h"

using namespace qcc;
using namespace qcc::test;

namespace {

/// A table and three matrices; the second of these loses most.
std::vector<WeightSensitivity> weights(double bits) {
  Probes probes = probesFor(bits);
  auto losses = [&](bool table, double loss) {
    return std::vector<double>(probes.of(table).size(), loss);
  };
  return {{"embedding", "embedding", 512, 256, true, losses(true, 0.005)},
          {"layers.0.q", "layer.q", 64, 256, false, losses(false, 0.01)},
          {"layers.0.down", "layer.down", 128, 256, false, losses(false, 0.4)},
          {"layers.1.q", "layer.q", 64, 256, false, losses(false, 0.02)}};
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
  std::vector<WeightSensitivity> all = weights(GetParam());
  int64_t budget = budgetBytes(all, GetParam());
  EXPECT_EQ(budget, static_cast<int64_t>((256 * GetParam() + 512 * 8.5) * 256 / 8));
  llvm::Expected<Recipe> recipe = chooseGrids(all, optionsFor(GetParam()), budget);
  ASSERT_TRUE(bool(recipe)) << failureOf(recipe.takeError()).text;
  EXPECT_EQ(recipe->weights.size(), all.size());
  EXPECT_LE(bytesOf(*recipe, all), budget);
  // What loses most never has fewer bits than the rest.
  EXPECT_GE(recipe->weights["layers.0.down"].bits, recipe->weights["layers.0.q"].bits);
  // Of a table that loses little, bytes go to what loses more.
  if (GetParam() < 6)
    EXPECT_LT(recipe->weights["embedding"].bits, 8u);
  std::string text = describe(*recipe, all);
  EXPECT_NE(text.find("layer.down"), std::string::npos) << text;
  EXPECT_NE(text.find("bits per weight"), std::string::npos) << text;
}

INSTANTIATE_TEST_SUITE_P(, Budgets, testing::Values(3.6, 4.0, 4.5, 5.0, 6.5, 8.5));

TEST(Grids, OfTooSmallABudget) {
  std::vector<WeightSensitivity> all = weights(4.5);
  Failure failure = failureOf(chooseGrids(all, optionsFor(4.5), 1000));
  expectFailure(failure, ExitCode::DoesNotFit, "-bits=auto");
}

TEST(Grids, AreOfAProbe) {
  for (double bits : {3.0, 4.1, 4.2, 4.5, 8.0}) {
    GridOptions options = optionsFor(bits);
    for (bool table : {false, true}) {
      size_t probes = probesFor(bits).of(table).size();
      for (const GridOption &option : options.of(table)) {
        EXPECT_LT(option.probe, probes) << bits;
        EXPECT_EQ(checkGrid(option.grid), "") << bits;
        EXPECT_GT(option.factor, 0) << bits;
      }
    }
  }
}

} // namespace
