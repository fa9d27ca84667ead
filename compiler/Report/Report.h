//===- Report.h - What a compilation made of a model -----------------------------------===//
//
// Sizes, grids, errors, quality, time and memory, gathered while compiling. It is shown as text,
// written as JSON or HTML (-report=FILE), and its summary is part of the artifact.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_REPORT_REPORT_H
#define QCC_COMPILER_REPORT_REPORT_H

#include "compiler/Report/Comparison.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <nlohmann/json.hpp>
#include <optional>

namespace qcc {

/// Weights of one kind ("layer.q") that are held on one grid.
struct GridUse {
  std::string kind, grid;
  int64_t instances = 0;
  int64_t elements = 0;
  uint64_t bytes = 0;
};

struct NamedBytes {
  std::string name;
  uint64_t bytes = 0;
};

struct NamedSeconds {
  std::string name;
  double seconds = 0;
};

/// Of one matrix, on the calibration text: |(W - Q) x| / |W x|, root mean square.
struct MatrixError {
  std::string source;
  double relative = 0;
};

struct LayerError {
  /// |h' - h| / |h| over the held-out windows, of the hidden states after the layer: h of the float
  /// model, h' when this layer and all before it are quantized. Nothing without held-out windows.
  std::optional<double> hidden;
  std::vector<MatrixError> matrices; ///< empty unless -report was asked for
};

/// The text that a model was calibrated on.
struct CalibrationSummary {
  std::string path, hash; ///< SHA-256 in hex
  int64_t windows = 0, window = 0, heldOut = 0;
};

struct CompileReport {
  std::string model, compiler, target;
  std::string methods; ///< of the layers' matrices: "importance+gptq", or several with ", "

  std::vector<GridUse> grids;    ///< of matrices
  std::vector<NamedBytes> bytes; ///< by kind of tensor, then tokenizer and program
  int64_t parameters = 0;        ///< of the whole model
  double layerBits = 0;          ///< bits for each weight of the layers' matrices, scales included
  uint64_t fileBytes = 0;        ///< of the artifact

  std::optional<CalibrationSummary> calibration;
  std::vector<LayerError> layers;
  /// Of the held-out windows: the layers' weights are quantized, all else is float.
  std::optional<Quality> quality;
  std::vector<float> divergences; ///< KL divergence (nats) at each of the positions
  std::vector<std::string> warnings;

  std::vector<NamedSeconds> times;
  uint64_t peakBytes = 0; ///< of this process's memory

  /// Bits of the file for each parameter.
  double fileBits() const;
  /// "key: value" lines for `info`: only what the same input gives again (no paths, no times).
  std::string summary() const;
  /// A screenful.
  std::string text() const;
  nlohmann::ordered_json json() const;
  /// One page with its plots in it.
  std::string html() const;
};

/// What the user should do something about: a held-out perplexity that rose too far.
std::vector<std::string> qualityWarnings(const Quality &quality);

/// Writes HTML when `path` ends in .html, else JSON.
llvm::Error writeReport(const CompileReport &report, llvm::StringRef path);

} // namespace qcc

#endif // QCC_COMPILER_REPORT_REPORT_H
