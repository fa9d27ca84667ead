//===- OutliersTest.cpp - Which input channels stay in float ---------------===//

#include "compiler/Methods/Outliers.h"
#include "llvm/ADT/STLExtras.h"
#include <gtest/gtest.h>
#include <random>

using namespace qcc;

namespace {

using Channels = std::vector<int32_t>;

struct AboveCase {
  const char *name;
  std::vector<float> absMax;
  int64_t count;
  float threshold;
  Channels chosen;
};

class OutliersAbove : public testing::TestWithParam<AboveCase> {};

TEST_P(OutliersAbove, AreChosen) {
  const AboveCase &c = GetParam();
  EXPECT_EQ(outliersAbove(c.absMax, c.count, c.threshold), c.chosen);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, OutliersAbove,
    testing::Values(AboveCase{"none", {1, 5.9f, 0}, 16, kOutlierThreshold, {}},
                    AboveCase{"at_the_threshold", {6, 1, 7}, 16, kOutlierThreshold, {0, 2}},
                    AboveCase{"no_channels", {}, 16, kOutlierThreshold, {}},
                    AboveCase{"more_than_slots", {9, 8, 30, 7, 20}, 2, kOutlierThreshold, {2, 4}},
                    AboveCase{"equal_ones", {8, 8, 8, 8}, 3, kOutlierThreshold, {0, 1, 2}},
                    AboveCase{"no_slots", {8, 8}, 0, kOutlierThreshold, {}}),
    [](const auto &info) { return info.param.name; });

struct GroupsCase {
  const char *name;
  std::vector<float> absMax;
  int64_t count, group;
  Channels chosen;
};

class OutliersOfGroups : public testing::TestWithParam<GroupsCase> {};

TEST_P(OutliersOfGroups, AreChosen) {
  const GroupsCase &c = GetParam();
  EXPECT_EQ(outliersOfGroups(c.absMax, c.count, c.group), c.chosen);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, OutliersOfGroups,
    testing::Values(
        // One scale for all: the largest.
        GroupsCase{"one_group", {1, 9, 2, 8, 3, 4}, 3, 6, {1, 3, 5}},
        // 100 beside 99 saves next to nothing alone, the two a lot.
        GroupsCase{"two_together", {100, 99, 1, 1, 9, 1, 1, 1}, 2, 4, {0, 1}},
        // With room for one of the two, the other group is better served.
        GroupsCase{"no_room_for_two", {100, 99.9f, 1, 1, 9, 1, 1, 1}, 1, 4, {4}},
        // A group whose scale was high for all its channels has no outliers, however large.
        GroupsCase{"high_group", {50, 50, 50, 50, 5, 1, 1, 1}, 2, 4, {4}},
        // Absence of channels that are equal to others saves nothing.
        GroupsCase{"nothing_to_save", {0, 0, 0, 0}, 2, 2, {}},
        GroupsCase{"short_last_group", {1, 1, 1, 1, 1, 9, 1}, 1, 4, {5}},
        GroupsCase{"more_slots_than_channels", {3, 2, 1}, 16, 32, {0, 1, 2}},
        GroupsCase{"no_channels", {}, 16, 32, {}}),
    [](const auto &info) { return info.param.name; });

/// Of random magnitudes with a few large ones: never worse than the largest channels of all.
TEST(OutliersOfGroups, LowerTheScalesMost) {
  std::mt19937 random(3);
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<float> absMax(256);
    for (float &value : absMax)
      value = std::uniform_real_distribution<float>(0.5f, 1)(random) *
              (random() % 16 == 0 ? 20.0f : 1.0f);
    auto cost = [&](const Channels &without) {
      double sum = 0;
      for (size_t first = 0; first < absMax.size(); first += 32) {
        double largest = 0;
        for (size_t i = first; i < first + 32; ++i)
          if (!llvm::is_contained(without, static_cast<int32_t>(i)))
            largest = std::max<double>(largest, absMax[i]);
        sum += 32 * largest * largest;
      }
      return sum;
    };
    Channels chosen = outliersOfGroups(absMax, 16, 32);
    EXPECT_LE(chosen.size(), 16u);
    EXPECT_TRUE(llvm::is_sorted(chosen));
    EXPECT_LE(cost(chosen), cost(outliersAbove(absMax, 16, 0)));
  }
}

} // namespace
