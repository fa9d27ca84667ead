//===- SamplerTest.cpp
//-----------------------------------------------------===//
#include "runtime/src/Sampler.h"
#include "TempFile.h"

#include <cmath>

using namespace qcc::rt;

/// All candidates, temperature 1.
static SamplerOptions plain() {
  SamplerOptions o;
  o.temperature = 1;
  o.topK = 0;
  o.topP = 1;
  o.minP = 0;
  return o;
}

static std::vector<int> histogram(const SamplerOptions &options, const std::vector<float> &logits,
                                  int n) {
  Sampler sampler(options);
  std::vector<int> out(logits.size());
  for (int i = 0; i < n; ++i)
    ++out[static_cast<size_t>(sampler.sample(logits.data(), static_cast<int64_t>(logits.size())))];
  return out;
}

TEST(Sampler, GreedyTakesTheFirstOfTheLargest) {
  SamplerOptions o;
  o.temperature = 0;
  Sampler sampler(o);
  float nan = NAN;
  struct {
    std::vector<float> logits;
    int32_t want;
  } const cases[] = {{{1, 3, 2}, 1},
                     {{3, 3, 3}, 0},
                     {{nan, -5, nan, -4}, 3},
                     {{nan, nan}, -1},
                     {{-INFINITY, -INFINITY}, 0},
                     {{1, INFINITY, 2}, 1}};
  for (const auto &c : cases)
    EXPECT_EQ(sampler.sample(c.logits.data(), c.logits.size()), c.want);
}

TEST(Sampler, FollowsTheProbabilities) {
  std::vector<float> logits = {std::log(1.f), std::log(2.f), std::log(5.f), -INFINITY, NAN};
  std::vector<int> got = histogram(plain(), logits, 80000);
  EXPECT_NEAR(got[0], 10000, 400);
  EXPECT_NEAR(got[1], 20000, 500);
  EXPECT_NEAR(got[2], 50000, 600);
  EXPECT_EQ(got[3] + got[4], 0);
}

TEST(Sampler, TemperatureSharpens) {
  SamplerOptions o = plain();
  o.temperature = 0.5; // squares the ratio
  std::vector<int> got = histogram(o, {0, std::log(2.f)}, 50000);
  EXPECT_NEAR(got[1], 40000, 500);
}

TEST(Sampler, CutsCandidates) {
  std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.15f), std::log(0.05f)};
  SamplerOptions topK = plain(), topP = plain(), minP = plain();
  topK.topK = 2;
  topP.topP = 0.7;  // 0.5 is not enough, 0.8 is
  minP.minP = 0.29; // 0.15 = 0.3 * 0.5 stays
  std::vector<int> k = histogram(topK, logits, 2000), p = histogram(topP, logits, 2000),
                   m = histogram(minP, logits, 2000);
  EXPECT_TRUE(k[0] && k[1] && !k[2] && !k[3]);
  EXPECT_TRUE(p[0] && p[1] && !p[2] && !p[3]);
  EXPECT_TRUE(m[0] && m[1] && m[2] && !m[3]);
}

TEST(Sampler, SeedsDecide) {
  std::vector<float> logits(1000);
  for (size_t i = 0; i < logits.size(); ++i)
    logits[i] = static_cast<float>(i % 13);
  auto draw = [&](uint64_t seed) {
    SamplerOptions o = plain();
    o.seed = seed;
    Sampler sampler(o);
    std::vector<int32_t> out;
    for (int i = 0; i < 20; ++i)
      out.push_back(sampler.sample(logits.data(), 1000));
    return out;
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
}

TEST(Sampler, PenaltyLowersRecentTokens) {
  SamplerOptions o;
  o.temperature = 0;
  o.repeatPenalty = 2;
  o.repeatLast = 2;
  Sampler sampler(o);
  std::vector<float> logits = {10, 9, -1};
  EXPECT_EQ(sampler.sample(logits.data(), 3), 0);
  sampler.accept(0);
  EXPECT_EQ(sampler.sample(logits.data(), 3), 1);
  sampler.accept(1);
  EXPECT_EQ(sampler.sample(logits.data(), 3), 0); // 5 against 4.5
  sampler.accept(2);
  sampler.accept(2); // looks back two tokens only
  EXPECT_EQ(sampler.sample(logits.data(), 3), 0);
  std::vector<float> negative = {-1, -1.5f, -1};
  EXPECT_EQ(sampler.sample(negative.data(), 3), 0);
}

TEST(Sampler, AllNanIsNoToken) {
  std::vector<float> logits(4, NAN);
  Sampler sampler(plain());
  EXPECT_EQ(sampler.sample(logits.data(), 4), -1);
}

TEST(Sampler, ChecksOptions) {
  struct {
    void (*set)(SamplerOptions &);
    const char *part;
  } const cases[] = {
      {[](SamplerOptions &o) { o.temperature = -1; }, "--temp must be 0"},
      {[](SamplerOptions &o) { o.topK = -1; }, "--top-k must be 0"},
      {[](SamplerOptions &o) { o.topP = 0; }, "--top-p must be above 0"},
      {[](SamplerOptions &o) { o.topP = 1.1; }, "--top-p must be above 0"},
      {[](SamplerOptions &o) { o.minP = 2; }, "--min-p must be from 0"},
      {[](SamplerOptions &o) { o.repeatPenalty = 0; }, "--repeat-penalty must"},
      {[](SamplerOptions &o) { o.repeatLast = -1; }, "--repeat-last must"},
  };
  for (const auto &c : cases) {
    SamplerOptions o;
    c.set(o);
    expectFailure(checkOptions(o), kWrongUse, c.part);
  }
  EXPECT_FALSE(checkOptions(SamplerOptions()).failed());
}
