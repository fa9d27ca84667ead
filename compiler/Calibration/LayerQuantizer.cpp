//===- LayerQuantizer.cpp - Quantizes a language model layer by layer --------------------===//

#include "compiler/Calibration/LayerQuantizer.h"
#include "compiler/Calibration/StatisticsCollector.h"
#include "compiler/Weights/ActivationScales.h"
#include "dialects/QuantExt/Codec/Layout.h"
#include "dialects/QuantExt/Codec/Reference.h"
#include "frontends/Common/Error.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace qcc {

/// Its step in a method stands before those that choose codes.
static bool isAsymmetric(nn::WeightOp weight) { return weight.getMethod()->contains("gptaq"); }

/// Half of what the inputs changed by is made up for: all of it fits the calibration text too well.
static constexpr TargetOptions kTarget = {/*alpha=*/0.5, /*rho=*/0, /*damping=*/0.03};

Error LayerQuantizer::start(mlir::ModuleOp module) {
  mlir::SymbolTable symbols(module);
  for (auto weight : module.getOps<nn::WeightOp>()) {
    if (!weight.getObserver() || !weight.getMethod())
      continue;
    if (auto scales = symbols.lookup<nn::WeightOp>(activationScalesOf(weight.getSymName())))
      scaled.push_back({weight, scales});
    MethodOptions options = methodOptions(*weight.getMethod());
    asymmetric |= isAsymmetric(weight);
    if (options.gptq || options.descentSweeps)
      hessians.insert(*weight.getObserver());
  }
  folds.find(module, runner);
  if (Error error = runner.embed(text.tokens, text.window, stream))
    return error;
  if (asymmetric)
    exact = stream;
  return Error::success();
}

const LayerRunner::Place *LayerQuantizer::placeOf(nn::WeightOp weight, int64_t instance) const {
  StringRef source = cast<mlir::StringAttr>(weight.getSources()[instance]).getValue();
  return runner.placeOf(scaledTensor(source).value_or(source));
}

/// Of -act=static8: the largest magnitude of a tensor, or of 32 channels of it, falls on 127.
void LayerQuantizer::addScales(int64_t layer) {
  for (auto [weight, scales] : scaled) {
    const std::vector<float> &absMax = statistics.find(*weight.getObserver())->second.absMax;
    int64_t count = cast<mlir::RankedTensorType>(scales.getSourceType()).getDimSize(0);
    int64_t length = count == 1 ? absMax.size() : kUnit;
    std::vector<float> found(count);
    for (size_t i = 0; i < absMax.size(); ++i)
      found[i / length] = std::max(found[i / length], absMax[i] / 127);
    for (auto [i, source] : enumerate(weight.getSources().getAsRange<mlir::StringAttr>()))
      if (const LayerRunner::Place *place = placeOf(weight, i); place && place->layer == layer)
        addActivationScales(activationScales, source.getValue(), found);
  }
}

std::optional<int64_t> LayerQuantizer::stepOf(nn::WeightOp weight, int64_t instance) {
  const LayerRunner::Place *place = placeOf(weight, instance);
  return place ? std::optional(place->layer) : std::nullopt;
}

/// Runs the layer with its float weights on the whole text.
Error LayerQuantizer::observe(int64_t layer, StringMap<StatisticsCollector> &collectors) {
  StringMap<std::vector<float>> exactInputs;
  for (int64_t w = 0; w < stream.windows; ++w) {
    if (asymmetric)
      if (Error error = runner.run(layer, layer + 1, exact, w, &exact,
                                   [&](StringRef observer, const float *x, int64_t rows) {
                                     int64_t k = runner.observers().find(observer)->second;
                                     exactInputs[observer].assign(x, x + rows * k);
                                   }))
        return error;
    Error error = runner.run(layer, layer + 1, stream, w, nullptr,
                             [&](StringRef observer, const float *x, int64_t rows) {
                               StatisticsCollector &to = collectors.find(observer)->second;
                               to.add(x, rows, pool);
                               if (asymmetric && layer > 0)
                                 to.addCross(exactInputs[observer].data(), x, rows, pool);
                             });
    pool.wait();
    if (error)
      return error;
  }
  return Error::success();
}

Error LayerQuantizer::begin(int64_t layer) {
  StringMap<StatisticsCollector> collectors;
  for (const auto &observer : runner.observers())
    collectors.try_emplace(observer.getKey(), observer.getValue(),
                           hessians.contains(observer.getKey()));
  if (Error error = observe(layer, collectors))
    return error;
  statistics.clear();
  targets.clear();
  factors.clear();
  for (auto &collector : collectors) {
    targets[collector.getKey()].cross = collector.second.finishCross();
    InputStatistics &found = statistics[collector.getKey()] = collector.second.finish();
    if (Error error = checkStatistics(found, found.k))
      return make_error<ModelError>(ExitCode::BadModel,
                                    ("calibration: what layer " + Twine(layer) +
                                     " multiplies with @" + collector.getKey() + ": " +
                                     toString(std::move(error)))
                                        .str());
  }
  if (Error error = folds.choose(layer, statistics))
    return error;
  // Both sides of the products are divided, as the inputs are.
  for (auto &target : targets) {
    ArrayRef<float> divisors = folds.factorsOf(target.getKey());
    std::vector<float> &cross = target.second.cross;
    for (size_t i = 0; i < cross.size() && !divisors.empty(); ++i)
      cross[i] /= divisors[i / divisors.size()] * divisors[i % divisors.size()];
  }
  addScales(layer);
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
  MethodOptions options = methodOptions(*weight.getMethod());
  options.threads = jobs;
  const InputStatistics *found = nullptr;
  const HessianFactor *factor = nullptr;
  const LayerRunner::Place *place = placeOf(weight, instance);
  if (weight.getObserver() && place) {
    found = &statistics.find(*weight.getObserver())->second;
    auto known = factors.find(*weight.getObserver());
    if (options.gptq && known == factors.end()) {
      Expected<HessianFactor> made =
          HessianFactor::make(*found, options.damping, options.activationOrder);
      if (!made)
        return made.takeError();
      known = factors.try_emplace(*weight.getObserver(), std::move(*made)).first;
    }
    if (options.gptq)
      factor = &known->second;
  } else {
    // Nothing was observed: what is left is what needs no data.
    options = methodOptions("mse");
    options.threads = jobs;
  }
  std::vector<float> moved;
  if (found && isAsymmetric(weight)) {
    const TargetStatistics &target = targets.find(*weight.getObserver())->second;
    if (!target.cross.empty()) {
      moved = values.vec();
      if (Error error = moveTarget(moved.data(), rows.n, rows.k, *found, target, kTarget))
        return error;
      values = moved;
    }
  }
  if (Error error = quantizeMatrix(values.data(), rows.n, rows.k, rows.scheme, found, options, rows,
                                   nullptr, factor))
    return error;
  return place ? runner.replace(*place, firstRow, dequantize(rows)) : Error::success();
}

} // namespace qcc
