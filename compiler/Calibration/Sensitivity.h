//===- Sensitivity.h - What fewer bits of one matrix cost ----------------------------------===//
//
// Mixed precision needs to know which matrices can do with fewer bits. Proxies such as the error of a matrix's own
// output rank them badly, so it is measured: one matrix of one layer is quantized, the rest of the model stays
// float, and the divergence of its predictions says what that costs. Losses of different
// matrices add up well, as each is small. The tables of embeddings and outputs take part: a third of
// a small model's bytes are theirs at 8 bits, and 6 may do.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_CALIBRATION_SENSITIVITY_H
#define QCC_COMPILER_CALIBRATION_SENSITIVITY_H

#include "compiler/Calibration/CalibrationJournal.h"
#include "compiler/Calibration/CalibrationText.h"
#include "compiler/Calibration/LayerRunner.h"
#include "compiler/Calibration/Recipe.h"

namespace qcc {

/// A weight matrix of a layer, and the mean KL divergence (nats) that each probed grid alone causes.
struct WeightSensitivity {
  std::string source;
  std::string kind; ///< the symbol: the same for all layers
  int64_t n = 0, k = 0;
  bool table = false; ///< of embeddings or the output, not of a layer
  std::vector<double> loss; ///< for each probe
};

/// The grids that are tried.
struct Probes {
  std::vector<GridChoice> layers, tables;
  llvm::ArrayRef<GridChoice> of(bool table) const { return table ? tables : layers; }
};
Probes probesFor(double bitsPerWeight);

/// What a journal calls the losses of a weight with these probes.
std::string lossesName(llvm::StringRef source, llvm::ArrayRef<GridChoice> probes);

/// Measures the tables and all observed matrices on the last window of the text; the others tell the statistics that
/// choose codes. Takes a run of half the model for each matrix and probe: `progress` is told.
/// What is in `journal`, if there is one, is not measured again.
llvm::Expected<std::vector<WeightSensitivity>>
measureSensitivity(LayerRunner &runner, const CalibrationText &text, const Probes &probes,
                   unsigned jobs,
                   llvm::function_ref<void(int64_t done, int64_t total)> progress,
                   CalibrationJournal *journal = nullptr);

/// The grids that -bits=auto chooses from, and how much of the loss of a probe each is expected to cause.
struct GridOption {
  GridChoice grid;
  size_t probe;
  double factor;
};

/// What is offered for a budget in bits for each weight, and what is probed for that.
struct GridOptions {
  std::vector<GridOption> layers, tables;
  llvm::ArrayRef<GridOption> of(bool table) const { return table ? tables : layers; }
};
GridOptions optionsFor(double bitsPerWeight);

/// The bytes of a budget: so many bits for each weight of the layers, and 8.5 for those of tables.
int64_t budgetBytes(llvm::ArrayRef<WeightSensitivity> weights, double bitsPerWeight);

/// The recipe with the least loss within `bytes` for all measured matrices together. Fails (DoesNotFit)
/// when there is none.
llvm::Expected<Recipe> chooseGrids(llvm::ArrayRef<WeightSensitivity> weights,
                                   const GridOptions &options, int64_t bytes);

/// A table of the choice: kinds of weights by grids, and what it takes.
std::string describe(const Recipe &recipe, llvm::ArrayRef<WeightSensitivity> weights);

} // namespace qcc

#endif // QCC_COMPILER_CALIBRATION_SENSITIVITY_H
