//===- LayerQuantizer.cpp - Quantizes a language model layer by layer --------------------===//

#include "compiler/Calibration/LayerQuantizer.h"
#include "compiler/Weights/ActivationScales.h"
#include "dialects/QuantExt/Codec/Reference.h"

using namespace llvm;

namespace qcc {

Error LayerQuantizer::start(mlir::ModuleOp module) {
  inputs.find(module);
  folds.find(module, runner);
  if (Error error = runner.embed(text.tokens, text.window, stream))
    return error;
  if (inputs.isAsymmetric())
    exact = stream;
  return Error::success();
}

const LayerRunner::Place *LayerQuantizer::placeOf(nn::WeightOp weight, int64_t instance) const {
  StringRef source = cast<mlir::StringAttr>(weight.getSources()[instance]).getValue();
  return runner.placeOf(scaledTensor(source).value_or(source));
}

std::optional<int64_t> LayerQuantizer::stepOf(nn::WeightOp weight, int64_t instance) {
  const LayerRunner::Place *place = placeOf(weight, instance);
  return place ? std::optional(place->layer) : std::nullopt;
}

/// Runs the layer with its float weights on the whole text.
Error LayerQuantizer::observe(int64_t layer) {
  StringMap<std::vector<float>> exactInputs;
  for (int64_t w = 0; w < stream.windows; ++w) {
    if (inputs.isAsymmetric())
      if (Error error = runner.run(layer, layer + 1, exact, w, &exact,
                                   [&](StringRef observer, const float *x, int64_t rows) {
                                     int64_t k = runner.observers().find(observer)->second;
                                     exactInputs[observer].assign(x, x + rows * k);
                                   }))
        return error;
    Error error = runner.run(
        layer, layer + 1, stream, w, nullptr,
        [&](StringRef observer, const float *x, int64_t rows) {
          bool differs = inputs.isAsymmetric() && layer > 0;
          inputs.add(observer, differs ? exactInputs[observer].data() : nullptr, x, rows);
        });
    inputs.wait();
    if (error)
      return error;
  }
  return Error::success();
}

Error LayerQuantizer::begin(int64_t layer) {
  inputs.clear();
  for (const auto &observer : runner.observers())
    inputs.watch(observer.getKey(), observer.getValue());
  if (Error error = observe(layer))
    return error;
  if (Error error = inputs.finish("layer " + Twine(layer)))
    return error;
  if (Error error = folds.choose(layer, inputs.statistics()))
    return error;
  for (const auto &observer : runner.observers())
    inputs.divide(observer.getKey(), folds.factorsOf(observer.getKey()));
  inputs.addScales(activationScales, [&](nn::WeightOp weight, int64_t instance) {
    const LayerRunner::Place *place = placeOf(weight, instance);
    return place && place->layer == layer;
  });
  return Error::success();
}

Error LayerQuantizer::end(int64_t layer) {
  for (int64_t w = 0; w < stream.windows; ++w)
    if (Error error = runner.run(layer, layer + 1, stream, w, &stream, nullptr))
      return error;
  runner.dropLayer(layer);
  return Error::success();
}

Error LayerQuantizer::fold(nn::WeightOp weight, int64_t instance, int64_t firstRow, int64_t k,
                           MutableArrayRef<float> values) {
  // What is quantized is replaced when it is; gains of norms are not.
  if (!folds.apply(weight, firstRow, k, values) || weight.getScheme())
    return Error::success();
  return runner.replace(*placeOf(weight, instance), firstRow, values);
}

Error LayerQuantizer::quantize(nn::WeightOp weight, int64_t instance, int64_t firstRow,
                               ArrayRef<float> values, QuantizedMatrix &rows) {
  const LayerRunner::Place *place = placeOf(weight, instance);
  if (Error error = inputs.quantize(weight, weight.getObserver() && place, values, rows))
    return error;
  return place ? runner.replace(*place, firstRow, dequantize(rows)) : Error::success();
}

} // namespace qcc
