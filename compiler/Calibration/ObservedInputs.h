//===- ObservedInputs.h - What a step of calibration saw, and what it decides --------------===//
//
// Calibration goes by steps: the observers of a layer, or as many as there is memory for. Runs of
// the float model add to their statistics, which then decide codes and scales of all weights behind
// them.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_CALIBRATION_OBSERVEDINPUTS_H
#define QCC_COMPILER_CALIBRATION_OBSERVEDINPUTS_H

#include "compiler/Calibration/StatisticsCollector.h"
#include "compiler/Methods/Hessian.h"
#include "compiler/Methods/Target.h"
#include "dialects/NN/IR/NN.h"
#include "dialects/QuantExt/Codec/Matrix.h"
#include "frontends/Common/TensorStorage.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace qcc {

class ObservedInputs {
public:
  explicit ObservedInputs(unsigned jobs);

  /// Finds out what the weights of each observer ask for; `module` is what is being compiled.
  void find(mlir::ModuleOp module);
  bool needsHessian(llvm::StringRef observer) const { return hessians.contains(observer); }
  /// Whether addCross is wanted, as a weight's method is gptaq.
  bool isAsymmetric() const { return asymmetric; }

  /// Forgets all statistics. Then an observer of the next step, with its number of channels.
  void clear();
  void watch(llvm::StringRef observer, int64_t channels);

  /// Adds x[rows, channels] to an observer that is watched, and `exact`, unless it is null: the
  /// same rows as the float model has them. They may change after wait().
  void add(llvm::StringRef observer, const float *exact, const float *x, int64_t rows);
  void wait() { pool.wait(); }

  /// Ends the step. Fails (BadModel) for values that are not finite; `where` is put before the
  /// observer's name.
  llvm::Error finish(const llvm::Twine &where);
  llvm::StringMap<InputStatistics> &statistics() { return found; }
  /// The inputs of an observer are divided by `divisors`, [channels], from now on. (Its statistics
  /// were changed by who chose them.)
  void divide(llvm::StringRef observer, llvm::ArrayRef<float> divisors);

  /// Chooses the channels that stay in float (llm.int8). From now on statistics are of the others:
  /// those of the chosen ones are zero.
  void keepOutliers();
  /// Takes the chosen channels of the weights that `isOfStep` accepts from what an earlier run
  /// added to `table`. False when what is there cannot be.
  bool restoreOutliers(const TensorTable &table,
                       llvm::function_ref<bool(nn::WeightOp weight, int64_t instance)> isOfStep);
  /// The chosen channels, ascending.
  llvm::ArrayRef<int32_t> outliersOf(llvm::StringRef observer) const;

  /// Adds what recipes take from calibration: static scales of what the weights that `isOfStep`
  /// accepts are multiplied with, its outliers, and the columns that meet them. `read` gives rows
  /// first .. of a weight, as they are before they are quantized.
  using RowReader = llvm::function_ref<llvm::Error(nn::WeightOp weight, int64_t instance,
                                                   int64_t first, llvm::MutableArrayRef<float>)>;
  llvm::Error
  addCalibratedTensors(TensorTable &table,
                       llvm::function_ref<bool(nn::WeightOp weight, int64_t instance)> isOfStep,
                       RowReader read) const;

  /// Quantizes values[rows.n, rows.k] to rows.scheme by the weight's method; without `observed` by
  /// what needs no data. Columns that are kept in float become zeros.
  llvm::Error quantize(nn::WeightOp weight, bool observed, llvm::ArrayRef<float> values,
                       QuantizedMatrix &rows);
  /// What the program multiplies its inputs with: `rows` dequantized, and the columns of `values`
  /// that are kept in float.
  std::vector<float> effective(nn::WeightOp weight, llvm::ArrayRef<float> values,
                               const QuantizedMatrix &rows) const;

private:
  unsigned jobs;
  llvm::DefaultThreadPool pool;
  llvm::StringSet<> hessians; ///< observers whose weights need one
  bool asymmetric = false;
  void addScales(TensorTable &table, llvm::StringRef tensor, nn::WeightOp scales,
                 llvm::ArrayRef<float> absMax) const;
  llvm::Error addColumns(TensorTable &table, nn::WeightOp weight, int64_t instance,
                         nn::WeightOp columns, RowReader read) const;

  /// A weight beside which others are that calibration fills, or null.
  struct Calibrated {
    nn::WeightOp weight, scales, outliers, inliers, columns;
  };
  std::vector<Calibrated> calibrated;
  /// Of an observer whose weights keep outliers: for how many there is room, and how many channels
  /// share a static scale (0: scales are chosen while running).
  struct Room {
    int64_t slots = 0, group = 0;
  };
  llvm::StringMap<Room> rooms;
  llvm::StringMap<std::vector<int32_t>> outliers; ///< of the step
  llvm::StringMap<StatisticsCollector> collectors;
  llvm::StringMap<InputStatistics> found;
  llvm::StringMap<TargetStatistics> targets;
  llvm::StringMap<HessianFactor> factors; ///< made when first needed
};

} // namespace qcc

#endif // QCC_COMPILER_CALIBRATION_OBSERVEDINPUTS_H
