//===- Resume.h - Going on after an interrupted calibration -----------------------------===//
//
// What the driver has to do with the journal of a calibration: the key, where the file lies, what
// the user is told, and whether it stays when the compilation is over.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_RESUME_H
#define QCC_COMPILER_RESUME_H

#include "compiler/Calibration/CalibrationJournal.h"
#include "compiler/Calibration/CalibrationText.h"
#include "compiler/Calibration/LayerRunner.h"
#include "compiler/Calibration/Sensitivity.h"
#include "compiler/Calibration/TensorSamples.h"
#include "compiler/Driver.h"

namespace qcc {

class Resume {
public:
  explicit Resume(const CompileRequest &request) : request(request) {}

  /// After Import, before the module changes.
  void imported(mlir::ModuleOp module);

  /// Opens the journal of a language model or a tensor model, which lies beside `output`; an empty
  /// one is not written. `files` is all that weights are read from. Errors of
  /// CalibrationJournal::open.
  llvm::Error open(llvm::StringRef output, const WeightFiles &files, const CalibrationText &text);
  llvm::Error open(llvm::StringRef output, const WeightFiles &files,
                   llvm::ArrayRef<TensorSample> samples);

  /// Null when there is none.
  CalibrationJournal *journal() const { return opened.get(); }

  /// Tells the user how much is known already: of matrices that -bits=auto measures, and of layers
  /// or steps.
  void announceMatrices(const LayerRunner &runner, const Probes &probes) const;
  void announceSteps(llvm::StringRef kind, int64_t total) const;

  /// The compilation ends with `result`, which is returned. The journal goes with what it was kept
  /// for, and stays where the same command could still make use of it.
  llvm::Error finish(llvm::Error result);

private:
  llvm::Error open(llvm::StringRef output, const WeightFiles &files);
  void announce(llvm::StringRef kind, int64_t done, int64_t total) const;

  const CompileRequest &request;
  CalibrationKeyBuilder key;
  std::unique_ptr<CalibrationJournal> opened;
};

} // namespace qcc

#endif // QCC_COMPILER_RESUME_H
