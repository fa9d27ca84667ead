//===- ObservedInputs.cpp - What a step of calibration saw, and what it decides ------------===//

#include "compiler/Calibration/ObservedInputs.h"
#include "compiler/Weights/ActivationScales.h"
#include "compiler/Weights/DataFreeQuantizer.h"
#include "dialects/QuantExt/Codec/Layout.h"
#include "frontends/Common/Error.h"

using namespace llvm;

namespace qcc {

/// Its step in a method stands before those that choose codes.
static bool usesTarget(nn::WeightOp weight) { return weight.getMethod()->contains("gptaq"); }

/// Half of what the inputs changed by is made up for: all of it fits the calibration text too well.
static constexpr TargetOptions kTarget = {/*alpha=*/0.5, /*rho=*/0, /*damping=*/0.03};

ObservedInputs::ObservedInputs(unsigned jobs) : jobs(jobs), pool(hardware_concurrency(jobs)) {}

void ObservedInputs::find(mlir::ModuleOp module) {
  mlir::SymbolTable symbols(module);
  for (auto weight : module.getOps<nn::WeightOp>()) {
    if (!weight.getObserver() || !weight.getMethod())
      continue;
    if (auto scales = symbols.lookup<nn::WeightOp>(activationScalesOf(weight.getSymName())))
      scaled.push_back({weight, scales});
    asymmetric |= usesTarget(weight);
    MethodOptions options = methodOptions(*weight.getMethod());
    if (options.gptq || options.descentSweeps)
      hessians.insert(*weight.getObserver());
  }
}

void ObservedInputs::clear() {
  collectors.clear();
  found.clear();
  targets.clear();
  factors.clear();
}

void ObservedInputs::watch(StringRef observer, int64_t channels) {
  collectors.try_emplace(observer, channels, needsHessian(observer));
}

void ObservedInputs::add(StringRef observer, const float *exact, const float *x, int64_t rows) {
  StatisticsCollector &to = collectors.find(observer)->second;
  to.add(x, rows, pool);
  if (exact)
    to.addCross(exact, x, rows, pool);
}

Error ObservedInputs::finish(const Twine &where) {
  for (auto &collector : collectors) {
    targets[collector.getKey()].cross = collector.second.finishCross();
    InputStatistics &made = found[collector.getKey()] = collector.second.finish();
    if (Error error = checkStatistics(made, made.k))
      return make_error<ModelError>(ExitCode::BadModel,
                                    ("calibration: what " + where + " multiplies with @" +
                                     collector.getKey() + ": " + toString(std::move(error)))
                                        .str());
  }
  collectors.clear();
  return Error::success();
}

void ObservedInputs::divide(StringRef observer, ArrayRef<float> divisors) {
  // Both sides of the products are divided, as the inputs are.
  std::vector<float> &cross = targets.find(observer)->second.cross;
  for (size_t i = 0; i < cross.size() && !divisors.empty(); ++i)
    cross[i] /= divisors[i / divisors.size()] * divisors[i % divisors.size()];
}

/// Of -act=static8: the largest magnitude of a tensor, or of 32 channels of it, falls on 127.
void ObservedInputs::addScales(TensorTable &table,
                               function_ref<bool(nn::WeightOp, int64_t)> isOfStep) const {
  for (auto [weight, scales] : scaled) {
    auto statistics = found.find(*weight.getObserver());
    if (statistics == found.end())
      continue;
    const std::vector<float> &absMax = statistics->second.absMax;
    int64_t count = cast<mlir::RankedTensorType>(scales.getSourceType()).getDimSize(0);
    int64_t length = count == 1 ? absMax.size() : kUnit;
    std::vector<float> largest(count);
    for (size_t i = 0; i < absMax.size(); ++i)
      largest[i / length] = std::max(largest[i / length], absMax[i] / 127);
    for (auto [i, source] : enumerate(weight.getSources().getAsRange<mlir::StringAttr>()))
      if (isOfStep(weight, i))
        addActivationScales(table, source.getValue(), largest);
  }
}

Error ObservedInputs::quantize(nn::WeightOp weight, bool observed, ArrayRef<float> values,
                               QuantizedMatrix &rows) {
  MethodOptions options = methodOptions(observed ? *weight.getMethod() : "mse");
  options.threads = jobs;
  const InputStatistics *statistics = nullptr;
  const HessianFactor *factor = nullptr;
  if (observed) {
    StringRef observer = *weight.getObserver();
    statistics = &found.find(observer)->second;
    if (options.gptq) {
      auto known = factors.find(observer);
      if (known == factors.end()) {
        Expected<HessianFactor> made =
            HessianFactor::make(*statistics, options.damping, options.activationOrder);
        if (!made)
          return made.takeError();
        known = factors.try_emplace(observer, std::move(*made)).first;
      }
      factor = &known->second;
    }
  }
  std::vector<float> moved;
  if (observed && usesTarget(weight)) {
    const TargetStatistics &target = targets.find(*weight.getObserver())->second;
    if (!target.cross.empty()) {
      moved = values.vec();
      if (Error error = moveTarget(moved.data(), rows.n, rows.k, *statistics, target, kTarget))
        return error;
      values = moved;
    }
  }
  return quantizeMatrix(values.data(), rows.n, rows.k, rows.scheme, statistics, options, rows,
                        nullptr, factor);
}

} // namespace qcc
