//===- LayerQuantizerTest.cpp - Quantizes a language model layer by layer ----------------===//
//
// families/llama to 4 bits on a text of random tokens: better than rounding to nearest, the same
// bytes for the same text whatever the number of threads, and the artifact has what the layers
// after saw.
//
//===----------------------------------------------------------------------===//

#include "compiler/Calibration/LayerQuantizer.h"
#include "compiler/Report/Comparison.h"
#include "compiler/Target/TargetSpec.h"
#include "compiler/Weights/Materialize.h"
#include "dialects/QuantExt/Codec/Layout.h"
#include "dialects/QuantExt/Codec/Reference.h"
#include "dialects/QuantExt/IR/QuantExt.h"
#include "mlir/Pass/PassManager.h"
#include "test/unit/Calibration/TestModel.h"
#include <random>
#include <unistd.h>

using namespace qcc;
using namespace qcc::test;

namespace {

constexpr int64_t kWindow = 32, kWindows = 10;

/// Fails before a layer, as if it was interrupted there.
class Interrupted final : public WeightQuantizer {
public:
  Interrupted(WeightQuantizer &of, int64_t before) : of(of), before(before) {}

  std::optional<int64_t> stepOf(nn::WeightOp weight, int64_t instance) override {
    return of.stepOf(weight, instance);
  }
  llvm::Error begin(int64_t layer) override {
    return layer == before ? badModel("test", "", "interrupted") : of.begin(layer);
  }
  llvm::Error end(int64_t layer) override { return of.end(layer); }
  llvm::Error fold(nn::WeightOp weight, int64_t instance, int64_t firstRow, int64_t k,
                   llvm::MutableArrayRef<float> values) override {
    return of.fold(weight, instance, firstRow, k, values);
  }
  llvm::Error quantize(nn::WeightOp weight, int64_t instance, int64_t firstRow,
                       llvm::ArrayRef<float> values, QuantizedMatrix &rows) override {
    return of.quantize(weight, instance, firstRow, values, rows);
  }

private:
  WeightQuantizer &of;
  int64_t before;
};

class LayerQuantizers : public TestModel {
protected:
  void SetUp() override {
    TestModel::SetUp();
    std::mt19937 random(11);
    text.window = kWindow;
    for (int64_t i = 0; i < kWindow * kWindows; ++i)
      text.tokens.push_back(random() % 384);
  }

  static CompilerOptions fourBits(std::vector<Method> methods) {
    CompilerOptions options;
    options.bits = 4;
    options.methods = std::move(methods);
    options.calibration = "text";
    return options;
  }

  /// A model after Pack, its blob, and the runner with the quantized weights.
  struct Result {
    mlir::OwningOpRef<mlir::ModuleOp> module;
    std::vector<uint8_t> blob;
    std::unique_ptr<LayerRunner> runner;
    CompileReport report;
  };

  Result quantize(std::vector<Method> methods, unsigned jobs, CalibrationJournal *journal = nullptr,
                  std::string failure = "", int64_t interrupt = -1) {
    Result result;
    CompilerOptions options = fourBits(std::move(methods));
    options.activations = activations;
    auto imported = model->import(&context, options);
    EXPECT_TRUE(bool(imported)) << failureOf(imported.takeError()).text;
    result.module = std::move(*imported);
    // Static scales are for processors that multiply bytes.
    setTarget(*result.module, llvm::cantFail(resolveTarget("x86-64-v4", "", "+avx512vnni")));
    for (Phase phase : {Phase::Quantize, Phase::Pack}) {
      mlir::PassManager manager(&context);
      buildPipeline(manager, phase, options);
      EXPECT_TRUE(mlir::succeeded(manager.run(*result.module)));
    }
    result.runner = makeRunner(kWindow, jobs);
    TensorTable scales;
    LayerQuantizer quantizer(*result.runner, text, model->files(), scales, jobs, /*measure=*/true,
                             journal);
    EXPECT_EQ(failureOf(quantizer.start(*result.module)).text, "");
    result.blob.resize(weightBytes(*result.module));
    auto sink = [&](uint64_t offset, llvm::ArrayRef<uint8_t> bytes) {
      std::copy(bytes.begin(), bytes.end(), result.blob.begin() + offset);
      return llvm::Error::success();
    };
    WeightFiles files = model->files();
    files.calibrated = &scales;
    Interrupted interrupted(quantizer, interrupt);
    Failure failed =
        failureOf(materializeWeights(*result.module, files, path, sink, {}, jobs, &interrupted));
    if (!failure.empty()) {
      expectFailure(failed, ExitCode::BadModel, failure);
      return result;
    }
    EXPECT_EQ(failed.text, "");
    EXPECT_EQ(failureOf(quantizer.finish(result.report)).text, "");
    return result;
  }

  /// Against the golden logits, which are of tokens that calibration did not see.
  double divergence(LayerRunner &runner) {
    std::vector<float> expected = goldenLogits(), logits(expected.size());
    HiddenStates hidden;
    EXPECT_EQ(failureOf(runner.embed(tokens, 24, hidden)).text, "");
    EXPECT_EQ(failureOf(runner.run(0, 2, hidden, 0, &hidden, nullptr)).text, "");
    EXPECT_EQ(failureOf(runner.head(hidden.of(0), 24, logits.data())).text, "");
    Comparison comparison;
    for (int64_t t = 0; t < 24; ++t)
      EXPECT_TRUE(comparison.add(expected.data() + t * 384, logits.data() + t * 384, 384, 0));
    return comparison.finish().divergence;
  }

  std::unique_ptr<CalibrationJournal> open(const TempDir &directory) {
    llvm::Expected<std::unique_ptr<CalibrationJournal>> journal = CalibrationJournal::open(
        directory.path("journal"), CalibrationKey(), true, [](const llvm::Twine &) {});
    EXPECT_TRUE(bool(journal));
    return std::move(*journal);
  }

  CalibrationText text;
  Activations activations = Activations::Default;
};

TEST_F(LayerQuantizers, LoseLessThanRounding) {
  double rounded = divergence(*quantize({Method::Mse}, 2).runner);
  double important = divergence(*quantize({Method::Importance}, 2).runner);
  double best =
      divergence(*quantize({Method::Importance, Method::Gptq, Method::Descent}, 2).runner);
  EXPECT_GT(rounded, 0);
  EXPECT_LT(best, rounded);
  EXPECT_LT(best, important);
}

TEST_F(LayerQuantizers, AreTheSameForAnyThreads) {
  std::vector<Method> methods{Method::Importance, Method::Gptq, Method::Descent};
  std::vector<uint8_t> one = quantize(methods, 1).blob;
  EXPECT_EQ(one, quantize(methods, 2).blob);
  EXPECT_EQ(one, quantize(methods, 1).blob);
}

/// Held-out windows go through the float and the quantized layers.
TEST_F(LayerQuantizers, ReportWhatTheyLost) {
  text.heldOut.assign(text.tokens.begin(), text.tokens.begin() + 2 * kWindow);
  CompileReport rounded = quantize({Method::Mse}, 2).report;
  CompileReport best = quantize({Method::Importance, Method::Gptq}, 2).report;
  for (const CompileReport &report : {rounded, best}) {
    ASSERT_TRUE(report.quality);
    EXPECT_EQ(report.quality->positions, 2 * (kWindow / 2));
    EXPECT_EQ(report.divergences.size(), 2 * size_t(kWindow / 2));
    ASSERT_EQ(report.layers.size(), 2u);
    for (const LayerError &layer : report.layers) {
      ASSERT_TRUE(layer.hidden);
      EXPECT_GT(*layer.hidden, 0);
      EXPECT_LT(*layer.hidden, 0.5);
      ASSERT_EQ(layer.matrices.size(), 7u);
      for (const MatrixError &matrix : layer.matrices) {
        EXPECT_GT(matrix.relative, 0) << matrix.source;
        EXPECT_LT(matrix.relative, 0.3) << matrix.source;
      }
    }
  }
  EXPECT_EQ(best.layers[1].matrices[6].source, "model.layers.1.mlp.down_proj.weight");
  EXPECT_LT(best.quality->divergence, rounded.quality->divergence);
  EXPECT_LT(*best.layers[1].hidden, *rounded.layers[1].hidden);
}

TEST_F(LayerQuantizers, WarnOfTooFewTokens) {
  text.tokens.resize(2 * kWindow);
  CompileReport report = quantize({Method::Importance}, 2).report;
  EXPECT_FALSE(report.quality);
  EXPECT_FALSE(report.layers[0].hidden);
  ASSERT_EQ(report.warnings.size(), 1u);
  EXPECT_NE(report.warnings[0].find("64 tokens, fewer than the 160 input channels"),
            std::string::npos)
      << report.warnings[0];
}

using Case = std::pair<std::vector<Method>, Activations>;
class ResumedLayers : public LayerQuantizers, public testing::WithParamInterface<Case> {
protected:
  static void expectSame(const Result &result, const Result &expected) {
    EXPECT_EQ(result.blob, expected.blob);
    EXPECT_EQ(result.report.divergences, expected.report.divergences);
    EXPECT_EQ(result.report.warnings, expected.report.warnings);
    ASSERT_EQ(result.report.layers.size(), 2u);
    for (size_t l = 0; l < 2; ++l) {
      const LayerError &found = result.report.layers[l], &as = expected.report.layers[l];
      EXPECT_EQ(found.hidden, as.hidden);
      ASSERT_EQ(found.matrices.size(), 7u);
      for (size_t m = 0; m < 7; ++m)
        EXPECT_EQ(found.matrices[m].relative, as.matrices[m].relative);
    }
  }
};

/// Interrupted after any number of layers, and by nothing: the same bytes and the same report.
TEST_P(ResumedLayers, AreTheSame) {
  text.heldOut.assign(text.tokens.begin(), text.tokens.begin() + kWindow);
  activations = GetParam().second;
  Result expected = quantize(GetParam().first, 2);
  for (int64_t layers : {1, 2})
    for (bool states : {true, false}) {
      TempDir directory;
      auto journal = open(directory);
      bool whole = layers == 2;
      quantize(GetParam().first, 2, journal.get(), whole ? "" : "interrupted", layers);
      // A byte less, and hidden states must be made again.
      uint64_t size = 0;
      ASSERT_FALSE(llvm::sys::fs::file_size(journal->path(), size));
      if (!states)
        ASSERT_FALSE(truncate(journal->path().c_str(), size - 1));
      journal = open(directory);
      ASSERT_EQ(journal->steps(), layers);
      expectSame(quantize(GetParam().first, 2, journal.get()), expected);
    }
}

INSTANTIATE_TEST_SUITE_P(, ResumedLayers,
                         testing::Values(Case({Method::Gptq}, Activations::Default),
                                         Case({Method::Gptaq, Method::Gptq}, Activations::F32),
                                         Case({Method::Awq, Method::Gptq}, Activations::Int8),
                                         Case({Method::SmoothQuant, Method::Gptq},
                                              Activations::Static8)));

/// Records that are whole but not of this model.
TEST_F(LayerQuantizers, RefuseForeignRecords) {
  activations = Activations::Static8;
  std::vector<Method> methods{Method::SmoothQuant};
  TempDir whole;
  StepRecord first;
  CalibrationKey weights;
  {
    auto journal = open(whole);
    weights = keyOfWeights(*quantize(methods, 2, journal.get()).module);
    llvm::Expected<StepRecord> read = journal->readStep(0);
    ASSERT_TRUE(bool(read));
    first = std::move(*read);
  }
  ASSERT_FALSE(first.folds.empty());
  ASSERT_FALSE(first.tensors.empty());
  ASSERT_FALSE(first.rows.empty());
  struct Forgery {
    const char *failure;
    std::function<void(StepRecord &)> change;
  };
  for (const Forgery &forgery : std::vector<Forgery>{
           {"a factor", [](StepRecord &r) { r.folds[0].factors.pop_back(); }},
           {"a factor", [](StepRecord &r) { r.folds[0].factors[3] = -1; }},
           {"a factor", [](StepRecord &r) { r.folds[0].observer += "x"; }},
           {"a factor", [](StepRecord &r) { r.folds.clear(); }},
           {"tensor '", [](StepRecord &r) { r.tensors[0].name = "calibration:x"; }},
           {"tensor '", [](StepRecord &r) { r.tensors[0].dtype = DType::I32; }},
           {"tensor '",
            [](StepRecord &r) {
              r.tensors[0].shape = {1, 1};
              r.tensors[0].bytes = r.tensors[0].bytes.take_front(4);
            }},
           {"does not fit", [](StepRecord &r) { r.rows.pop_back(); }},
           {"does not fit", [](StepRecord &r) { std::swap(r.rows[0], r.rows[1]); }},
           {"does not fit", [](StepRecord &r) { r.rows[0].count /= 2; }},
           {"does not fit", [](StepRecord &r) { r.rows[0].components[0].pop_back(); }},
           {"does not fit", [](StepRecord &r) { r.rows[0].components.pop_back(); }},
           {"does not fit",
            [](StepRecord &r) {
              r.rows[0].components[1].assign(r.rows[0].components[1].size(), 0xff);
            }},
       }) {
    StepRecord changed = first;
    forgery.change(changed);
    TempDir directory;
    auto journal = open(directory);
    journal->useSteps(weights);
    journal->addStep(changed);
    journal = open(directory);
    quantize(methods, 2, journal.get(), forgery.failure);
  }
}

/// What later layers were calibrated on is what the artifact holds.
TEST_F(LayerQuantizers, RunWhatTheyWrite) {
  Result result = quantize({Method::Importance, Method::Gptq}, 2);
  size_t seen = 0;
  for (auto weight : result.module->getOps<nn::WeightOp>())
    for (auto [i, source] : llvm::enumerate(weight.getSources().getAsRange<mlir::StringAttr>())) {
      const LayerRunner::Place *place = result.runner->placeOf(source.getValue());
      if (!place || !weight.getScheme())
        continue;
      auto type = llvm::cast<mlir::RankedTensorType>(weight.getSourceType());
      Scheme scheme = llvm::cast<quant_ext::SchemeAttr>(*weight.getScheme()).toScheme();
      int64_t n = type.getDimSize(0), k = type.getDimSize(1), lanes = *weight.getLanes();
      const uint8_t *base = result.blob.data() + *weight.getOffset() + i * *weight.getStride();
      std::vector<std::vector<uint8_t>> parts;
      llvm::ArrayRef<int64_t> offsets = *weight.getComponentOffsets();
      for (auto [offset, tile] : llvm::zip(offsets, tileBytes(scheme, k, lanes)))
        parts.emplace_back(base + offset, base + offset + llvm::divideCeil(n, lanes) * tile);
      EXPECT_EQ(dequantize(unpack(scheme, n, k, lanes, parts)), result.runner->read(*place))
          << source.getValue().str();
      ++seen;
    }
  EXPECT_EQ(seen, 14u);
}

} // namespace
