//===- ResumableSteps.h - Steps that are remembered, and taken from memory -----------------===//
//
// Stands between what quantizes by steps and the journal: collects what a step decides and appends
// it, or hands out what a step decided the last time, after comparing it with the module.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_CALIBRATION_RESUMABLESTEPS_H
#define QCC_COMPILER_CALIBRATION_RESUMABLESTEPS_H

#include "compiler/Calibration/CalibrationJournal.h"
#include "dialects/QuantExt/Codec/Matrix.h"

namespace qcc {

class ResumableSteps {
public:
  /// Without a journal nothing is remembered. `tensors` is what steps add calibrated tensors to.
  ResumableSteps(CalibrationJournal *journal, TensorTable &tensors)
      : journal(journal), tensors(tensors) {}

  /// Before anything else; `module` is what is being compiled.
  void start(mlir::ModuleOp module);

  /// Starts a step. When it is replayed its tensors are in the table after; the rest of record() is
  /// the caller's. Fails (BadModel) when they do not fit the module.
  llvm::Error begin(int64_t step);
  bool replaying() const { return isReplay; }
  /// What the step decided, or is filled with that.
  StepRecord &record() { return current; }

  /// Rows firstRow .. of a weight as the step that is replayed has them, to rows.scheme. They are
  /// asked for in the same order as they were quantized. Fails (BadModel) when they do not fit.
  llvm::Error replay(nn::WeightOp weight, int64_t instance, int64_t firstRow,
                     QuantizedMatrix &rows);
  /// Remembers such rows.
  void keep(nn::WeightOp weight, int64_t instance, int64_t firstRow, const QuantizedMatrix &rows);

  /// Ends the step; it is on the disk after. `states` is what the next one goes on with.
  void end(llvm::ArrayRef<llvm::ArrayRef<float>> states = {});

  /// Makes `states` those that were kept with the last step there is, and returns the number of the
  /// next one; 0 when they are not known, and nothing can be said then of what `states` are.
  int64_t restore(llvm::ArrayRef<llvm::MutableArrayRef<float>> states) const;

  /// Of a record that does not fit the model.
  llvm::Error misfit(const llvm::Twine &what) const;

private:
  llvm::Error addTensors();

  CalibrationJournal *journal;
  TensorTable &tensors;
  llvm::StringMap<mlir::RankedTensorType> asked; ///< calibrated tensors of the module
  StepRecord current;
  bool isReplay = false;
  size_t tensorsBefore = 0, nextRows = 0;
};

} // namespace qcc

#endif // QCC_COMPILER_CALIBRATION_RESUMABLESTEPS_H
