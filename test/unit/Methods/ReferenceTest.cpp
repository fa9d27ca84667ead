//===- ReferenceTest.cpp - The methods against plain numpy ----------------===//
//
// Codes, factors and errors equal those of reference.py, which computes them by other routes: the
// inverse instead of a triangular factor, all gradients anew for each code, thousands of grids
// instead of a search.
//
//===----------------------------------------------------------------------===//
#include "dialects/QuantExt/Codec/Reference.h"
#include "Golden.h"
#include "compiler/Methods/Awq.h"
#include "compiler/Methods/CoordinateDescent.h"
#include "compiler/Methods/Gptq.h"
#include "compiler/Methods/Knapsack.h"
#include "compiler/Methods/Metrics.h"
#include "compiler/Methods/ScaleRefit.h"
#include "compiler/Methods/ScaleSearch.h"
#include "compiler/Methods/SmoothQuant.h"
#include "compiler/Methods/Target.h"
#include "dialects/QuantExt/Codec/Presets.h"

#include <gtest/gtest.h>

using namespace qcc;

namespace {

class MethodsReferenceTest : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_TRUE(golden().is_object());
    n = golden().at("n");
    k = golden().at("k");
    group = golden().at("group");
    w = goldenVector<float>("w");
    statistics = goldenStatistics();
  }

  /// The golden weights by round to nearest, scales of `kind`.
  QuantizedMatrix rounded(ScaleKind kind = ScaleKind::F16) const {
    Scheme scheme = integerScheme(4, group, false);
    scheme.scale = kind;
    QuantizedMatrix m = makeMatrix(scheme, n, k);
    m.scales = goldenVector<float>("rtnScales");
    m.codes = goldenVector<uint8_t>("rtnCodes");
    return m;
  }

  int64_t n = 0, k = 0;
  unsigned group = 0;
  std::vector<float> w;
  InputStatistics statistics;
};

void expectNear(const std::vector<float> &ours, const std::vector<double> &theirs, double limit) {
  ASSERT_EQ(ours.size(), theirs.size());
  double scale = 0;
  for (double f : theirs)
    scale = std::max(scale, std::fabs(f));
  for (size_t i = 0; i < ours.size(); ++i)
    ASSERT_NEAR(ours[i], theirs[i], limit * scale) << i;
}

TEST_F(MethodsReferenceTest, RoundToNearest) {
  QuantizedMatrix m, expected = rounded();
  ASSERT_FALSE(quantizeMatrix(w.data(), n, k, expected.scheme, nullptr, MethodOptions(), m));
  EXPECT_EQ(m.codes, expected.codes);
  EXPECT_EQ(m.scales, expected.scales);
}

TEST_F(MethodsReferenceTest, HessianFactor) {
  auto factor = HessianFactor::make(statistics, 0.01, true);
  ASSERT_TRUE(static_cast<bool>(factor));
  auto order = goldenVector<int64_t>("order");
  std::vector<float> ours;
  for (int64_t i = 0; i < k; ++i) {
    EXPECT_EQ(factor->column(i), order[i]);
    ours.insert(ours.end(), factor->row(i), factor->row(i) + k);
  }
  expectNear(ours, goldenVector<double>("factor"), 1e-4);
}

TEST_F(MethodsReferenceTest, Gptq) {
  for (bool ordered : {false, true}) {
    MethodOptions options;
    options.gptq = true;
    options.activationOrder = ordered;
    QuantizedMatrix m;
    ASSERT_FALSE(
        quantizeMatrix(w.data(), n, k, integerScheme(4, group, false), &statistics, options, m));
    EXPECT_EQ(m.codes, goldenVector<uint8_t>(ordered ? "gptqOrdered" : "gptqNatural"));
  }
}

TEST_F(MethodsReferenceTest, CoordinateDescent) {
  QuantizedMatrix m = rounded();
  DescentOptions options;
  int64_t changed = descend(w.data(), n, k, statistics, options, m);
  auto expected = goldenVector<uint8_t>("descended");
  EXPECT_EQ(m.codes, expected);
  QuantizedMatrix before = rounded();
  int64_t differ = 0;
  for (size_t i = 0; i < expected.size(); ++i)
    differ += before.codes[i] != expected[i];
  EXPECT_EQ(changed, differ);
}

TEST_F(MethodsReferenceTest, ScaleRefit) {
  QuantizedMatrix m = rounded(ScaleKind::F32);
  std::vector<float> h = statistics.hessian, gradients(n * k), q = dequantize(m);
  double sum = 0;
  for (int64_t i = 0; i < k; ++i)
    sum += h[i * (k + 1)];
  for (int64_t i = 0; i < k; ++i)
    h[i * (k + 1)] += static_cast<float>(0.01 * sum / k);
  for (int64_t r = 0; r < n; ++r)
    for (int64_t i = 0; i < k; ++i)
      for (int64_t j = 0; j < k; ++j)
        gradients[r * k + i] += (w[r * k + j] - q[r * k + j]) * h[j * k + i];
  refitScales(h, m, 0, n, gradients);
  expectNear(m.scales, goldenVector<double>("refitted"), 1e-4);
}

TEST_F(MethodsReferenceTest, OutputError) {
  std::vector<float> q = dequantize(rounded());
  OutputError e = outputError(w.data(), q.data(), n, k, &statistics);
  double error = golden().at("error"), signal = golden().at("signal");
  EXPECT_NEAR(e.error, error, 1e-5 * error);
  EXPECT_NEAR(e.signal, signal, 1e-5 * signal);
  EXPECT_NEAR(e.relative(), std::sqrt(error / signal), 1e-5);
  EXPECT_NEAR(e.signalToNoise(), 10 * std::log10(signal / error), 1e-3);
  EXPECT_NEAR(outputErrorSum(w.data(), q.data(), n, k, &statistics, 2), e.error, 0);
}

/// The search comes within a few percent of the best of thousands of grids, group by group.
TEST_F(MethodsReferenceTest, ScaleSearch) {
  Scheme nf4 = nf4Scheme(group, false);
  Scheme iq4 = ggufScheme(GgufType::IQ4_NL), minimum = ggufScheme(GgufType::Q4_1);
  iq4.groupSize = minimum.groupSize = group;
  const std::pair<const char *, Scheme> kinds[] = {{"int4", integerScheme(4, group, false)},
                                                   {"iq4_nl", iq4},
                                                   {"nf4", nf4},
                                                   {"zero", integerScheme(4, group, true)},
                                                   {"min", minimum}};
  for (const auto &[name, scheme] : kinds) {
    MethodOptions options;
    options.scales = ScaleMethod::Importance;
    QuantizedMatrix m;
    ASSERT_FALSE(quantizeMatrix(w.data(), n, k, scheme, &statistics, options, m));
    ASSERT_EQ(checkMatrix(m), "");
    std::vector<float> q = dequantize(m);
    auto best = golden().at("searched").at(name).get<std::vector<double>>();
    double ours = 0, theirs = 0;
    for (int64_t i = 0; i < n * k; ++i)
      ours += statistics.meanSquare[i % k] * (w[i] - q[i]) * (w[i] - q[i]);
    for (double e : best)
      theirs += e;
    EXPECT_LT(ours, 1.06 * theirs) << name;
    EXPECT_GT(ours, 0.9 * theirs) << name;
  }
}

TEST_F(MethodsReferenceTest, Awq) {
  auto found =
      searchAwq({{w.data(), n}}, k, integerScheme(4, group, false), statistics, MethodOptions());
  ASSERT_TRUE(static_cast<bool>(found));
  const nlohmann::json &expected = golden().at("awq");
  EXPECT_EQ(found->alpha, expected.at("alpha").get<double>());
  expectNear(found->s, expected.at("s").get<std::vector<double>>(), 1e-5);
  EXPECT_NEAR(found->error / expected.at("error").get<double>(), 1, 1e-4);
  EXPECT_NEAR(found->errorBefore / expected.at("errorBefore").get<double>(), 1, 1e-4);
}

TEST_F(MethodsReferenceTest, AwqSumsOverMatrices) {
  Scheme scheme = integerScheme(4, group, false);
  auto whole = searchAwq({{w.data(), n}}, k, scheme, statistics, MethodOptions());
  auto parts =
      searchAwq({{w.data(), 2}, {w.data() + 2 * k, n - 2}}, k, scheme, statistics, MethodOptions());
  ASSERT_TRUE(whole && parts);
  EXPECT_EQ(whole->s, parts->s);
  EXPECT_NEAR(whole->error / parts->error, 1, 1e-6);
}

TEST_F(MethodsReferenceTest, SmoothQuant) {
  auto found = searchSmoothQuant({{w.data(), n}}, k, statistics, ActivationScale::Tensor);
  ASSERT_TRUE(static_cast<bool>(found));
  const nlohmann::json &expected = golden().at("smooth");
  EXPECT_EQ(found->alpha, expected.at("alpha").get<double>());
  expectNear(found->s, expected.at("s").get<std::vector<double>>(), 1e-5);
  EXPECT_NEAR(found->error / expected.at("error").get<double>(), 1, 1e-4);
  EXPECT_NEAR(found->errorBefore / expected.at("errorBefore").get<double>(), 1, 1e-4);
  auto token = searchSmoothQuant({{w.data(), n}}, k, statistics, ActivationScale::Token);
  ASSERT_TRUE(static_cast<bool>(token));
  EXPECT_LE(token->error, found->error);
}

TEST_F(MethodsReferenceTest, Target) {
  TargetStatistics target{goldenVector<float>("cross"), goldenVector<float>("residual")};
  TargetOptions options;
  options.alpha = 0.5;
  options.rho = 0.25;
  options.damping = 0.01;
  ASSERT_FALSE(moveTarget(w.data(), n, k, statistics, target, options));
  expectNear(w, goldenVector<double>("target"), 1e-4);
  // Inputs that did not change leave the weights alone.
  std::vector<float> same = w;
  ASSERT_FALSE(moveTarget(w.data(), n, k, statistics, {statistics.hessian, {}}, options));
  EXPECT_EQ(w, same);
}

TEST_F(MethodsReferenceTest, Knapsack) {
  for (const nlohmann::json &row : golden().at("knapsacks")) {
    std::vector<std::vector<KnapsackOption>> items;
    for (const nlohmann::json &item : row.at("items")) {
      items.emplace_back();
      for (const nlohmann::json &option : item)
        items.back().push_back({option[0].get<int64_t>(), option[1].get<double>()});
    }
    auto found = solveKnapsack(items, row.at("budget"));
    ASSERT_TRUE(static_cast<bool>(found));
    EXPECT_NEAR(found->loss, row.at("loss").get<double>(), 1e-9);
    EXPECT_LE(found->bytes, row.at("budget").get<int64_t>());
    int64_t bytes = 0;
    for (size_t i = 0; i < items.size(); ++i)
      bytes += items[i][found->option[i]].bytes;
    EXPECT_EQ(bytes, found->bytes);
  }
}

} // namespace
