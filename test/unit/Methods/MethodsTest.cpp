//===- MethodsTest.cpp - What holds for any matrix, and every error --------===//
//
// Properties over all kinds of scheme: a search is never worse than rounding, GPTQ than its scales'
// rounding, descent than where it began; threads change nothing. And each message, fired.
//
//===----------------------------------------------------------------------===//
#include "Golden.h"
#include "compiler/Methods/Awq.h"
#include "compiler/Methods/CoordinateDescent.h"
#include "compiler/Methods/Hessian.h"
#include "compiler/Methods/Knapsack.h"
#include "compiler/Methods/Metrics.h"
#include "compiler/Methods/SmoothQuant.h"
#include "compiler/Methods/Target.h"
#include "dialects/QuantExt/Codec/Presets.h"
#include "dialects/QuantExt/Codec/Reference.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

using namespace qcc;

namespace {

constexpr int64_t n = 150, k = 192;

std::vector<float> gaussian(int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> out(count);
  for (float &f : out)
    f = normal(random);
  return out;
}

/// Inputs whose neighbours are alike and whose channels differ in loudness.
InputStatistics correlated(int64_t channels, int64_t tokens) {
  std::vector<float> x = gaussian(tokens * channels, 3), gains = gaussian(channels, 4);
  InputStatistics s;
  s.k = channels;
  s.tokens = tokens;
  s.hessian.assign(channels * channels, 0);
  s.meanAbs.assign(channels, 0);
  for (int64_t t = 0; t < tokens; ++t) {
    float *row = &x[t * channels];
    for (int64_t i = 1; i < channels; ++i)
      row[i] = 0.8f * row[i - 1] + 0.6f * row[i];
    for (int64_t i = 0; i < channels; ++i)
      row[i] *= std::exp(gains[i]);
    for (int64_t i = 0; i < channels; ++i) {
      s.meanAbs[i] += std::fabs(row[i]) / static_cast<float>(tokens);
      for (int64_t j = 0; j < channels; ++j)
        s.hessian[i * channels + j] += row[i] * row[j] / static_cast<float>(tokens);
    }
  }
  s.meanSquare = importanceOf(s);
  return s;
}

const InputStatistics &statistics() {
  static const InputStatistics s = correlated(k, 600);
  return s;
}

const std::vector<float> &weights() {
  static const std::vector<float> w = gaussian(n * k, 5);
  return w;
}

struct Kind {
  const char *name;
  Scheme scheme;
};

Scheme withF32Scales(Scheme scheme) {
  scheme.scale = ScaleKind::F32;
  return scheme;
}

std::vector<Kind> kinds() {
  Scheme fp4 = integerScheme(4, 64, false);
  fp4.code = CodeKind::FloatCodebook;
  fp4.offset = 0;
  fp4.floatCodebook = {0,     0.005f,  0.67f,  1,  0.33f,  0.5f,  0.17f,  0.25f,
                       -0.0f, -0.005f, -0.67f, -1, -0.33f, -0.5f, -0.17f, -0.25f};
  return {{"int2_g16", integerScheme(2, 16, true)},
          {"int3_g32", integerScheme(3, 32, false)},
          {"int4_g32_f32", withF32Scales(integerScheme(4, 32, false))},
          {"int4_row", integerScheme(4, 0, false)},
          {"int5_g128", integerScheme(5, 128, true)},
          {"int8_g32", integerScheme(8, 32, false)},
          {"q4_1", ggufScheme(GgufType::Q4_1)},
          {"q4_k", ggufScheme(GgufType::Q4_K)},
          {"q2_k", ggufScheme(GgufType::Q2_K)},
          {"q6_k", ggufScheme(GgufType::Q6_K)},
          {"iq4_nl", ggufScheme(GgufType::IQ4_NL)},
          {"iq4_xs", ggufScheme(GgufType::IQ4_XS)},
          {"book3_row_super", codebookScheme(3, 32, true)},
          {"book2", codebookScheme(2, 32, false)},
          {"nf4_f32", withF32Scales(nf4Scheme(64, false))},
          {"nf4_double", nf4Scheme(64, true)},
          {"fp4", fp4}};
}

double weighted(const QuantizedMatrix &m, const std::vector<float> &importance) {
  std::vector<float> q = dequantize(m);
  double sum = 0;
  for (int64_t i = 0; i < n * k; ++i)
    sum += (importance.empty() ? 1.0 : importance[i % k]) * std::pow(weights()[i] - q[i], 2);
  return sum;
}

double hessianError(const QuantizedMatrix &m) {
  std::vector<float> q = dequantize(m);
  return outputErrorSum(weights().data(), q.data(), n, k, &statistics());
}

QuantizedMatrix quantized(const Scheme &scheme, const MethodOptions &options) {
  QuantizedMatrix m;
  llvm::Error error = quantizeMatrix(weights().data(), n, k, scheme, &statistics(), options, m);
  EXPECT_FALSE(static_cast<bool>(error)) << llvm::toString(std::move(error));
  EXPECT_EQ(checkMatrix(m), "");
  return m;
}

class KindTest : public ::testing::TestWithParam<Kind> {};

TEST_P(KindTest, SearchIsNoWorseThanRounding) {
  MethodOptions rtn, mse, importance;
  mse.scales = ScaleMethod::Mse;
  importance.scales = ScaleMethod::Importance;
  QuantizedMatrix rounded = quantized(GetParam().scheme, rtn);
  EXPECT_LE(weighted(quantized(GetParam().scheme, mse), {}), weighted(rounded, {}));
  const std::vector<float> &u = statistics().meanSquare;
  EXPECT_LE(weighted(quantized(GetParam().scheme, importance), u), weighted(rounded, u));
}

TEST_P(KindTest, GptqAndDescentLowerTheOutputError) {
  MethodOptions options;
  options.scales = ScaleMethod::Importance;
  double searched = hessianError(quantized(GetParam().scheme, options));
  options.gptq = true;
  double gptq = hessianError(quantized(GetParam().scheme, options));
  EXPECT_LT(gptq, searched);
  double last = gptq;
  // Damping is part of what descent lowers, so leave it out of the comparison.
  options.damping = 1e-6;
  last = hessianError(quantized(GetParam().scheme, options));
  for (int sweeps : {1, 2, 4}) {
    options.descentSweeps = sweeps;
    double now = hessianError(quantized(GetParam().scheme, options));
    EXPECT_LE(now, last * (1 + 1e-5));
    last = now;
  }
  options.refitScales = true;
  EXPECT_LE(hessianError(quantized(GetParam().scheme, options)), gptq);
}

TEST_P(KindTest, RefitAloneLowersTheOutputError) {
  QuantizedMatrix m = quantized(GetParam().scheme, MethodOptions());
  double last = hessianError(m);
  for (int sweep = 0; sweep < 3; ++sweep) {
    descend(weights().data(), n, k, statistics(), {1, true, 0, 1}, m);
    EXPECT_EQ(checkMatrix(m), "");
    double now = hessianError(m);
    EXPECT_LE(now, last * (1 + 1e-5));
    last = now;
  }
}

TEST_P(KindTest, ThreadsChangeNothing) {
  MethodOptions options;
  options.scales = ScaleMethod::Importance;
  options.gptq = options.refitScales = true;
  options.descentSweeps = 2;
  QuantizedMatrix one = quantized(GetParam().scheme, options);
  options.threads = 3;
  QuantizedMatrix three = quantized(GetParam().scheme, options);
  EXPECT_EQ(one.codes, three.codes);
  EXPECT_EQ(dequantize(one), dequantize(three));
}

TEST_P(KindTest, ZerosAndConstants) {
  MethodOptions options;
  options.scales = ScaleMethod::Mse;
  for (float value : {0.0f, 0.5f, -0.25f, 1e-30f}) {
    std::vector<float> w(2 * k, value);
    QuantizedMatrix m;
    ASSERT_FALSE(quantizeMatrix(w.data(), 2, k, GetParam().scheme, nullptr, options, m));
    EXPECT_EQ(checkMatrix(m), "");
    for (float q : dequantize(m))
      EXPECT_NEAR(q, value, 0.1 * std::fabs(value) + 127 * 0x1p-24); // the smallest grid
  }
}

INSTANTIATE_TEST_SUITE_P(Schemes, KindTest, ::testing::ValuesIn(kinds()),
                         [](const auto &row) { return row.param.name; });

/// bitsandbytes' own bytes for x[i] = (7 i mod 13 - 6) / 6; the first element is the high nibble.
TEST(MethodsTest, Nf4IsThatOfBitsAndBytes) {
  std::vector<float> x(64);
  for (int i = 0; i < 64; ++i)
    x[i] = (static_cast<float>(7 * i % 13) - 6) / 6;
  QuantizedMatrix m;
  ASSERT_FALSE(
      quantizeMatrix(x.data(), 1, 64, withF32Scales(nf4Scheme(64, false)), nullptr, MethodOptions(), m));
  EXPECT_EQ(m.scales, std::vector<float>{1});
  const uint8_t bytes[] = {0x09, 0x1B, 0x1C, 0x2E, 0x4E, 0x5F, 0x70,
                           0x91, 0xB1, 0xC2, 0xE4, 0xE5, 0xF7};
  for (size_t i = 0; i < sizeof bytes; ++i)
    EXPECT_EQ(m.codes[2 * i] << 4 | m.codes[2 * i + 1], bytes[i]) << i;
  std::vector<float> q = dequantize(m);
  EXPECT_EQ(q[0], -1.0f);
  EXPECT_EQ(q[1], 0.16093020141124725f);
}

TEST(MethodsTest, DynamicScales) {
  MethodOptions options;
  options.scales = ScaleMethod::Importance;
  options.gptq = options.dynamicScales = true;
  options.activationOrder = false;
  for (unsigned group : {16u, 48u, 64u, 96u, 0u}) {
    QuantizedMatrix m = quantized(integerScheme(3, group, false), options);
    options.dynamicScales = false;
    double still = hessianError(quantized(integerScheme(3, group, false), options));
    EXPECT_LT(hessianError(m), still * 1.1) << group;
    options.dynamicScales = true;
  }
}

TEST(MethodsTest, DeadChannels) {
  InputStatistics s = statistics();
  for (int64_t dead : {3, 77})
    for (int64_t i = 0; i < k; ++i)
      s.hessian[dead * k + i] = s.hessian[i * k + dead] = s.meanSquare[dead] = 0;
  MethodOptions options, rtn;
  options.gptq = true;
  options.descentSweeps = 1;
  QuantizedMatrix m, rounded = quantized(integerScheme(4, 32, false), rtn);
  MethodReport report;
  ASSERT_FALSE(quantizeMatrix(weights().data(), n, k, rounded.scheme, &s, options, m, &report));
  EXPECT_EQ(report.deadChannels, 2);
  EXPECT_FALSE(report.fewTokens);
  EXPECT_GT(report.changedCodes, 0);
  for (int64_t r = 0; r < n; ++r)
    for (int64_t dead : {3, 77})
      EXPECT_EQ(m.codes[r * k + dead], rounded.codes[r * k + dead]);
}

TEST(MethodsTest, ReportOfErrorAndTokens) {
  InputStatistics s = statistics();
  s.tokens = k - 1;
  MethodOptions options;
  options.measureError = true;
  QuantizedMatrix m;
  MethodReport report;
  ASSERT_FALSE(
      quantizeMatrix(weights().data(), n, k, integerScheme(4, 32, false), &s, options, m, &report));
  EXPECT_TRUE(report.fewTokens);
  std::vector<float> q = dequantize(m);
  EXPECT_DOUBLE_EQ(report.relativeError,
                   outputError(weights().data(), q.data(), n, k, &s).relative());
}

TEST(MethodsTest, FactorIsShared) {
  MethodOptions options;
  options.gptq = true;
  auto factor = HessianFactor::make(statistics(), options.damping, options.activationOrder);
  ASSERT_TRUE(static_cast<bool>(factor));
  QuantizedMatrix m;
  ASSERT_FALSE(quantizeMatrix(weights().data(), n, k, integerScheme(4, 32, false), &statistics(),
                              options, m, nullptr, &*factor));
  EXPECT_EQ(m.codes, quantized(integerScheme(4, 32, false), options).codes);
}

TEST(MethodsTest, KnapsackOfManyItems) {
  // More bytes than the table has entries: close to the bound of the linear relaxation.
  std::mt19937 random(1);
  std::vector<std::vector<KnapsackOption>> items(400);
  int64_t most = 0;
  for (auto &item : items) {
    int64_t size = 100000 + random() % 2000000;
    double loss = 1e-3 * (random() % 1000 + 1);
    for (int bits : {2, 3, 4, 5, 6, 8})
      item.push_back({size * bits / 8 + 1, loss * std::pow(4.0, -bits)});
    most += size;
  }
  auto first = solveKnapsack(items, most / 2), second = solveKnapsack(items, most / 2);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->option, second->option);
  EXPECT_LE(first->bytes, most / 2);
  EXPECT_GT(first->bytes, most / 2 * 0.999);
  auto everything = solveKnapsack(items, 2 * most);
  ASSERT_TRUE(static_cast<bool>(everything));
  EXPECT_EQ(everything->option, std::vector<size_t>(400, 5));
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

std::string failure(const std::vector<float> &w, const Scheme &scheme, const InputStatistics *s,
                    const MethodOptions &options) {
  QuantizedMatrix m;
  return llvm::toString(quantizeMatrix(w.data(), n, k, scheme, s, options, m));
}

struct BadCase {
  const char *message;
  void (*spoil)(std::vector<float> &w, InputStatistics &s, MethodOptions &options, Scheme &scheme);
};

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

const BadCase badCases[] = {
    {"the weight in row 130, column 7 is NaN or infinite",
     [](auto &w, auto &, auto &, auto &) { w[130 * k + 7] = w[140 * k] = nan; }},
    {"weights in row 2 from column 32 on are too large for 16-bit",
     [](auto &w, auto &, auto &, auto &) { w[2 * k + 33] = 1e9f; }},
    {"are of 5 input channels, not 192", [](auto &, auto &s, auto &, auto &) { s.k = 5; }},
    {"are of no token", [](auto &, auto &s, auto &, auto &) { s.tokens = 0; }},
    {"mean x^2 of input channel 9 is nan",
     [](auto &, auto &s, auto &, auto &) { s.meanSquare[9] = nan; }},
    {"mean |x| of input channel 8 is -1",
     [](auto &, auto &s, auto &, auto &) { s.meanAbs[8] = -1; }},
    {"have 3 values of max |x|, not 192",
     [](auto &, auto &s, auto &, auto &) { s.absMax = {1, 2, 3}; }},
    {"mean x x^T of input channels 1 and 2 is nan",
     [](auto &, auto &s, auto &, auto &) { s.hessian[k + 2] = nan; }},
    {"have 7 values of x x^T, not the square of 192",
     [](auto &, auto &s, auto &, auto &) { s.hessian.resize(7); }},
    {"no input channel was active while calibrating",
     [](auto &, auto &s, auto &, auto &) { std::fill(s.hessian.begin(), s.hessian.end(), 0); }},
    {"the Hessian of the inputs is singular, even with 0.000000 of its mean diagonal added (600 "
     "calibration tokens for 192 input channels); give a longer calibration text",
     [](auto &, auto &s, auto &o, auto &) {
       std::fill(s.hessian.begin(), s.hessian.end(), 1.0f);
       o.damping = 0;
     }},
    {"this method needs the Hessian of the inputs; calibrate with -calib=FILE",
     [](auto &, auto &s, auto &, auto &) { s.hessian.clear(); }},
    {"importance-weighted scales need E[x^2] of the inputs",
     [](auto &, auto &s, auto &o, auto &) {
       s.hessian.clear();
       s.meanSquare.clear();
       o.gptq = false;
       o.scales = ScaleMethod::Importance;
     }},
    {"damping -1.000000 is not within", [](auto &, auto &, auto &o, auto &) { o.damping = -1; }},
    {"a negative number of sweeps", [](auto &, auto &, auto &o, auto &) { o.descentSweeps = -1; }},
    {"scales are refitted between sweeps of coordinate descent; there are none",
     [](auto &, auto &, auto &o, auto &) { o.refitScales = true; }},
    {"scales that are chosen on the way need the natural order",
     [](auto &, auto &, auto &o, auto &) { o.dynamicScales = true; }},
    {"float codes have nothing to choose",
     [](auto &, auto &, auto &, auto &s) { s = floatScheme(CodeKind::F16); }},
    {"codes without offset and minimum hold no weights of both signs",
     [](auto &, auto &, auto &, auto &s) { s.offset = 0; }},
    {"group size 10 is no multiple of 16",
     [](auto &, auto &, auto &, auto &s) { s.groupSize = 10; }},
};

TEST(MethodsTest, EveryErrorSaysWhatIsWrong) {
  for (const BadCase &bad : badCases) {
    std::vector<float> w = weights();
    InputStatistics s = statistics();
    MethodOptions options;
    options.gptq = true;
    Scheme scheme = integerScheme(4, 32, false);
    bad.spoil(w, s, options, scheme);
    std::string text = failure(w, scheme, &s, options);
    EXPECT_NE(text.find(bad.message), std::string::npos)
        << bad.message << "\n  is not in: " << text;
  }
}

TEST(MethodsTest, ErrorsOfTheOthers) {
  MethodOptions options;
  options.gptq = true;
  EXPECT_NE(failure(weights(), integerScheme(4, 32, false), nullptr, options)
                .find("needs the Hessian of the inputs"),
            std::string::npos);
  InputStatistics small = correlated(16, 20), s = statistics();
  auto factor = HessianFactor::make(small, 0.01, true);
  ASSERT_TRUE(static_cast<bool>(factor));
  QuantizedMatrix m;
  EXPECT_EQ(llvm::toString(quantizeMatrix(weights().data(), n, k, integerScheme(4, 32, false),
                                          &statistics(), options, m, nullptr, &*factor)),
            "the Hessian's factor is of 16 input channels, not 192");
  s.meanAbs.clear();
  auto text = [](auto expected) {
    return expected ? std::string() : llvm::toString(expected.takeError());
  };
  EXPECT_NE(text(searchAwq({{weights().data(), n}}, k, integerScheme(4, 32, false), s, options))
                .find("AWQ needs mean |x|"),
            std::string::npos);
  EXPECT_NE(text(searchSmoothQuant({{weights().data(), n}}, k, s, ActivationScale::Token))
                .find("SmoothQuant needs max |x|"),
            std::string::npos);
  EXPECT_EQ(text(solveKnapsack({{{5, 1}}, {{7, 1}, {6, 2}}}, 10)),
            "the smallest choice takes 11 bytes, more than the budget of 10; allow more bytes, or "
            "fewer bits for a weight");
  EXPECT_EQ(text(solveKnapsack({{{5, 1}}, {}}, 10)), "item 1 has no option to choose from");
  EXPECT_NE(text(solveKnapsack({{{5, nan}}}, 10)).find("an option of 5 bytes and loss nan"),
            std::string::npos);
  std::vector<float> w = weights();
  EXPECT_NE(llvm::toString(moveTarget(w.data(), n, k, s, {{1, 2}, {}}, TargetOptions()))
                .find("have 2 values of x x'^T, not 192 x 192"),
            std::string::npos);
  s.hessian.clear();
  EXPECT_NE(llvm::toString(moveTarget(w.data(), n, k, s, {}, TargetOptions()))
                .find("needs their Hessian"),
            std::string::npos);
}

} // namespace
