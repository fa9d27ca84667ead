//===- ChannelFolds.cpp - The factors that qcc-fold-scales asks for --------------------------===//

#include "compiler/Calibration/ChannelFolds.h"
#include "compiler/Methods/SmoothQuant.h"
#include "compiler/Weights/DataFreeQuantizer.h"
#include "dialects/NN/IR/CalibratedWeights.h"
#include "dialects/QuantExt/IR/QuantExt.h"
#include <cmath>

using namespace llvm;

namespace qcc {
namespace {

/// Exponents of SmoothQuant for static scales: the best of .5 to .9 on SmolLM2
/// (docs/Calibration.md).
constexpr double kGroupAlpha = 0.65, kTensorAlpha = 0.8;

/// Channels of [heads, headDim] that share a row of [rows / headDim, headDim]: which row that is.
struct Sharing {
  int64_t channels, rows, headDim;

  int64_t row(int64_t channel) const {
    if (channels == rows)
      return channel;
    int64_t heads = channels / rows;
    return channel / headDim / heads * headDim + channel % headDim;
  }

  /// Channels that share a row get the largest value of them.
  void tie(std::vector<float> &values) const {
    if (values.empty() || channels == rows)
      return;
    std::vector<float> largest(rows);
    for (int64_t i = 0; i < channels; ++i)
      largest[row(i)] = std::max(largest[row(i)], values[i]);
    for (int64_t i = 0; i < channels; ++i)
      values[i] = largest[row(i)];
  }
};

Sharing sharing(nn::WeightOp rows, int64_t channels) {
  auto type = cast<mlir::RankedTensorType>(rows.getSourceType());
  return {channels, type.getDimSize(0), static_cast<int64_t>(rows.getHeadDim().value_or(1))};
}

} // namespace

void ChannelFolds::find(mlir::ModuleOp module, const LayerRunner &runner) {
  mlir::SymbolTable symbols(module);
  for (auto weight : module.getOps<nn::WeightOp>()) {
    if (weight.getColumnFactors()) {
      Fold &fold = folds[*weight.getColumnFactors()];
      fold.columns.resize(runner.layers());
      for (auto [i, source] : enumerate(weight.getSources().getAsRange<mlir::StringAttr>()))
        if (const LayerRunner::Place *place = runner.placeOf(source.getValue()))
          fold.columns[place->layer].push_back({weight, i});
      if (auto scales =
              symbols.lookup<nn::WeightOp>(nn::symbolBeside(weight.getSymName(), nn::kInputScale)))
        fold.activationScales = cast<mlir::RankedTensorType>(scales.getSourceType()).getDimSize(0);
    }
    if (weight.getRowDivisors())
      folds[*weight.getRowDivisors()].rows = weight;
  }
}

Expected<std::vector<float>> ChannelFolds::search(const Fold &fold, int64_t layer,
                                                  const InputStatistics &statistics) const {
  nn::WeightOp first = fold.columns[layer].front().first;
  int64_t k = cast<mlir::RankedTensorType>(first.getSourceType()).getDimSize(1);
  std::vector<std::vector<float>> values;
  std::vector<MatrixView> matrices;
  Scheme scheme;
  for (auto [weight, instance] : fold.columns[layer]) {
    int64_t n = cast<mlir::RankedTensorType>(weight.getSourceType()).getDimSize(0);
    if (Error error = readRows(weight, instance, files, 0, values.emplace_back(n * k)))
      return std::move(error);
    matrices.push_back({values.back().data(), n});
    Scheme own = cast<quant_ext::SchemeAttr>(*weight.getScheme()).toScheme();
    if (weight == first || own.bits < scheme.bits)
      scheme = std::move(own);
  }
  StringRef method = *first.getMethod();
  if (method.starts_with("smoothquant") && fold.activationScales > 0)
    return smoothFactors(matrices, k, statistics,
                         fold.activationScales == 1 ? kTensorAlpha : kGroupAlpha);
  Expected<ChannelScales> scales = ChannelScales();
  if (method.starts_with("smoothquant")) {
    scales = searchSmoothQuant(matrices, k, statistics, ActivationScale::Token);
  } else {
    MethodOptions options = methodOptions(method);
    options.threads = jobs;
    scales = searchAwq(matrices, k, scheme, statistics, options);
  }
  if (!scales)
    return scales.takeError();
  return std::move(scales->s);
}

Error ChannelFolds::choose(int64_t layer, StringMap<InputStatistics> &statistics) {
  for (auto &[observer, fold] : folds) {
    InputStatistics &seen = statistics.find(observer)->second;
    Sharing shared = sharing(fold.rows, seen.k);
    InputStatistics tied = seen;
    shared.tie(tied.absMax);
    shared.tie(tied.meanAbs);
    Expected<std::vector<float>> found = search(fold, layer, tied);
    if (!found)
      return found.takeError();
    fold.factors = std::move(*found);
    shared.tie(fold.factors);
    seen = scaledInputs(seen, fold.factors);
  }
  return Error::success();
}

std::vector<FoldFactors> ChannelFolds::factors() const {
  std::vector<FoldFactors> result;
  for (const auto &[observer, fold] : folds)
    result.push_back({observer.str(), fold.factors});
  return result;
}

bool ChannelFolds::restore(ArrayRef<FoldFactors> factors) {
  if (factors.size() != folds.size())
    return false;
  for (auto [entry, known] : zip(folds, factors)) {
    Fold &fold = entry.second;
    nn::WeightOp first = fold.columns.front().front().first;
    int64_t k = cast<mlir::RankedTensorType>(first.getSourceType()).getDimSize(1);
    if (known.observer != entry.first || static_cast<int64_t>(known.factors.size()) != k ||
        !all_of(known.factors, [](float s) { return std::isnormal(s) && s > 0; }))
      return false;
    fold.factors = known.factors;
  }
  return true;
}

bool ChannelFolds::apply(nn::WeightOp weight, int64_t firstRow, int64_t k,
                         MutableArrayRef<float> values) const {
  if (!weight.getColumnFactors() && !weight.getRowDivisors())
    return false;
  if (auto columns = weight.getColumnFactors()) {
    const std::vector<float> &s = folds.find(*columns)->second.factors;
    for (size_t i = 0; i < values.size(); ++i)
      values[i] *= s[i % k];
  }
  if (auto rows = weight.getRowDivisors()) {
    const std::vector<float> &s = folds.find(*rows)->second.factors;
    Sharing shared = sharing(weight, static_cast<int64_t>(s.size()));
    std::vector<float> divisors(shared.rows);
    for (int64_t i = 0; i < shared.channels; ++i)
      divisors[shared.row(i)] = s[i];
    for (size_t i = 0; i < values.size(); ++i)
      values[i] /= divisors[firstRow + i / k];
  }
  return true;
}

Error ChannelFolds::read(nn::WeightOp weight, int64_t instance, int64_t firstRow,
                         MutableArrayRef<float> rows) const {
  if (Error error = readRows(weight, instance, files, firstRow, rows))
    return error;
  apply(weight, firstRow, cast<mlir::RankedTensorType>(weight.getSourceType()).getDimSize(1), rows);
  return Error::success();
}

ArrayRef<float> ChannelFolds::factorsOf(StringRef observer) const {
  auto found = folds.find(observer);
  return found == folds.end() ? ArrayRef<float>() : ArrayRef<float>(found->second.factors);
}

} // namespace qcc
