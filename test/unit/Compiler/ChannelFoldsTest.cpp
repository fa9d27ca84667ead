//===- ChannelFoldsTest.cpp - Folded factors change nothing --------------------------------===//
//
// Factors multiplied into columns and divided out of what comes before cancel: a layer with folded float weights
// computes what it did before, whichever method chose them.
//
//===----------------------------------------------------------------------===//

#include "compiler/Calibration/ChannelFolds.h"
#include "compiler/Calibration/LayerRunner.h"
#include "compiler/Calibration/StatisticsCollector.h"
#include "compiler/Model.h"
#include "compiler/Pipeline.h"
#include "compiler/Target/TargetSpec.h"
#include "test/unit/Frontends/Support.h"
#include "llvm/Support/ThreadPool.h"

using namespace qcc;
using namespace qcc::test;
using llvm::StringRef;

namespace {

struct Case {
  const char *name;
  Method method;
  Activations activations;
  int64_t group;
};

class ChannelFoldsTest : public testing::TestWithParam<Case> {
protected:
  static constexpr int64_t kWindow = 16;

  ChannelFoldsTest() : context(registry()) { context.loadAllAvailableDialects(); }

  static mlir::DialectRegistry registry() {
    mlir::DialectRegistry registry;
    registerDialects(registry);
    return registry;
  }

  void open() {
    CompilerOptions options;
    options.bits = 8;
    options.group = GetParam().group;
    options.activations = GetParam().activations;
    options.methods = {GetParam().method};
    options.calibration = "text";
    auto opened = openModel(path, options);
    ASSERT_TRUE(bool(opened)) << failureOf(opened.takeError()).text;
    model = std::move(*opened);
    auto imported = model->import(&context, options);
    ASSERT_TRUE(bool(imported)) << failureOf(imported.takeError()).text;
    module = std::move(*imported);
    auto host = resolveTarget("native", "", "");
    ASSERT_TRUE(bool(host)) << failureOf(host.takeError()).text;
    setTarget(*module, *host);
    for (Phase phase : {Phase::Quantize, Phase::Pack}) {
      mlir::PassManager manager(&context);
      buildPipeline(manager, phase, options);
      ASSERT_TRUE(mlir::succeeded(manager.run(*module)));
    }
    auto created = LayerRunner::create(*model, path, context, options, kWindow, 1);
    ASSERT_TRUE(bool(created)) << failureOf(created.takeError()).text;
    runner = std::move(*created);
    folds = std::make_unique<ChannelFolds>(model->files(), 1);
    folds->find(*module, *runner);
  }

  /// What a layer makes of `in`, and what its observers saw.
  HiddenStates run(int64_t layer, const HiddenStates &in,
                   llvm::StringMap<InputStatistics> &statistics) {
    llvm::StringMap<StatisticsCollector> collectors;
    for (const auto &observer : runner->observers())
      collectors.try_emplace(observer.getKey(), observer.getValue(), true);
    HiddenStates out = in;
    Failure failure = failureOf(
        runner->run(layer, layer + 1, in, 0, &out, [&](StringRef name, const float *x, int64_t n) {
          collectors.find(name)->second.add(x, n, pool);
        }));
    EXPECT_EQ(failure.code, ExitCode::Done) << failure.text;
    pool.wait();
    for (auto &collector : collectors)
      statistics[collector.getKey()] = collector.second.finish();
    return out;
  }

  /// Replaces the weights of a layer by folded ones; how many there are.
  int fold(int64_t layer) {
    int folded = 0;
    for (auto weight : module->getOps<nn::WeightOp>()) {
      if (!weight.getColumnFactors() && !weight.getRowDivisors())
        continue;
      auto source = WeightSource::open(weight, layer, model->files());
      EXPECT_TRUE(bool(source));
      auto type = mlir::cast<mlir::RankedTensorType>(weight.getSourceType());
      int64_t n = type.getDimSize(0), k = type.getNumElements() / n;
      std::vector<float> values(n * k);
      (*source)->readFloat(0, n, values.data());
      std::vector<float> before = values;
      EXPECT_TRUE(folds->apply(weight, 0, k, values));
      EXPECT_NE(values, before) << weight.getSymName().str();
      Failure failure = failureOf(runner->replace({weight.getSymName().str(), layer}, 0, values));
      EXPECT_EQ(failure.code, ExitCode::Done) << failure.text;
      ++folded;
    }
    return folded;
  }

  const std::string path = QCC_TEST_DATA "/families/llama";
  mlir::MLIRContext context;
  std::unique_ptr<Model> model;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::unique_ptr<LayerRunner> runner;
  std::unique_ptr<ChannelFolds> folds;
  llvm::DefaultThreadPool pool;
};

TEST_P(ChannelFoldsTest, LeavesLayersAsTheyWere) {
  ASSERT_NO_FATAL_FAILURE(open());
  std::vector<int32_t> tokens;
  for (int32_t i = 0; i < kWindow; ++i)
    tokens.push_back(i * 37 % 384);
  HiddenStates stream;
  Failure failure = failureOf(runner->embed(tokens, kWindow, stream));
  ASSERT_EQ(failure.code, ExitCode::Done) << failure.text;
  for (int64_t layer = 0; layer < runner->layers(); ++layer) {
    llvm::StringMap<InputStatistics> statistics, folded;
    HiddenStates original = stream, before = run(layer, stream, statistics);
    ASSERT_EQ(stream.values, original.values) << "a layer writes to its input";
    failure = failureOf(folds->choose(layer, statistics));
    ASSERT_EQ(failure.code, ExitCode::Done) << failure.text;
    // Two norms and seven matrices.
    EXPECT_EQ(fold(layer), 9);
    HiddenStates after = run(layer, stream, folded);
    double error = 0, size = 0;
    for (size_t i = 0; i < before.values.size(); ++i) {
      error += std::pow(before.values[i] - after.values[i], 2);
      size += std::pow(before.values[i], 2);
    }
    EXPECT_LE(std::sqrt(error / size), 1e-5);
    // The statistics of divided inputs are those that the folded layer sees.
    for (auto &entry : folded) {
      const InputStatistics &predicted = statistics[entry.getKey()];
      for (int64_t k = 0; k < predicted.k; ++k) {
        EXPECT_NEAR(predicted.absMax[k], entry.second.absMax[k],
                    1e-3 * entry.second.absMax[k] + 1e-6);
        EXPECT_NEAR(predicted.hessian[k], entry.second.hessian[k],
                    1e-3 * std::sqrt(predicted.meanSquare[0] * predicted.meanSquare[k]) + 1e-9);
      }
    }
    stream = std::move(after);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Methods, ChannelFoldsTest,
    testing::Values(Case{"awq", Method::Awq, Activations::F32, 32},
                    Case{"smooth", Method::SmoothQuant, Activations::Int8, 32},
                    Case{"smoothGroups", Method::SmoothQuant, Activations::Static8, 32},
                    Case{"smoothTensor", Method::SmoothQuant, Activations::Static8, 0}),
    [](const auto &info) { return std::string(info.param.name); });

} // namespace
