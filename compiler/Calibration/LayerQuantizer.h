//===- LayerQuantizer.h - Quantizes a language model layer by layer ----------------------===//
//
// Step l: layer l runs with its float weights on what the quantized layers before it made of the
// calibration text; its observers' statistics decide codes and scales; the quantized weights
// replace the float ones, and the layer runs again for the next step.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_CALIBRATION_LAYERQUANTIZER_H
#define QCC_COMPILER_CALIBRATION_LAYERQUANTIZER_H

#include "compiler/Calibration/CalibrationText.h"
#include "compiler/Calibration/ChannelFolds.h"
#include "compiler/Calibration/LayerRunner.h"
#include "compiler/Calibration/ObservedInputs.h"
#include "compiler/Calibration/ResumableSteps.h"
#include "compiler/Methods/Metrics.h"
#include "compiler/Report/HeldOut.h"
#include "compiler/Report/Report.h"
#include "compiler/Weights/WeightQuantizer.h"
#include "frontends/Common/TensorStorage.h"
#include "llvm/ADT/MapVector.h"

namespace qcc {

class LayerQuantizer final : public WeightQuantizer {
public:
  /// `table` gets what recipes take from calibration, layer by layer. `measure` says whether the
  /// output error of each matrix is wanted, which takes about as long as choosing its codes.
  /// Layers that are in `journal`, if there is one, are not calibrated again.
  LayerQuantizer(LayerRunner &runner, const CalibrationText &text, const WeightFiles &files,
                 TensorTable &table, unsigned jobs, bool measure = false,
                 CalibrationJournal *journal = nullptr)
      : runner(runner), text(text), calibrated(table), folds(files, jobs), jobs(jobs),
        measure(measure), heldOut(runner, text), inputs(jobs), steps(journal, table) {}

  /// Before anything else; `module` is what is being compiled.
  llvm::Error start(mlir::ModuleOp module);

  std::optional<int64_t> stepOf(nn::WeightOp weight, int64_t instance) override;
  llvm::Error begin(int64_t layer) override;
  llvm::Error end(int64_t layer) override;
  llvm::Error fold(nn::WeightOp weight, int64_t instance, int64_t firstRow, int64_t k,
                   llvm::MutableArrayRef<float> values) override;
  llvm::Error quantize(nn::WeightOp weight, int64_t instance, int64_t firstRow,
                       llvm::ArrayRef<float> values, QuantizedMatrix &rows) override;

  /// After the last layer: adds errors, quality and warnings.
  llvm::Error finish(CompileReport &report);

private:
  llvm::Error embed();
  /// All hidden states that go from layer to layer.
  std::array<HiddenStates *, 4> states() {
    return {&stream, &exact, heldOut.states()[0], heldOut.states()[1]};
  }
  llvm::Error replay(int64_t layer);
  llvm::Error calibrate(int64_t layer);
  void check(llvm::StringRef observer, const InputStatistics &found, int64_t layer);
  llvm::Error observe(int64_t layer);
  const LayerRunner::Place *placeOf(nn::WeightOp weight, int64_t instance) const;

  LayerRunner &runner;
  const CalibrationText &text;
  TensorTable &calibrated;
  ChannelFolds folds;
  unsigned jobs;
  bool measure;
  HeldOut heldOut;
  std::vector<LayerError> errors;                             ///< by layer
  llvm::MapVector<llvm::StringRef, OutputError> matrixErrors; ///< of the layer at hand, by source
  int64_t deadChannels = 0, tokens = 0, mostChannels = 0;
  std::string firstDead; ///< where there are any
  HiddenStates stream;   ///< what the layers so far, quantized, make of the text
  HiddenStates exact;    ///< what the float layers make of it; only for gptaq
  ObservedInputs inputs; ///< of the layer at hand
  ResumableSteps steps;
  int64_t firstToRun = 0; ///< layer; hidden states are already what those before it make
};

} // namespace qcc

#endif // QCC_COMPILER_CALIBRATION_LAYERQUANTIZER_H
