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
  int64_t step = 0, bytes = 0, count = 0;
  int64_t share = divideCeil(runner.observers().size(), kSteps);
  for (const GraphRunner::Observer &observer : runner.observers()) {
    int64_t size = inputs.needsHessian(observer.name)
                       ? observer.channels * observer.channels * int64_t(sizeof(float))
                       : 0;
    if (count && (count == share || bytes + size > kHessianBytes)) {
      ++step;
      bytes = count = 0;
    }
    steps[observer.name] = step;
    bytes += size;
    ++count;
  }
  for (auto weight : module.getOps<nn::WeightOp>()) {
    if (!weight.getObserver() || !steps.contains(*weight.getObserver()))
      continue;
    int64_t of = steps.lookup(*weight.getObserver());
    symbolSteps[weight.getSymName()] = of;
    for (StringRef what : {nn::kInputScale, nn::kOutliers, nn::kInliers, nn::kOutlierColumns})
      symbolSteps[nn::symbolBeside(weight.getSymName(), what)] = of;
  }
  return inputs.isAsymmetric() ? runner.keepExact() : Error::success();
}

std::optional<int64_t> GraphQuantizer::stepOf(nn::WeightOp weight, int64_t) {
  auto step = symbolSteps.find(weight.getSymName());
  return step == symbolSteps.end() ? std::nullopt : std::optional(step->second);
}

Error GraphQuantizer::begin(int64_t step) {
  inputs.clear();
  for (const GraphRunner::Observer &observer : runner.observers())
    if (steps.lookup(observer.name) == step)
      inputs.watch(observer.name, observer.channels);
  Error error = runner.run(
      [&](StringRef observer, const float *exact, const float *x, int64_t rows) {
        if (steps.lookup(observer) == step)
          inputs.add(observer, step > 0 ? exact : nullptr, x, rows);
      },
      [&] { inputs.wait(); });
  if (error)
    return error;
  if (Error wrong = inputs.finish("the graph"))
    return wrong;
  inputs.keepOutliers();
  return inputs.addCalibratedTensors(
      calibrated,
      [&](nn::WeightOp weight, int64_t instance) { return stepOf(weight, instance) == step; },
      [&](nn::WeightOp weight, int64_t instance, int64_t first, MutableArrayRef<float> rows) {
        return readRows(weight, instance, files, first, rows);
      });
}

Error GraphQuantizer::quantize(nn::WeightOp weight, int64_t instance, int64_t firstRow,
                               ArrayRef<float> values, QuantizedMatrix &rows) {
  bool known = stepOf(weight, instance).has_value();
  if (Error error = inputs.quantize(weight, known, values, rows))
    return error;
  if (!known)
    return Error::success();
  return runner.replace(weight.getSymName(), firstRow, inputs.effective(weight, values, rows));
}

} // namespace qcc
