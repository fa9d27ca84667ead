//===- ObservedInputs.cpp - What a step of calibration saw, and what it decides ------------===//

#include "compiler/Calibration/ObservedInputs.h"
#include "compiler/Weights/DataFreeQuantizer.h"
#include "frontends/Common/Error.h"

using namespace llvm;

namespace qcc {

ObservedInputs::ObservedInputs(unsigned jobs) : jobs(jobs), pool(hardware_concurrency(jobs)) {}

void ObservedInputs::find(mlir::ModuleOp module) {
  for (auto weight : module.getOps<nn::WeightOp>()) {
    if (!weight.getObserver() || !weight.getMethod())
      continue;
    MethodOptions options = methodOptions(*weight.getMethod());
    if (options.gptq || options.descentSweeps)
      hessians.insert(*weight.getObserver());
  }
}

void ObservedInputs::clear() {
  collectors.clear();
  found.clear();
  factors.clear();
}

void ObservedInputs::watch(StringRef observer, int64_t channels) {
  collectors.try_emplace(observer, channels, needsHessian(observer));
}

void ObservedInputs::add(StringRef observer, const float *x, int64_t rows) {
  collectors.find(observer)->second.add(x, rows, pool);
}

Error ObservedInputs::finish(const Twine &where) {
  for (auto &collector : collectors) {
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
  return quantizeMatrix(values.data(), rows.n, rows.k, rows.scheme, statistics, options, rows,
                        nullptr, factor);
}

} // namespace qcc
