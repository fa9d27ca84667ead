//===- StepRecord.h - What calibration decided in one step ---------------------------------===//
//
// All that the next steps, the artifact and the report need of a finished layer (of a tensor model:
// of a step), so that nothing has to be measured again. As bytes, it is part of a journal.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_CALIBRATION_STEPRECORD_H
#define QCC_COMPILER_CALIBRATION_STEPRECORD_H

#include "compiler/Report/Report.h"
#include "frontends/Common/TensorStorage.h"
#include "llvm/Support/raw_ostream.h"
#include <optional>

namespace qcc {

/// Some rows of a quantized weight, packed as in the artifact (Layout.h).
struct PackedRows {
  std::string symbol;
  int64_t instance = 0, firstRow = 0, count = 0;
  std::vector<std::vector<uint8_t>> components;
};

/// The factors [K] of a fold's channels, by observer.
struct FoldFactors {
  std::string observer;
  std::vector<float> factors;
};

struct StepRecord {
  int64_t step = 0;
  std::vector<FoldFactors> folds;
  std::vector<SourceTensor> tensors; ///< that recipes read, as static scales of activations
  std::vector<PackedRows> rows;      ///< in the order they were asked for
  // For the report:
  int64_t tokens = 0, mostChannels = 0, deadChannels = 0;
  std::string firstDead;
  std::optional<double> hidden; ///< error of the hidden states of held-out windows
  std::vector<MatrixError> errors;
};

void writeStep(const StepRecord &record, llvm::raw_ostream &os);

/// Nothing when `bytes` are no record. Sizes of factors, tensors and rows are as found: who takes
/// them over compares them with the module. Tensors hold what their type and shape ask for.
std::optional<StepRecord> parseStep(llvm::ArrayRef<uint8_t> bytes);

} // namespace qcc

#endif // QCC_COMPILER_CALIBRATION_STEPRECORD_H
