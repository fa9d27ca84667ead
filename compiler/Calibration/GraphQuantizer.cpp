//===- GraphQuantizer.cpp - Quantizes a tensor model on samples of its inputs -------------===//

#include "compiler/Calibration/GraphQuantizer.h"
#include "compiler/Weights/ActivationScales.h"
#include "dialects/QuantExt/Codec/Reference.h"

using namespace llvm;

namespace qcc {

void GraphQuantizer::start(mlir::ModuleOp module) {
  inputs.find(module);
  for (auto weight : module.getOps<nn::WeightOp>())
    if (weight.getObserver())
      observed[*weight.getObserver()].push_back(weight);
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
}

std::optional<int64_t> GraphQuantizer::stepOf(nn::WeightOp weight, int64_t) {
  if (!weight.getObserver())
    return std::nullopt;
  auto step = steps.find(*weight.getObserver());
  return step == steps.end() ? std::nullopt : std::optional(step->second);
}

Error GraphQuantizer::begin(int64_t step) {
  inputs.clear();
  for (const GraphRunner::Observer &observer : runner.observers())
    if (steps.lookup(observer.name) == step)
      inputs.watch(observer.name, observer.channels);
  Error error = runner.run(
      [&](StringRef observer, const float *x, int64_t rows) {
        if (steps.lookup(observer) == step)
          inputs.add(observer, x, rows);
      },
      [&] { inputs.wait(); });
  if (error)
    return error;
  if (Error wrong = inputs.finish("the graph"))
    return wrong;
  addScales();
  return Error::success();
}

/// Of -act=static8: the largest magnitude of a tensor falls on 127.
void GraphQuantizer::addScales() {
  for (const auto &found : inputs.statistics()) {
    const std::vector<float> &absMax = found.second.absMax;
    float scale = *std::max_element(absMax.begin(), absMax.end()) / 127;
    for (nn::WeightOp weight : observed.lookup(found.getKey()))
      addActivationScale(activationScales,
                         cast<mlir::StringAttr>(weight.getSources()[0]).getValue(), scale);
  }
}

Error GraphQuantizer::quantize(nn::WeightOp weight, int64_t instance, int64_t firstRow,
                               ArrayRef<float> values, QuantizedMatrix &rows) {
  bool known = stepOf(weight, instance).has_value();
  if (Error error = inputs.quantize(weight, known, values, rows))
    return error;
  return known ? runner.replace(weight.getSymName(), firstRow, dequantize(rows)) : Error::success();
}

} // namespace qcc
