//===- ObservedInputs.cpp - What a step of calibration saw, and what it decides ------------===//

#include "compiler/Calibration/ObservedInputs.h"
#include "compiler/Methods/Outliers.h"
#include "compiler/Weights/CalibratedTensors.h"
#include "compiler/Weights/DataFreeQuantizer.h"
#include "dialects/QuantExt/Codec/Float16.h"
#include "dialects/QuantExt/Codec/Layout.h"
#include "dialects/QuantExt/Codec/Reference.h"
#include "frontends/Common/Error.h"
#include <cstring>

using namespace llvm;

namespace qcc {

/// Its step in a method stands before those that choose codes.
static bool usesTarget(nn::WeightOp weight) { return weight.getMethod()->contains("gptaq"); }

/// Half of what the inputs changed by is made up for: all of it fits the calibration text too well.
static constexpr TargetOptions kTarget = {/*alpha=*/0.5, /*rho=*/0, /*damping=*/0.03};

static ArrayRef<int64_t> shapeOf(nn::WeightOp weight) {
  return cast<mlir::RankedTensorType>(weight.getSourceType()).getShape();
}

ObservedInputs::ObservedInputs(unsigned jobs) : jobs(jobs), pool(hardware_concurrency(jobs)) {}

void ObservedInputs::find(mlir::ModuleOp module) {
  mlir::SymbolTable symbols(module);
  for (auto weight : module.getOps<nn::WeightOp>()) {
    if (!weight.getObserver() || !weight.getMethod())
      continue;
    auto beside = [&](StringRef what) {
      return symbols.lookup<nn::WeightOp>(nn::symbolBeside(weight.getSymName(), what));
    };
    Calibrated found{weight, beside(nn::kInputScale), beside(nn::kOutliers), beside(nn::kInliers),
                     beside(nn::kOutlierColumns)};
    if (found.scales || found.outliers || found.columns)
      calibrated.push_back(found);
    if (found.outliers) {
      Room &room = rooms[*weight.getObserver()];
      room.slots = shapeOf(found.outliers).front();
      if (found.scales)
        room.group = shapeOf(found.scales).front() == 1 ? shapeOf(weight).back() : kUnit;
    }
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
  outliers.clear();
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

void ObservedInputs::keepOutliers() {
  for (const auto &[observer, room] : rooms) {
    auto statistics = found.find(observer);
    if (statistics == found.end())
      continue;
    InputStatistics &seen = statistics->second;
    std::vector<int32_t> &chosen = outliers[observer];
    chosen = room.group ? outliersOfGroups(seen.absMax, room.slots, room.group)
                        : outliersAbove(seen.absMax, room.slots, kOutlierThreshold);
    std::vector<float> &cross = targets.find(observer)->second.cross;
    for (int64_t channel : chosen) {
      for (std::vector<float> *values : {&seen.absMax, &seen.meanAbs, &seen.meanSquare})
        (*values)[channel] = 0;
      for (std::vector<float> *products : {&seen.hessian, &cross})
        for (int64_t i = 0; i < seen.k && !products->empty(); ++i)
          (*products)[channel * seen.k + i] = (*products)[i * seen.k + channel] = 0;
    }
  }
}

/// Elements of a tensor that calibration adds; empty when it is not there, or of another type.
template <typename T>
static std::vector<T> valuesOf(const TensorTable &table, const Twine &name, DType type) {
  const SourceTensor *tensor = table.find(name.str());
  if (!tensor || tensor->dtype != type)
    return {};
  std::vector<T> values(tensor->bytes.size() / sizeof(T));
  std::memcpy(values.data(), tensor->bytes.data(), values.size() * sizeof(T));
  return values;
}

bool ObservedInputs::restoreOutliers(const TensorTable &table,
                                     function_ref<bool(nn::WeightOp, int64_t)> isOfStep) {
  for (const Calibrated &all : calibrated) {
    nn::WeightOp weight = all.weight;
    for (auto [i, source] : enumerate(weight.getSources().getAsRange<mlir::StringAttr>())) {
      if (!all.outliers || !isOfStep(weight, i))
        continue;
      auto named = [tensor = source.getValue()](StringRef what) {
        return nn::calibratedSource(tensor, what);
      };
      auto slots = valuesOf<int32_t>(table, named(nn::kOutliers), DType::I32);
      auto mask = valuesOf<float>(table, named(nn::kInliers), DType::F32);
      int64_t k = shapeOf(weight)[1];
      // A slot that is beyond the channels would be read beyond them, too.
      if (static_cast<int64_t>(slots.size()) != shapeOf(all.outliers).front() ||
          static_cast<int64_t>(mask.size()) != k ||
          any_of(slots, [&](int32_t channel) { return channel < 0 || channel >= k; }) ||
          any_of(mask, [](float value) { return value != 0 && value != 1; }))
        return false;
      std::vector<int32_t> &kept = outliers[*weight.getObserver()];
      kept.clear();
      for (int64_t channel = 0; channel < k; ++channel)
        if (mask[channel] == 0)
          kept.push_back(static_cast<int32_t>(channel));
    }
  }
  return true;
}

ArrayRef<int32_t> ObservedInputs::outliersOf(StringRef observer) const {
  auto known = outliers.find(observer);
  return known == outliers.end() ? ArrayRef<int32_t>() : ArrayRef<int32_t>(known->second);
}

/// Of -act=static8: the largest magnitude of a tensor, or of 32 channels of it, falls on 127.
void ObservedInputs::addScales(TensorTable &table, StringRef tensor, nn::WeightOp scales,
                               ArrayRef<float> absMax) const {
  int64_t count = shapeOf(scales).front();
  int64_t length = count == 1 ? absMax.size() : kUnit;
  std::vector<float> largest(count);
  for (size_t i = 0; i < absMax.size(); ++i)
    largest[i / length] = std::max(largest[i / length], absMax[i] / 127);
  addCalibrated(table, tensor, nn::kInputScale, {count}, std::move(largest));
}

/// A slot that is not used has channel 0, and zeros as its column.
Error ObservedInputs::addColumns(TensorTable &table, nn::WeightOp weight, int64_t instance,
                                 nn::WeightOp columns, RowReader read) const {
  constexpr int64_t kRows = 256;
  ArrayRef<int32_t> kept = outliersOf(*weight.getObserver());
  int64_t n = shapeOf(weight)[0], k = shapeOf(weight)[1], slots = shapeOf(columns)[1];
  std::vector<float> values(n * slots), rows(kRows * k);
  for (int64_t first = 0; first < n && !kept.empty(); first += kRows) {
    MutableArrayRef<float> part(rows.data(), std::min(kRows, n - first) * k);
    if (Error error = read(weight, instance, first, part))
      return error;
    for (int64_t r = 0; r * k < static_cast<int64_t>(part.size()); ++r)
      for (auto [slot, channel] : enumerate(kept))
        values[(first + r) * slots + slot] = part[r * k + channel];
  }
  StringRef tensor = cast<mlir::StringAttr>(weight.getSources()[instance]).getValue();
  addCalibrated(table, tensor, nn::kOutlierColumns, {n, slots}, std::move(values));
  return Error::success();
}

Error ObservedInputs::addCalibratedTensors(TensorTable &table,
                                           function_ref<bool(nn::WeightOp, int64_t)> isOfStep,
                                           RowReader read) const {
  for (const Calibrated &all : calibrated) {
    nn::WeightOp weight = all.weight;
    auto statistics = found.find(*weight.getObserver());
    if (statistics == found.end())
      continue;
    ArrayRef<int32_t> kept = outliersOf(*weight.getObserver());
    for (auto [i, source] : enumerate(weight.getSources().getAsRange<mlir::StringAttr>())) {
      if (!isOfStep(weight, i))
        continue;
      if (all.scales)
        addScales(table, source.getValue(), all.scales, statistics->second.absMax);
      if (all.outliers) {
        std::vector<int32_t> channels = kept.vec();
        channels.resize(shapeOf(all.outliers).front());
        std::vector<float> mask(shapeOf(weight)[1], 1);
        for (int32_t channel : kept)
          mask[channel] = 0;
        addCalibrated(table, source.getValue(), nn::kOutliers, shapeOf(all.outliers),
                      std::move(channels));
        addCalibrated(table, source.getValue(), nn::kInliers, shapeOf(all.inliers),
                      std::move(mask));
      }
      if (all.columns)
        if (Error error = addColumns(table, weight, i, all.columns, read))
          return error;
    }
  }
  return Error::success();
}

std::vector<float> ObservedInputs::effective(nn::WeightOp weight, ArrayRef<float> values,
                                             const QuantizedMatrix &rows) const {
  std::vector<float> result = dequantize(rows);
  if (!weight.getObserver())
    return result;
  for (int64_t channel : outliersOf(*weight.getObserver()))
    for (int64_t r = 0; r < rows.n; ++r)
      result[r * rows.k + channel] = halfToFloat(floatToHalf(values[r * rows.k + channel]));
  return result;
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
  std::vector<float> rest, moved;
  if (ArrayRef<int32_t> kept = observed ? outliersOf(*weight.getObserver()) : ArrayRef<int32_t>();
      !kept.empty()) {
    rest = values.vec();
    for (int64_t channel : kept)
      for (int64_t r = 0; r < rows.n; ++r)
        rest[r * rows.k + channel] = 0;
    values = rest;
  }
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
