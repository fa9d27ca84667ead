//===- Sensitivity.cpp - What fewer bits of one matrix cost --------------------------------===//

#include "compiler/Calibration/Sensitivity.h"
#include "compiler/Calibration/StatisticsCollector.h"
#include "compiler/Methods/Hessian.h"
#include "compiler/Methods/Knapsack.h"
#include "compiler/Methods/Methods.h"
#include "compiler/Report/Comparison.h"
#include "dialects/QuantExt/Codec/Reference.h"
#include "frontends/Common/Error.h"
#include "llvm/Support/Format.h"

using namespace llvm;

namespace qcc {
namespace {

/// Windows that the statistics come from: codes need not be the best for losses to be comparable.
constexpr int64_t kStatisticsWindows = 8;
/// Positions of the probed window whose predictions are compared: one of so many.
constexpr int64_t kStride = 3;

class Prober {
public:
  Prober(LayerRunner &runner, const CalibrationText &text, ArrayRef<GridChoice> probes,
         unsigned jobs, function_ref<void(int64_t, int64_t)> progress)
      : runner(runner), text(text), probes(probes), jobs(jobs), progress(progress),
        pool(hardware_concurrency(jobs)) {}

  Expected<std::vector<WeightSensitivity>> run() {
    if (Error error = start())
      return std::move(error);
    std::vector<WeightSensitivity> result;
    for (int64_t layer = 0; layer < runner.layers(); ++layer) {
      if (Error error = observe(layer))
        return std::move(error);
      for (const LayerRunner::Matrix &matrix : runner.matrices(layer)) {
        WeightSensitivity found{matrix.source, matrix.place.symbol, matrix.n, matrix.k, {}};
        if (Error error = probe(matrix, found.loss))
          return std::move(error);
        result.push_back(std::move(found));
        progress(layer, runner.layers());
      }
      if (Error error = advance(layer))
        return std::move(error);
    }
    return result;
  }

private:
  Error start() {
    int64_t windows = std::min(text.windows() - 1, kStatisticsWindows);
    if (windows < 1)
      return wrongUse("-calib=" + text.path,
                      "has one window of text; -bits=auto needs two or more: name a longer text");
    ArrayRef<int32_t> tokens(text.tokens);
    if (Error error =
            runner.embed(tokens.take_front(windows * text.window), text.window, statisticsStream))
      return error;
    probed = tokens.take_back(text.window);
    if (Error error = runner.embed(probed, text.window, probeStream))
      return error;
    HiddenStates last = probeStream;
    if (Error error = runner.run(0, runner.layers(), last, 0, &last, nullptr))
      return error;
    return logitsOf(last, exact);
  }

  /// Logits at the compared positions, [positions, vocabulary].
  Error logitsOf(const HiddenStates &hidden, std::vector<float> &logits) {
    std::vector<float> rows;
    for (int64_t at = 0; at + 1 < text.window; at += kStride)
      rows.insert(rows.end(), hidden.of(0) + at * hidden.width, hidden.of(0) + (at + 1) * hidden.width);
    int64_t count = static_cast<int64_t>(rows.size()) / hidden.width;
    logits.resize(count * runner.vocabulary());
    for (int64_t at = 0; at < count; at += LayerRunner::kHeadRows)
      if (Error error = runner.head(rows.data() + at * hidden.width,
                                    std::min(LayerRunner::kHeadRows, count - at),
                                    logits.data() + at * runner.vocabulary()))
        return error;
    return Error::success();
  }

  Error observe(int64_t layer) {
    StringMap<StatisticsCollector> collectors;
    for (const auto &observer : runner.observers())
      collectors.try_emplace(observer.getKey(), observer.getValue(), /*hessian=*/true);
    for (int64_t w = 0; w < statisticsStream.windows; ++w) {
      Error error = runner.run(layer, layer + 1, statisticsStream, w, nullptr,
                               [&](StringRef observer, const float *x, int64_t rows) {
                                 collectors.find(observer)->second.add(x, rows, pool);
                               });
      pool.wait();
      if (error)
        return error;
    }
    statistics.clear();
    factors.clear();
    for (auto &collector : collectors) {
      InputStatistics &found = statistics[collector.getKey()] = collector.second.finish();
      Expected<HessianFactor> factor = HessianFactor::make(found, options().damping, true);
      if (!factor)
        return factor.takeError();
      factors.try_emplace(collector.getKey(), std::move(*factor));
    }
    return Error::success();
  }

  Error probe(const LayerRunner::Matrix &matrix, std::vector<double> &losses) {
    std::vector<float> values = runner.read(matrix.place);
    for (const GridChoice &grid : probes) {
      QuantizedMatrix rows = makeMatrix(gridScheme(grid), matrix.n, matrix.k);
      if (Error error =
              quantizeMatrix(values.data(), matrix.n, matrix.k, rows.scheme,
                             &statistics.find(matrix.observer)->second, options(), rows, nullptr,
                             &factors.find(matrix.observer)->second))
        return badModel(text.path, matrix.source, toString(std::move(error)));
      if (Error error = runner.replace(matrix.place, 0, dequantize(rows)))
        return error;
      HiddenStates changed = probeStream;
      if (Error error =
              runner.run(matrix.place.layer, runner.layers(), changed, 0, &changed, nullptr))
        return error;
      std::vector<float> logits;
      if (Error error = logitsOf(changed, logits))
        return error;
      Comparison comparison;
      for (size_t row = 0; row * runner.vocabulary() < logits.size(); ++row)
        if (!comparison.add(exact.data() + row * runner.vocabulary(),
                            logits.data() + row * runner.vocabulary(), runner.vocabulary(),
                            probed[row * kStride + 1]))
          return badModel(text.path, matrix.source, "logits are not numbers once it is quantized");
      losses.push_back(comparison.finish().divergence);
    }
    return runner.replace(matrix.place, 0, values);
  }

  Error advance(int64_t layer) {
    for (HiddenStates *stream : {&statisticsStream, &probeStream})
      for (int64_t w = 0; w < stream->windows; ++w)
        if (Error error = runner.run(layer, layer + 1, *stream, w, stream, nullptr))
          return error;
    return Error::success();
  }

  MethodOptions options() const {
    MethodOptions options;
    options.scales = ScaleMethod::Importance;
    options.gptq = true;
    options.damping = 0.03;
    options.threads = jobs;
    return options;
  }

  LayerRunner &runner;
  const CalibrationText &text;
  ArrayRef<GridChoice> probes;
  unsigned jobs;
  function_ref<void(int64_t, int64_t)> progress;
  DefaultThreadPool pool;
  HiddenStates statisticsStream, probeStream;
  ArrayRef<int32_t> probed;
  std::vector<float> exact;
  StringMap<InputStatistics> statistics;
  StringMap<HessianFactor> factors;
};

int64_t bytesOf(const GridChoice &grid, int64_t n, int64_t k) {
  return static_cast<int64_t>(n * k * gridScheme(grid).bitsPerWeight(k) / 8);
}

/// Below this budget some matrices must do with 3 bits, which is measured and not extrapolated.
constexpr double kThreeBitBudget = 4.2;

} // namespace

Expected<std::vector<WeightSensitivity>>
measureSensitivity(LayerRunner &runner, const CalibrationText &text, ArrayRef<GridChoice> probes,
                   unsigned jobs, function_ref<void(int64_t, int64_t)> progress) {
  return Prober(runner, text, probes, jobs, progress).run();
}

std::vector<GridChoice> probesFor(double bitsPerWeight) {
  GridChoice four{4, 32, false, GridKind::Codebook, true}, three{3, 32, false, GridKind::Codebook, true};
  if (bitsPerWeight < kThreeBitBudget)
    return {four, three};
  return {four};
}

std::vector<GridOption> optionsFor(double bitsPerWeight) {
  // Factors: the mean square error of normal weights in such groups with the best scale, in that of the probe.
  std::vector<GridOption> options = {{{4, 32, false, GridKind::Codebook, true}, 0, 1.0},
                                     {{4, 16, false, GridKind::Codebook, true}, 0, 0.74},
                                     {{5, 32, false, GridKind::Codebook, true}, 0, 0.232},
                                     {{6, 32, false, GridKind::Integer, true}, 0, 0.075},
                                     {{8, 32, false, GridKind::Integer, false}, 0, 0.005}};
  if (bitsPerWeight < kThreeBitBudget) {
    options.push_back({{3, 32, false, GridKind::Codebook, true}, 1, 1.0});
    options.push_back({{3, 16, false, GridKind::Codebook, true}, 1, 0.78});
  }
  return options;
}

Expected<Recipe> chooseGrids(ArrayRef<WeightSensitivity> weights, ArrayRef<GridOption> options,
                             int64_t bytes) {
  std::vector<std::vector<KnapsackOption>> items;
  for (const WeightSensitivity &weight : weights) {
    std::vector<KnapsackOption> &item = items.emplace_back();
    for (const GridOption &option : options)
      item.push_back(
          {bytesOf(option.grid, weight.n, weight.k), weight.loss[option.probe] * option.factor});
  }
  Expected<KnapsackChoice> choice = solveKnapsack(items, bytes);
  if (!choice)
    return make_error<ModelError>(ExitCode::DoesNotFit,
                                  "-bits=auto: " + toString(choice.takeError()));
  Recipe recipe;
  for (auto [weight, option] : zip(weights, choice->option))
    recipe.weights[weight.source] = options[option].grid;
  return recipe;
}

std::string describe(const Recipe &recipe, ArrayRef<WeightSensitivity> weights) {
  MapVector<StringRef, std::map<double, int>> kinds;
  std::set<double> columns;
  double bytes = 0, elements = 0;
  for (const WeightSensitivity &weight : weights) {
    const GridChoice &grid = recipe.weights.find(weight.source)->second;
    // "4.1" stands for 4 bits in groups of 16.
    double column = grid.bits + (grid.group == 16 ? 0.1 : 0);
    ++kinds[weight.kind][column];
    columns.insert(column);
    bytes += bytesOf(grid, weight.n, weight.k);
    elements += double(weight.n) * weight.k;
  }
  std::string text;
  raw_string_ostream os(text);
  os << left_justify("layers by bits", 24);
  for (double column : columns)
    os << right_justify(std::to_string(int(column)) + (column > int(column) ? " (g16)" : ""), 9);
  os << '\n';
  for (auto &[kind, counts] : kinds) {
    os << left_justify(kind, 24);
    for (double column : columns)
      os << format("%9d", counts[column]);
    os << '\n';
  }
  os << format("%.3f bits per weight, %.1f MB\n", 8 * bytes / elements, bytes / 1e6);
  return text;
}

} // namespace qcc
