//===- RopeTest.cpp - Frequencies of the rotary embedding
//-------------------===//
//
// Values of the reference implementation (transformers) for each kind of
// scaling.
//
//===----------------------------------------------------------------------===//
#include "frontends/LanguageModel/ModelConfig.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace qcc;

namespace {

struct Expected {
  int index;
  float value;
};

void expectFrequencies(const RopeConfig &rope,
                       const std::vector<Expected> &expected) {
  std::vector<float> frequencies = rope.frequencies();
  ASSERT_EQ(frequencies.size(), rope.dims / 2);
  for (const Expected &e : expected)
    EXPECT_NEAR(frequencies[e.index] / e.value, 1, 1e-6) << "at " << e.index;
}

TEST(Rope, Default) {
  RopeConfig rope;
  rope.dims = 4;
  expectFrequencies(rope, {{0, 1.0f}, {1, 0.01f}});
  EXPECT_EQ(rope.attentionScale(), 1.0f);
}

TEST(Rope, Linear) {
  RopeConfig rope;
  rope.type = RopeType::Linear;
  rope.dims = 4;
  rope.factor = 4;
  expectFrequencies(rope, {{0, 0.25f}, {1, 0.0025f}});
  EXPECT_EQ(rope.attentionScale(), 1.0f);
}

TEST(Rope, Llama3) {
  RopeConfig rope;
  rope.type = RopeType::Llama3;
  rope.dims = 64;
  rope.theta = 5e5;
  rope.factor = 32;
  rope.lowFreqFactor = 1;
  rope.highFreqFactor = 4;
  rope.originalMaxPositions = 8192;
  expectFrequencies(rope, {{0, 1.0f},
                           {12, 7.29266474e-3f},
                           {16, 4.29556797e-4f},
                           {18, 1.94616382e-5f},
                           {20, 8.57025549e-6f},
                           {31, 9.41830673e-8f}});
  EXPECT_EQ(rope.attentionScale(), 1.0f);
}

TEST(Rope, Yarn) {
  RopeConfig rope;
  rope.type = RopeType::Yarn;
  rope.dims = 128;
  rope.theta = 1e6;
  rope.factor = 4;
  rope.originalMaxPositions = 32768;
  expectFrequencies(rope, {{0, 1.0f},
                           {30, 1.06436098e-3f},
                           {40, 4.44569853e-5f},
                           {63, 3.10234440e-7f}});
  EXPECT_NEAR(rope.attentionScale(), 1.13862944f, 1e-7);
}

TEST(Rope, YarnAttentionFactor) {
  RopeConfig rope;
  rope.type = RopeType::Yarn;
  rope.dims = 64;
  rope.factor = 40;
  rope.originalMaxPositions = 4096;
  rope.mscale = 0.707;
  rope.mscaleAllDim = 0.707;
  EXPECT_EQ(rope.attentionScale(), 1.0f);
  // 0 counts as not given.
  rope.mscaleAllDim = 0;
  EXPECT_NEAR(rope.attentionScale(), 0.1 * std::log(40.0) + 1, 1e-6);
  rope.attentionFactor = 2;
  EXPECT_EQ(rope.attentionScale(), 2.0f);
}

TEST(Rope, Divisors) {
  RopeConfig rope;
  rope.dims = 4;
  rope.divisors = {1, 8};
  expectFrequencies(rope, {{0, 1.0f}, {1, 0.00125f}});
}

} // namespace
