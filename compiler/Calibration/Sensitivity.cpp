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
#include <cmath>

using namespace llvm;

namespace qcc {
namespace {

/// Windows that the statistics come from: codes need not be the best for losses to be comparable.
constexpr int64_t kStatisticsWindows = 8;
/// Positions of the probed window whose predictions are compared: one of so many.
constexpr int64_t kStride = 3;

class Prober {
public:
  Prober(LayerRunner &runner, const CalibrationText &text, const Probes &probes, unsigned jobs,
         function_ref<void(int64_t, int64_t)> progress, CalibrationJournal *journal)
      : runner(runner), text(text), probes(probes), jobs(jobs), progress(progress),
        journal(journal), pool(hardware_concurrency(jobs)) {}

  Expected<std::vector<WeightSensitivity>> run() {
    if (Error error = start())
      return std::move(error);
    for (const LayerRunner::Matrix &table : runner.tables())
      if (Error error = measure(table, /*table=*/true))
        return std::move(error);
    for (int64_t layer = 0; layer < runner.layers(); ++layer) {
      std::vector<LayerRunner::Matrix> matrices = runner.matrices(layer);
      if (!all_of(matrices, [&](const LayerRunner::Matrix &m) { return known(m, probes.layers); }))
        if (Error error = observe(layer))
          return std::move(error);
      for (const LayerRunner::Matrix &matrix : matrices) {
        if (Error error = measure(matrix, /*table=*/false))
          return std::move(error);
        progress(layer, runner.layers());
      }
      if (Error error = advance(layer))
        return std::move(error);
    }
    return std::move(result);
  }

private:
  /// What the journal has of a matrix, or null.
  const std::vector<double> *known(const LayerRunner::Matrix &matrix,
                                   ArrayRef<GridChoice> grids) const {
    const std::vector<double> *losses =
        journal ? journal->losses(lossesName(matrix.source, grids)) : nullptr;
    bool good = losses && losses->size() == grids.size() &&
                all_of(*losses, [](double loss) { return std::isfinite(loss); });
    return good ? losses : nullptr;
  }

  Error measure(const LayerRunner::Matrix &matrix, bool table) {
    ArrayRef<GridChoice> grids = probes.of(table);
    WeightSensitivity &found = result.emplace_back();
    found = {matrix.source, matrix.place.symbol, matrix.n, matrix.k, table, {}};
    if (const std::vector<double> *losses = known(matrix, grids)) {
      found.loss = *losses;
      return Error::success();
    }
    std::vector<float> values = runner.read(matrix.place);
    for (const GridChoice &grid : grids)
      if (Error error = probe(matrix, values, grid, table, found.loss))
        return error;
    if (journal)
      journal->addLosses(lossesName(matrix.source, grids), found.loss);
    return runner.replace(matrix.place, 0, values);
  }

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

  /// Adds the divergence of the predictions when a matrix is on `grid`.
  Error probe(const LayerRunner::Matrix &matrix, ArrayRef<float> values, const GridChoice &grid,
              bool table, std::vector<double> &losses) {
    QuantizedMatrix rows = makeMatrix(gridScheme(grid), matrix.n, matrix.k);
    if (Error error = quantize(matrix, values, table, rows))
      return badModel(text.path, matrix.source, toString(std::move(error)));
    if (Error error = runner.replace(matrix.place, 0, dequantize(rows)))
      return error;
    HiddenStates changed = probeStream;
    if (table)
      if (Error error = runner.embed(probed, text.window, changed))
        return error;
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
    return Error::success();
  }

  /// As the compilation will: nothing is observed of what tables are multiplied with.
  Error quantize(const LayerRunner::Matrix &matrix, ArrayRef<float> values, bool table,
                 QuantizedMatrix &rows) {
    if (!table)
      return quantizeMatrix(values.data(), matrix.n, matrix.k, rows.scheme,
                            &statistics.find(matrix.observer)->second, options(), rows, nullptr,
                            &factors.find(matrix.observer)->second);
    MethodOptions plain;
    plain.scales = ScaleMethod::Mse;
    plain.threads = jobs;
    return quantizeMatrix(values.data(), matrix.n, matrix.k, rows.scheme, nullptr, plain, rows);
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
  const Probes &probes;
  unsigned jobs;
  function_ref<void(int64_t, int64_t)> progress;
  CalibrationJournal *journal;
  DefaultThreadPool pool;
  std::vector<WeightSensitivity> result;
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

std::string lossesName(StringRef source, ArrayRef<GridChoice> probes) {
  std::string name;
  raw_string_ostream os(name);
  os << source;
  for (const GridChoice &probe : probes)
    os << ' ' << probe.bits << '/' << probe.group << '/' << probe.asymmetric << '/'
       << static_cast<unsigned>(probe.kind) << '/' << probe.superScales;
  return name;
}

Expected<std::vector<WeightSensitivity>>
measureSensitivity(LayerRunner &runner, const CalibrationText &text, const Probes &probes,
                   unsigned jobs, function_ref<void(int64_t, int64_t)> progress,
                   CalibrationJournal *journal) {
  return Prober(runner, text, probes, jobs, progress, journal).run();
}

/// A non-linear grid with int8 scales, and an integer one.
static GridChoice book(unsigned bits, unsigned group) {
  return {bits, group, false, GridKind::Codebook, true};
}
static GridChoice even(unsigned bits, unsigned group, bool superScales) {
  return {bits, group, false, GridKind::Integer, superScales};
}

Probes probesFor(double bitsPerWeight) {
  Probes probes;
  probes.layers.push_back(book(4, 32));
  probes.tables = {even(6, 16, true), book(5, 16)};
  if (bitsPerWeight < kThreeBitBudget) {
    probes.layers.push_back(book(3, 32));
    probes.tables.push_back(book(4, 16));
  }
  return probes;
}

GridOptions optionsFor(double bitsPerWeight) {
  // Factors: the mean square error of normal weights in such groups with the best scale, in that of the probe.
  GridOptions options;
  options.layers = {{book(4, 32), 0, 1.0},          {book(4, 16), 0, 0.74},
                    {book(5, 32), 0, 0.232},        {book(5, 16), 0, 0.18},
                    {even(6, 32, true), 0, 0.075},  {even(8, 32, false), 0, 0.005}};
  options.tables = {
      {even(8, 32, false), 0, 0.08}, {even(6, 16, true), 0, 1.0}, {book(5, 16), 1, 1.0}};
  if (bitsPerWeight < kThreeBitBudget) {
    options.layers.push_back({book(3, 32), 1, 1.0});
    options.layers.push_back({book(3, 16), 1, 0.78});
    options.tables.push_back({book(4, 16), 2, 1.0});
  }
  return options;
}

int64_t budgetBytes(ArrayRef<WeightSensitivity> weights, double bitsPerWeight) {
  double bits = 0;
  for (const WeightSensitivity &weight : weights)
    bits += double(weight.n) * weight.k *
            (weight.table ? integerScheme(8, 32, false).bitsPerWeight(weight.k) : bitsPerWeight);
  return static_cast<int64_t>(bits / 8);
}

Expected<Recipe> chooseGrids(ArrayRef<WeightSensitivity> weights, const GridOptions &options,
                             int64_t bytes) {
  std::vector<std::vector<KnapsackOption>> items;
  for (const WeightSensitivity &weight : weights) {
    std::vector<KnapsackOption> &item = items.emplace_back();
    for (const GridOption &option : options.of(weight.table))
      item.push_back(
          {bytesOf(option.grid, weight.n, weight.k), weight.loss[option.probe] * option.factor});
  }
  Expected<KnapsackChoice> choice = solveKnapsack(items, bytes);
  if (!choice)
    return make_error<ModelError>(ExitCode::DoesNotFit,
                                  "-bits=auto: " + toString(choice.takeError()));
  Recipe recipe;
  for (auto [weight, option] : zip(weights, choice->option))
    recipe.weights[weight.source] = options.of(weight.table)[option].grid;
  return recipe;
}

std::string describe(const Recipe &recipe, ArrayRef<WeightSensitivity> weights) {
  MapVector<StringRef, std::map<double, int>> kinds;
  std::set<double> columns;
  double bytes = 0, layerBytes = 0, layerElements = 0;
  for (const WeightSensitivity &weight : weights) {
    const GridChoice &grid = recipe.weights.find(weight.source)->second;
    // "4.1" stands for 4 bits in groups of 16.
    double column = grid.bits + (grid.group == 16 ? 0.1 : 0);
    ++kinds[weight.kind][column];
    columns.insert(column);
    double own = bytesOf(grid, weight.n, weight.k);
    bytes += own;
    layerBytes += weight.table ? 0 : own;
    layerElements += weight.table ? 0 : double(weight.n) * weight.k;
  }
  std::string text;
  raw_string_ostream os(text);
  os << left_justify("matrices by bits", 24);
  for (double column : columns)
    os << right_justify(std::to_string(int(column)) + (column > int(column) ? " (g16)" : ""), 9);
  os << '\n';
  for (auto &[kind, counts] : kinds) {
    os << left_justify(kind, 24);
    for (double column : columns)
      os << format("%9d", counts[column]);
    os << '\n';
  }
  os << format("%.3f bits per weight of the layers, %.1f MB with the tables\n",
               8 * layerBytes / layerElements, bytes / 1e6);
  return text;
}

} // namespace qcc
