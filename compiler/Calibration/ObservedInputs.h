//===- ObservedInputs.h - What a step of calibration saw, and what it decides --------------===//
//
// Calibration goes by steps: the observers of a layer, or as many as there is memory for. Runs of the
// float model add to their statistics, which then decide codes and scales of all weights behind them.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_CALIBRATION_OBSERVEDINPUTS_H
#define QCC_COMPILER_CALIBRATION_OBSERVEDINPUTS_H

#include "compiler/Calibration/StatisticsCollector.h"
#include "compiler/Methods/Hessian.h"
#include "dialects/NN/IR/NN.h"
#include "dialects/QuantExt/Codec/Matrix.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace qcc {

class ObservedInputs {
public:
  explicit ObservedInputs(unsigned jobs);

  /// Finds out which observers' weights ask for Hessians; `module` is what is being compiled.
  void find(mlir::ModuleOp module);
  bool needsHessian(llvm::StringRef observer) const { return hessians.contains(observer); }

  /// Forgets all statistics. Then an observer of the next step, with its number of channels.
  void clear();
  void watch(llvm::StringRef observer, int64_t channels);

  /// Adds x[rows, channels] to an observer that is watched; x may change after wait().
  void add(llvm::StringRef observer, const float *x, int64_t rows);
  void wait() { pool.wait(); }

  /// Ends the step. Fails (BadModel) for values that are not finite; `where` is put before the observer's name.
  llvm::Error finish(const llvm::Twine &where);
  const llvm::StringMap<InputStatistics> &statistics() const { return found; }

  /// Quantizes values[rows.n, rows.k] to rows.scheme by the weight's method; without `observed` by what needs no
  /// data.
  llvm::Error quantize(nn::WeightOp weight, bool observed, llvm::ArrayRef<float> values,
                       QuantizedMatrix &rows);

private:
  unsigned jobs;
  llvm::DefaultThreadPool pool;
  llvm::StringSet<> hessians;
  llvm::StringMap<StatisticsCollector> collectors;
  llvm::StringMap<InputStatistics> found;
  llvm::StringMap<HessianFactor> factors; ///< made when first needed
};

} // namespace qcc

#endif // QCC_COMPILER_CALIBRATION_OBSERVEDINPUTS_H
