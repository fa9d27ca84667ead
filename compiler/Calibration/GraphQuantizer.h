//===- GraphQuantizer.h - Quantizes a tensor model on samples of its inputs ---------------===//
//
// Steps are consecutive observers of the graph. In each, all samples run through the graph with the
// quantized weights of the steps before it and float ones after; the statistics decide codes and
// scales of the step's weights, which replace the float ones.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_CALIBRATION_GRAPHQUANTIZER_H
#define QCC_COMPILER_CALIBRATION_GRAPHQUANTIZER_H

#include "compiler/Calibration/GraphRunner.h"
#include "compiler/Calibration/ObservedInputs.h"
#include "compiler/Calibration/ResumableSteps.h"
#include "compiler/Weights/WeightQuantizer.h"
#include "compiler/Weights/WeightSource.h"
#include "frontends/Common/TensorStorage.h"

namespace qcc {

class GraphQuantizer final : public WeightQuantizer {
public:
  /// Hessians of a step take no more than this, but for a single larger one.
  static constexpr int64_t kHessianBytes = int64_t(1) << 29;
  /// A step ends when it has its share of the graph's observers: every step runs all samples.
  static constexpr int64_t kSteps = 12;

  /// `table` gets what recipes take from calibration. Steps that are in `journal`, if there is one,
  /// are not calibrated again.
  GraphQuantizer(GraphRunner &runner, const WeightFiles &files, TensorTable &table, unsigned jobs,
                 CalibrationJournal *journal = nullptr)
      : runner(runner), files(files), calibrated(table), inputs(jobs), resumable(journal, table) {}

  /// Before anything else; `module` is what is being compiled.
  llvm::Error start(mlir::ModuleOp module);

  std::optional<int64_t> stepOf(nn::WeightOp weight, int64_t instance) override;
  llvm::Error begin(int64_t step) override;
  llvm::Error end(int64_t) override {
    resumable.end();
    return llvm::Error::success();
  }
  llvm::Error fold(nn::WeightOp, int64_t, int64_t, int64_t, llvm::MutableArrayRef<float>) override {
    return llvm::Error::success();
  }
  llvm::Error quantize(nn::WeightOp weight, int64_t instance, int64_t firstRow,
                       llvm::ArrayRef<float> values, QuantizedMatrix &rows) override;

  int64_t steps() const { return count; }

private:
  GraphRunner &runner;
  const WeightFiles files;
  TensorTable &calibrated;
  ObservedInputs inputs;                ///< of the step at hand
  llvm::StringMap<int64_t> symbolSteps; ///< of weights, and of what is beside them
  llvm::StringMap<int64_t> observerSteps;
  int64_t count = 0; ///< of steps
  ResumableSteps resumable;
};

} // namespace qcc

#endif // QCC_COMPILER_CALIBRATION_GRAPHQUANTIZER_H
