//===- LayerQuantizer.cpp - Quantizes a language model layer by layer --------------------===//

#include "compiler/Calibration/LayerQuantizer.h"
#include "dialects/NN/IR/CalibratedWeights.h"

using namespace llvm;

namespace qcc {

Error LayerQuantizer::start(mlir::ModuleOp module) {
  inputs.find(module);
  folds.find(module, runner);
  steps.start(module);
  if (Error error = embed())
    return error;
  std::vector<MutableArrayRef<float>> values;
  for (HiddenStates *of : states())
    values.push_back(of->values);
  firstToRun = steps.restore(values);
  return firstToRun ? Error::success() : embed();
}

/// Hidden states before the first layer.
Error LayerQuantizer::embed() {
  if (Error error = runner.embed(text.tokens, text.window, stream))
    return error;
  if (inputs.isAsymmetric())
    exact = stream;
  return heldOut.start();
}

const LayerRunner::Place *LayerQuantizer::placeOf(nn::WeightOp weight, int64_t instance) const {
  StringRef source = cast<mlir::StringAttr>(weight.getSources()[instance]).getValue();
  std::optional<nn::CalibratedSource> calibrated = nn::parseCalibratedSource(source);
  return runner.placeOf(calibrated ? calibrated->tensor : source);
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
  if (layer >= firstToRun)
    if (Error error = heldOut.runExact(layer))
      return error;
  if (Error error = steps.begin(layer))
    return error;
  if (Error error = steps.replaying() ? replay(layer) : calibrate(layer))
    return error;
  const StepRecord &record = steps.record();
  tokens = record.tokens;
  mostChannels = std::max(mostChannels, record.mostChannels);
  if (!deadChannels)
    firstDead = record.firstDead;
  deadChannels += record.deadChannels;
  return Error::success();
}

/// What the layer's statistics decided is known. Its codes come later, by quantize().
Error LayerQuantizer::replay(int64_t layer) {
  for (int64_t w = 0; w < exact.windows && layer >= firstToRun; ++w)
    if (Error error = runner.run(layer, layer + 1, exact, w, &exact, nullptr))
      return error;
  if (!folds.restore(steps.record().folds))
    return steps.misfit("a factor of a channel");
  inputs.clear();
  if (!inputs.restoreOutliers(calibrated, [&](nn::WeightOp weight, int64_t instance) {
        return stepOf(weight, instance) == layer;
      }))
    return steps.misfit("an outlier channel");
  return Error::success();
}

/// Learns what the layer's inputs are like, and decides what is decided before its codes.
Error LayerQuantizer::calibrate(int64_t layer) {
  inputs.clear();
  for (const auto &observer : runner.observers())
    inputs.watch(observer.getKey(), observer.getValue());
  if (Error error = observe(layer))
    return error;
  if (Error error = inputs.finish("layer " + Twine(layer)))
    return error;
  for (const auto &entry : inputs.statistics())
    check(entry.getKey(), entry.second, layer);
  // Before folds: what no factor has to help does not raise the factors of others.
  inputs.keepOutliers();
  if (Error error = folds.choose(layer, inputs.statistics()))
    return error;
  steps.record().folds = folds.factors();
  for (const auto &observer : runner.observers())
    inputs.divide(observer.getKey(), folds.factorsOf(observer.getKey()));
  return inputs.addCalibratedTensors(
      calibrated,
      [&](nn::WeightOp weight, int64_t instance) { return stepOf(weight, instance) == layer; },
      [&](nn::WeightOp weight, int64_t instance, int64_t first, MutableArrayRef<float> rows) {
        return folds.read(weight, instance, first, rows);
      });
}

Error LayerQuantizer::end(int64_t layer) {
  StepRecord &record = steps.record();
  if (layer >= firstToRun) {
    for (int64_t w = 0; w < stream.windows; ++w)
      if (Error error = runner.run(layer, layer + 1, stream, w, &stream, nullptr))
        return error;
    if (Error error = heldOut.runQuantized(layer))
      return error;
    if (!heldOut.empty())
      record.hidden = heldOut.error();
  }
  runner.dropLayer(layer);
  for (auto &[source, sums] : matrixErrors)
    record.errors.push_back({source.str(), sums.relative()});
  matrixErrors.clear();
  errors.push_back({record.hidden, record.errors});
  std::vector<ArrayRef<float>> values;
  for (HiddenStates *of : states())
    values.push_back(of->values);
  steps.end(values);
  return Error::success();
}

void LayerQuantizer::check(StringRef observer, const InputStatistics &found, int64_t layer) {
  StepRecord &record = steps.record();
  record.tokens = found.tokens;
  record.mostChannels = std::max(record.mostChannels, found.k);
  int64_t dead = count(found.absMax, 0.0f);
  if (dead && !record.deadChannels)
    record.firstDead = ("layer " + Twine(layer) + ", @" + observer).str();
  record.deadChannels += dead;
}

Error LayerQuantizer::finish(CompileReport &report) {
  report.layers = std::move(errors);
  if (tokens < mostChannels)
    report.warnings.push_back(("calibration saw " + Twine(tokens) + " tokens, fewer than the " +
                               Twine(mostChannels) +
                               " input channels of the widest matrix; give "
                               "-calib a longer text, or more windows with -calib-windows")
                                  .str());
  if (deadChannels)
    report.warnings.push_back(
        (Twine(deadChannels) + " input channels (the first in " + firstDead +
         ") were never active on the calibration text, so nothing is known of "
         "their weights; give -calib text of more kinds")
            .str());
  if (heldOut.empty())
    return Error::success();
  Expected<Comparison> comparison = heldOut.compare();
  if (!comparison)
    return comparison.takeError();
  report.quality = comparison->finish();
  report.divergences = comparison->all();
  append_range(report.warnings, qualityWarnings(*report.quality));
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
  if (place && steps.replaying()) {
    if (Error error = steps.replay(weight, instance, firstRow, rows))
      return error;
    if (place->layer < firstToRun)
      return Error::success();
    return runner.replace(*place, firstRow, inputs.effective(weight, values, rows));
  }
  if (Error error = inputs.quantize(weight, weight.getObserver() && place, values, rows))
    return error;
  if (!place)
    return Error::success();
  steps.keep(weight, instance, firstRow, rows);
  std::vector<float> replacement = inputs.effective(weight, values, rows);
  if (measure && weight.getObserver()) {
    const InputStatistics &found = inputs.statistics().find(*weight.getObserver())->second;
    OutputError part = outputError(values.data(), replacement.data(), rows.n, rows.k, &found, jobs);
    OutputError &sums =
        matrixErrors[cast<mlir::StringAttr>(weight.getSources()[instance]).getValue()];
    sums.error += part.error;
    sums.signal += part.signal;
  }
  return runner.replace(*place, firstRow, replacement);
}

} // namespace qcc
