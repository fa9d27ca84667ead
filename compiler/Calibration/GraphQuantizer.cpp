//===- GraphQuantizer.cpp - Quantizes a tensor model on samples of its inputs -------------===//

#include "compiler/Calibration/GraphQuantizer.h"
#include "dialects/NN/IR/CalibratedWeights.h"
#include "dialects/QuantExt/Codec/Reference.h"
#include "frontends/Common/Error.h"

using namespace llvm;

namespace qcc {

Error GraphQuantizer::start(mlir::ModuleOp module) {
  for (auto weight : module.getOps<nn::WeightOp>())
    if (weight.getColumnFactors() || weight.getRowDivisors())
      return make_error<ModelError>(ExitCode::Unsupported,
                                    "-method: smoothquant and awq are for language models; of a "
                                    "tensor model, use gptq or gptaq");
  inputs.find(module);
  int64_t step = 0, bytes = 0, inStep = 0;
  int64_t share = divideCeil(runner.observers().size(), kSteps);
  for (const GraphRunner::Observer &observer : runner.observers()) {
    int64_t size = inputs.needsHessian(observer.name)
                       ? observer.channels * observer.channels * int64_t(sizeof(float))
                       : 0;
    if (inStep && (inStep == share || bytes + size > kHessianBytes)) {
      ++step;
      bytes = inStep = 0;
    }
    observerSteps[observer.name] = step;
    bytes += size;
    ++inStep;
  }
  for (auto weight : module.getOps<nn::WeightOp>()) {
    if (!weight.getObserver() || !observerSteps.contains(*weight.getObserver()))
      continue;
    int64_t of = observerSteps.lookup(*weight.getObserver());
    symbolSteps[weight.getSymName()] = of;
    for (StringRef what : {nn::kInputScale, nn::kOutliers, nn::kInliers, nn::kOutlierColumns})
      symbolSteps[nn::symbolBeside(weight.getSymName(), what)] = of;
    count = std::max(count, of + 1);
  }
  resumable.start(module);
  return inputs.isAsymmetric() ? runner.keepExact() : Error::success();
}

std::optional<int64_t> GraphQuantizer::stepOf(nn::WeightOp weight, int64_t) {
  auto step = symbolSteps.find(weight.getSymName());
  return step == symbolSteps.end() ? std::nullopt : std::optional(step->second);
}

Error GraphQuantizer::begin(int64_t step) {
  if (Error error = resumable.begin(step))
    return error;
  auto isOfStep = [&](nn::WeightOp weight, int64_t instance) {
    return stepOf(weight, instance) == step;
  };
  inputs.clear();
  if (resumable.replaying())
    return inputs.restoreOutliers(calibrated, isOfStep) ? Error::success()
                                                        : resumable.misfit("an outlier channel");
  for (const GraphRunner::Observer &observer : runner.observers())
    if (observerSteps.lookup(observer.name) == step)
      inputs.watch(observer.name, observer.channels);
  Error error = runner.run(
      [&](StringRef observer, const float *exact, const float *x, int64_t rows) {
        if (observerSteps.lookup(observer) == step)
          inputs.add(observer, step > 0 ? exact : nullptr, x, rows);
      },
      [&] { inputs.wait(); });
  if (error)
    return error;
  if (Error wrong = inputs.finish("the graph"))
    return wrong;
  inputs.keepOutliers();
  return inputs.addCalibratedTensors(
      calibrated, isOfStep,
      [&](nn::WeightOp weight, int64_t instance, int64_t first, MutableArrayRef<float> rows) {
        return readRows(weight, instance, files, first, rows);
      });
}

Error GraphQuantizer::quantize(nn::WeightOp weight, int64_t instance, int64_t firstRow,
                               ArrayRef<float> values, QuantizedMatrix &rows) {
  if (!stepOf(weight, instance))
    return inputs.quantize(weight, /*observed=*/false, values, rows);
  if (resumable.replaying()) {
    if (Error error = resumable.replay(weight, instance, firstRow, rows))
      return error;
  } else {
    if (Error error = inputs.quantize(weight, /*observed=*/true, values, rows))
      return error;
    resumable.keep(weight, instance, firstRow, rows);
  }
  return runner.replace(weight.getSymName(), firstRow, inputs.effective(weight, values, rows));
}

} // namespace qcc
