//===- LayerQuantizer.cpp - Quantizes a language model layer by layer --------------------===//

#include "compiler/Calibration/LayerQuantizer.h"
#include "compiler/Weights/ActivationScales.h"
#include "dialects/QuantExt/Codec/Reference.h"

using namespace llvm;

namespace qcc {

Error LayerQuantizer::start(mlir::ModuleOp module) {
  for (auto weight : module.getOps<nn::WeightOp>()) {
    if (!weight.getObserver() || !weight.getMethod())
      continue;
    observed[*weight.getObserver()].push_back(weight);
  }
  inputs.find(module);
  return runner.embed(text.tokens, text.window, stream);
}

const LayerRunner::Place *LayerQuantizer::placeOf(nn::WeightOp weight, int64_t instance) const {
  return runner.placeOf(cast<mlir::StringAttr>(weight.getSources()[instance]).getValue());
}

/// Of -act=static8: the largest magnitude of a tensor falls on 127.
void LayerQuantizer::addActivationScales(int64_t layer) {
  for (auto &entry : observed) {
    const std::vector<float> &absMax = inputs.statistics().find(entry.getKey())->second.absMax;
    float scale = *std::max_element(absMax.begin(), absMax.end()) / 127;
    for (nn::WeightOp weight : entry.second)
      for (auto [i, source] : enumerate(weight.getSources().getAsRange<mlir::StringAttr>()))
        if (placeOf(weight, i) && placeOf(weight, i)->layer == layer)
          addActivationScale(activationScales, source.getValue(), scale);
  }
}

std::optional<int64_t> LayerQuantizer::stepOf(nn::WeightOp weight, int64_t instance) {
  const LayerRunner::Place *place = placeOf(weight, instance);
  return place ? std::optional(place->layer) : std::nullopt;
}

Error LayerQuantizer::begin(int64_t layer) {
  inputs.clear();
  for (const auto &observer : runner.observers())
    inputs.watch(observer.getKey(), observer.getValue());
  for (int64_t w = 0; w < stream.windows; ++w) {
    Error error = runner.run(layer, layer + 1, stream, w, nullptr,
                             [&](StringRef observer, const float *x, int64_t rows) {
                               inputs.add(observer, x, rows);
                             });
    inputs.wait();
    if (error)
      return error;
  }
  if (Error error = inputs.finish("layer " + Twine(layer)))
    return error;
  addActivationScales(layer);
  return Error::success();
}

Error LayerQuantizer::end(int64_t layer) {
  for (int64_t w = 0; w < stream.windows; ++w)
    if (Error error = runner.run(layer, layer + 1, stream, w, &stream, nullptr))
      return error;
  runner.dropLayer(layer);
  return Error::success();
}

Error LayerQuantizer::quantize(nn::WeightOp weight, int64_t instance, int64_t firstRow,
                               ArrayRef<float> values, QuantizedMatrix &rows) {
  const LayerRunner::Place *place = placeOf(weight, instance);
  if (Error error = inputs.quantize(weight, weight.getObserver() && place, values, rows))
    return error;
  return place ? runner.replace(*place, firstRow, dequantize(rows)) : Error::success();
}

} // namespace qcc
