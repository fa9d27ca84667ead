//===- ChannelFolds.h - The factors that qcc-fold-scales asks for ----------------------------===//
//
// For one layer at a time: chooses the factors of each fold from what its observer saw and the
// weights it feeds, and multiplies them into rows and columns as they are read.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_CALIBRATION_CHANNELFOLDS_H
#define QCC_COMPILER_CALIBRATION_CHANNELFOLDS_H

#include "compiler/Calibration/LayerRunner.h"
#include "compiler/Calibration/StepRecord.h"
#include "compiler/Methods/Awq.h"
#include "compiler/Weights/WeightSource.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"

namespace qcc {

class ChannelFolds {
public:
  ChannelFolds(const WeightFiles &files, unsigned jobs) : files(files), jobs(jobs) {}

  /// Finds the folds of a module (after the Pack stage); `runner` knows which layer a weight is of.
  void find(mlir::ModuleOp module, const LayerRunner &runner);

  /// Chooses the factors of all folds of a layer. `statistics`, by observer, are of the float
  /// model; those of folded inputs become what the divided inputs are like. Errors of the file, and
  /// of statistics that cannot be used.
  llvm::Error choose(int64_t layer, llvm::StringMap<InputStatistics> &statistics);

  /// The factors of all folds as they were chosen, and the same backwards: false when they are not
  /// of these folds, or make no sense.
  std::vector<FoldFactors> factors() const;
  bool restore(llvm::ArrayRef<FoldFactors> factors);

  /// Multiplies factors of the chosen layer into rows firstRow .. of a weight, values[rows, k]
  /// (vectors have k = 1). False when the weight has none.
  bool apply(nn::WeightOp weight, int64_t firstRow, int64_t k,
             llvm::MutableArrayRef<float> values) const;

  /// Rows firstRow .. of a weight's instance from the file, with such factors: as many as `rows`
  /// [count, K] has.
  llvm::Error read(nn::WeightOp weight, int64_t instance, int64_t firstRow,
                   llvm::MutableArrayRef<float> rows) const;

  /// The factors [K] of an observer's channels in the chosen layer; empty without a fold.
  llvm::ArrayRef<float> factorsOf(llvm::StringRef observer) const;

private:
  struct Fold {
    /// By layer: weights and their instances, whose columns are multiplied.
    std::vector<std::vector<std::pair<nn::WeightOp, int64_t>>> columns;
    nn::WeightOp rows;            ///< whose rows are divided
    int64_t activationScales = 0; ///< static ones of the input; 0: scaled while running
    std::vector<float> factors;   ///< [K], of the layer at hand
  };
  llvm::Expected<std::vector<float>> search(const Fold &fold, int64_t layer,
                                            const InputStatistics &statistics) const;

  const WeightFiles files;
  unsigned jobs;
  llvm::MapVector<llvm::StringRef, Fold> folds; ///< by observer
};

} // namespace qcc

#endif // QCC_COMPILER_CALIBRATION_CHANNELFOLDS_H
