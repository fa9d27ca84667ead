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
#include "compiler/Calibration/StatisticsCollector.h"
#include "compiler/Methods/Hessian.h"
#include "compiler/Methods/Methods.h"
#include "compiler/Methods/Target.h"
#include "compiler/Weights/DataFreeQuantizer.h"
#include "frontends/Common/TensorStorage.h"
#include "llvm/Support/ThreadPool.h"

namespace qcc {

class LayerQuantizer final : public WeightQuantizer {
public:
  /// `scales` gets the static scales of activations, layer by layer.
  LayerQuantizer(LayerRunner &runner, const CalibrationText &text, const WeightFiles &files,
                 TensorTable &scales, unsigned jobs)
      : runner(runner), text(text), activationScales(scales), folds(files, jobs), jobs(jobs),
        pool(llvm::hardware_concurrency(jobs)) {}

  /// Before anything else; `module` is what is being compiled.
  llvm::Error start(mlir::ModuleOp module);

  std::optional<int64_t> stepOf(nn::WeightOp weight, int64_t instance) override;
  llvm::Error begin(int64_t layer) override;
  llvm::Error end(int64_t layer) override;
  llvm::Error fold(nn::WeightOp weight, int64_t instance, int64_t firstRow, int64_t k,
                   llvm::MutableArrayRef<float> values) override;
  llvm::Error quantize(nn::WeightOp weight, int64_t instance, int64_t firstRow,
                       llvm::ArrayRef<float> values, QuantizedMatrix &rows) override;

private:
  void addScales(int64_t layer);
  llvm::Error observe(int64_t layer, llvm::StringMap<StatisticsCollector> &collectors);
  const LayerRunner::Place *placeOf(nn::WeightOp weight, int64_t instance) const;

  LayerRunner &runner;
  const CalibrationText &text;
  TensorTable &activationScales;
  /// A weight whose input has static scales, and the one that holds them.
  struct Scaled {
    nn::WeightOp weight, scales;
  };
  std::vector<Scaled> scaled;
  ChannelFolds folds;
  unsigned jobs;
  llvm::DefaultThreadPool pool;
  llvm::StringSet<> hessians; ///< observers whose weights need one
  bool asymmetric = false;          ///< whether a weight's method is gptaq
  HiddenStates stream;              ///< what the layers so far, quantized, make of the text
  HiddenStates exact;               ///< what the float layers make of it; only for gptaq
  /// Of the layer at hand, by observer.
  llvm::StringMap<InputStatistics> statistics;
  llvm::StringMap<TargetStatistics> targets;
  llvm::StringMap<HessianFactor> factors;
};

} // namespace qcc

#endif // QCC_COMPILER_CALIBRATION_LAYERQUANTIZER_H
