//===- Report.cpp - What a compilation made of a model ---------------------------------===//

#include "compiler/Report/Report.h"
#include "compiler/Emit/Artifact.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace qcc {
namespace {

/// Above this a user should know before relying on the model.
constexpr double kMostPerplexityRise = 0.10;

constexpr unsigned kColumn = 13;

nlohmann::ordered_json toJson(const Quality &q) {
  return {{"positions", q.positions},
          {"perplexity", q.perplexity},
          {"perplexity_float", q.perplexityFloat},
          {"ln_ratio", q.logRatio},
          {"ln_ratio_error", q.logRatioError},
          {"kl_divergence",
           {{"mean", q.divergence},
            {"error", q.divergenceError},
            {"median", q.divergenceMedian},
            {"percentile_99", q.divergence99},
            {"max", q.divergenceMax}}},
          {"same_top", q.sameTop},
          {"probability_change", {{"mean", q.meanDelta}, {"rms", q.rmsDelta}}}};
}

nlohmann::ordered_json toJson(const LayerError &layer) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  if (layer.hidden)
    json["hidden_state_error"] = *layer.hidden;
  for (const MatrixError &matrix : layer.matrices)
    json["output_errors"][matrix.source] = matrix.relative;
  return json;
}

/// Names of a model file need not be UTF-8; such bytes become U+FFFD.
std::string jsonText(const nlohmann::ordered_json &json) {
  return json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

/// "0.012 after the first layer, 0.084 after the last"
std::string describeLayers(ArrayRef<LayerError> layers) {
  std::string text;
  raw_string_ostream os(text);
  const LayerError *worst = nullptr;
  for (const LayerError &layer : layers)
    if (layer.hidden && (!worst || *layer.hidden > *worst->hidden))
      worst = &layer;
  if (!worst || !layers.front().hidden || !layers.back().hidden)
    return text;
  os << format("hidden states off by %.2f %% after the first layer, %.2f %% after the last",
               100 * *layers.front().hidden, 100 * *layers.back().hidden);
  if (worst != &layers.back())
    os << format(", at most %.2f %% (layer %d)", 100 * *worst->hidden, int(worst - layers.data()));
  return text;
}

} // namespace

double CompileReport::fileBits() const { return parameters ? 8.0 * fileBytes / parameters : 0; }

std::string CompileReport::summary() const {
  std::string text;
  raw_string_ostream os(text);
  if (layerBits > 0)
    os << format("bits per weight: %.3f in the layers\n", layerBits);
  if (!methods.empty())
    os << "methods: " << methods << '\n';
  if (calibration)
    os << "calibration: " << calibration->windows << " windows of " << calibration->window
       << " tokens, SHA-256 " << calibration->hash << '\n';
  if (quality) {
    SmallVector<StringRef> lines;
    std::string all = quality->lines();
    StringRef(all).split(lines, '\n', -1, /*KeepEmpty=*/false);
    for (StringRef line : lines)
      os << "held-out " << line << '\n';
  }
  return text;
}

std::string CompileReport::text() const {
  std::string text;
  raw_string_ostream os(text);
  auto line = [&](StringRef name) -> raw_ostream & { return os << left_justify(name, kColumn); };
  line("weights") << format("%.3f bits each in the layers, %.3f in the file (%.1f MB)\n", layerBits,
                            fileBits(), fileBytes / 1e6);
  line("") << join(map_range(bytes,
                             [](const NamedBytes &part) {
                               std::string size;
                               raw_string_ostream(size)
                                   << part.name << format(" %.2f MB", part.bytes / 1e6);
                               return size;
                             }),
                   ", ")
           << '\n';
  if (!methods.empty())
    line("methods") << methods << '\n';
  if (calibration)
    line("calibration") << calibration->path << ": " << calibration->windows << " windows of "
                        << calibration->window << " tokens, SHA-256 "
                        << StringRef(calibration->hash).take_front(16) << "...\n";
  if (std::string errors = describeLayers(layers); !errors.empty())
    line("layers") << errors << '\n';
  if (quality)
    line("held out") << format("perplexity %.3f (float %.3f, %+.2f %%), KL divergence %.4f +- "
                               "%.4f, same top %.1f %%\n",
                               quality->perplexity, quality->perplexityFloat,
                               100 * (quality->perplexity / quality->perplexityFloat - 1),
                               quality->divergence, quality->divergenceError,
                               100 * quality->sameTop);
  double seconds = 0;
  for (const NamedSeconds &time : times)
    seconds += time.seconds;
  line("took") << format("%.1f s, %.0f MB of memory\n", seconds, peakBytes / 1e6);
  return text;
}

nlohmann::ordered_json CompileReport::json() const {
  nlohmann::ordered_json json = {{"model", model},
                                 {"compiler", compiler},
                                 {"target", target},
                                 {"methods", methods},
                                 {"parameters", parameters},
                                 {"bits_per_weight", {{"layers", layerBits}, {"file", fileBits()}}},
                                 {"file_bytes", fileBytes}};
  for (const NamedBytes &part : bytes)
    json["bytes"][part.name] = part.bytes;
  for (const GridUse &use : grids)
    json["grids"].push_back({{"kind", use.kind},
                             {"grid", use.grid},
                             {"instances", use.instances},
                             {"elements", use.elements},
                             {"bytes", use.bytes}});
  if (calibration)
    json["calibration"] = {{"text", calibration->path},
                           {"sha256", calibration->hash},
                           {"windows", calibration->windows},
                           {"window", calibration->window},
                           {"held_out_windows", calibration->heldOut}};
  for (const LayerError &layer : layers)
    json["layers"].push_back(toJson(layer));
  if (quality)
    json["held_out"] = toJson(*quality);
  for (const std::string &warning : warnings)
    json["warnings"].push_back(warning);
  for (const NamedSeconds &time : times)
    json["seconds"][time.name] = time.seconds;
  json["peak_memory_bytes"] = peakBytes;
  return json;
}

std::vector<std::string> qualityWarnings(const Quality &quality) {
  double rise = quality.perplexity / quality.perplexityFloat - 1;
  // `rise` is not a number when something is badly wrong, so the comparison is this way round.
  if (rise <= kMostPerplexityRise)
    return {};
  std::string text;
  raw_string_ostream(text) << format("perplexity on held-out windows of the calibration text rises "
                                     "by %.1f %%; more bits (-bits), a "
                                     "choice by what each weight loses (-bits=auto), or text that "
                                     "is more like what the model will see "
                                     "(-calib) help",
                                     100 * rise);
  return {text};
}

Error writeReport(const CompileReport &report, StringRef path) {
  return writeFileAtomically(path, path.ends_with(".html") ? report.html()
                                                           : jsonText(report.json()) + "\n");
}

} // namespace qcc
