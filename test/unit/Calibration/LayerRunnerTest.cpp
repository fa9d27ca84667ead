//===- LayerRunnerTest.cpp - A language model, run layer by layer -------------------------===//
//
// The layers one by one are the whole model: logits are PyTorch's for families/llama.
//
//===----------------------------------------------------------------------===//

#include "test/unit/Calibration/TestModel.h"
#include <cmath>

using namespace qcc;
using namespace qcc::test;

namespace {

class LayerRunners : public TestModel {
protected:
  void SetUp() override {
    TestModel::SetUp();
    if (!HasFatalFailure())
      runner = makeRunner(24);
    ASSERT_TRUE(runner);
  }

  HiddenStates embed() {
    HiddenStates hidden;
    EXPECT_EQ(failureOf(runner->embed(tokens, 24, hidden)).text, "");
    return hidden;
  }

  void run(int64_t first, int64_t last, HiddenStates &hidden, LayerRunner::Tap tap = nullptr) {
    EXPECT_EQ(failureOf(runner->run(first, last, hidden, 0, &hidden, tap)).text, "");
  }

  std::unique_ptr<LayerRunner> runner;
};

TEST_F(LayerRunners, KnowTheModel) {
  EXPECT_EQ(runner->layers(), 2);
  EXPECT_EQ(runner->hidden(), 64);
  EXPECT_EQ(runner->vocabulary(), 384);
  // q, k and v share an observer, gate and up another.
  llvm::StringMap<int64_t> expected{
      {"layer.q", 64}, {"layer.o", 64}, {"layer.gate", 64}, {"layer.down", 160}};
  EXPECT_EQ(runner->observers(), expected);
  std::vector<LayerRunner::Matrix> matrices = runner->matrices(1);
  ASSERT_EQ(matrices.size(), 7u);
  EXPECT_EQ(matrices[1].source, "model.layers.1.self_attn.k_proj.weight");
  EXPECT_EQ(matrices[1].observer, "layer.q");
  EXPECT_EQ(matrices[1].n, 32);
  EXPECT_EQ(matrices[1].k, 64);
  const LayerRunner::Place *place = runner->placeOf("model.layers.1.mlp.down_proj.weight");
  ASSERT_TRUE(place);
  EXPECT_EQ(place->symbol, "layer.down");
  EXPECT_EQ(place->layer, 1);
  EXPECT_FALSE(runner->placeOf("model.embed_tokens.weight"));
  EXPECT_FALSE(runner->placeOf("model.norm.weight"));
}

TEST_F(LayerRunners, ComputeTheModelsLogits) {
  HiddenStates hidden = embed();
  run(0, 1, hidden);
  run(1, 2, hidden);
  std::vector<float> expected = goldenLogits(), logits(24 * runner->vocabulary());
  ASSERT_EQ(logits.size(), expected.size());
  ASSERT_EQ(failureOf(runner->head(hidden.of(0), 24, logits.data())).text, "");
  float largest = 0, difference = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    largest = std::max(largest, std::fabs(expected[i]));
    difference = std::max(difference, std::fabs(logits[i] - expected[i]));
  }
  EXPECT_LE(difference, 1e-5f * largest);
}

TEST_F(LayerRunners, StepsAreTheWhole) {
  HiddenStates whole = embed(), steps = whole;
  run(0, 2, whole);
  run(0, 1, steps);
  run(1, 2, steps);
  EXPECT_EQ(whole.values, steps.values);
}

TEST_F(LayerRunners, RunEveryWindowByItself) {
  // Two windows of twelve tokens: the second one does not see the first.
  std::vector<int32_t> twice(tokens.begin(), tokens.begin() + 12);
  twice.insert(twice.end(), tokens.begin(), tokens.begin() + 12);
  HiddenStates hidden;
  ASSERT_EQ(failureOf(runner->embed(twice, 12, hidden)).text, "");
  ASSERT_EQ(hidden.windows, 2);
  for (int64_t w = 0; w < 2; ++w)
    ASSERT_EQ(failureOf(runner->run(0, 2, hidden, w, &hidden, nullptr)).text, "");
  EXPECT_TRUE(std::equal(hidden.of(0), hidden.of(1), hidden.of(1)));
}

TEST_F(LayerRunners, TapWhatTheLastLayerSaw) {
  HiddenStates hidden = embed(), first = hidden;
  llvm::StringMap<std::vector<float>> whole, step;
  auto into = [&](llvm::StringMap<std::vector<float>> &seen) {
    return [&](llvm::StringRef observer, const float *x, int64_t rows) {
      EXPECT_EQ(rows, 24);
      seen[observer].assign(x, x + rows * runner->observers().lookup(observer));
    };
  };
  run(0, 2, hidden, into(whole));
  run(0, 1, first);
  run(1, 2, first, into(step));
  EXPECT_EQ(whole.size(), 4u);
  EXPECT_TRUE(whole == step);
  // The input of q, k and v is normalized: its root mean square per token is that of the norm's
  // weight.
  for (auto &entry : whole)
    for (float value : entry.second)
      ASSERT_TRUE(std::isfinite(value)) << entry.getKey().str();
}

TEST_F(LayerRunners, ReplaceWeights) {
  HiddenStates before = embed();
  run(0, 2, before);
  const LayerRunner::Place *place = runner->placeOf("model.layers.0.mlp.up_proj.weight");
  ASSERT_TRUE(place);
  std::vector<float> values = runner->read(*place), zeros(values.size());
  ASSERT_EQ(values.size(), 160u * 64);
  ASSERT_EQ(failureOf(runner->replace(*place, 0, zeros)).text, "");
  EXPECT_EQ(runner->read(*place), zeros);
  HiddenStates changed = embed();
  run(0, 2, changed);
  EXPECT_NE(changed.values, before.values);
  // Back in two parts, and no page is lost on the way.
  llvm::ArrayRef<float> all(values);
  ASSERT_EQ(failureOf(runner->replace(*place, 0, all.take_front(64 * 64))).text, "");
  runner->dropLayer(0);
  ASSERT_EQ(failureOf(runner->replace(*place, 64, all.drop_front(64 * 64))).text, "");
  EXPECT_EQ(runner->read(*place), values);
  HiddenStates after = embed();
  run(0, 2, after);
  EXPECT_EQ(after.values, before.values);
}

/// Layers can be exposed of language models only.
TEST(LayerRunner, RefusesOtherModels) {
  std::string path = sharedData("onnx/mlp-mnist.onnx");
  if (path.empty())
    GTEST_SKIP() << "no shared data";
  CompilerOptions options;
  llvm::Expected<std::unique_ptr<Model>> model = openModel(path, options);
  ASSERT_TRUE(bool(model)) << failureOf(model.takeError()).text;
  mlir::DialectRegistry registry;
  registerDialects(registry);
  mlir::MLIRContext context(registry);
  context.loadAllAvailableDialects();
  Failure failure = failureOf(LayerRunner::create(**model, path, context, options, 16, 1));
  expectFailure(failure, ExitCode::Unsupported, "this model cannot be calibrated");
  expectFailure(failure, ExitCode::Unsupported, "no entry point 'prefill'");
}

} // namespace
