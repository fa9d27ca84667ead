//===- HeldOut.h - Windows that calibration does not see ------------------------------===//
//
// While a model is quantized layer by layer, a few windows of the text go along twice: through
// every layer as it was, and through what replaced it. What comes out at the end says what
// quantization cost, for the price of those windows.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_REPORT_HELDOUT_H
#define QCC_COMPILER_REPORT_HELDOUT_H

#include "compiler/Calibration/CalibrationText.h"
#include "compiler/Calibration/LayerRunner.h"
#include "compiler/Report/Comparison.h"
#include <array>

namespace qcc {

class HeldOut {
public:
  HeldOut(LayerRunner &runner, const CalibrationText &text) : runner(runner), text(text) {}

  bool empty() const { return text.heldOut.empty(); }
  llvm::Error start();
  /// Runs a layer that still has its float weights.
  llvm::Error runExact(int64_t layer);
  /// Runs it with the weights that replaced them.
  llvm::Error runQuantized(int64_t layer);
  /// The hidden states as they are now: of the float layers, and of the quantized ones.
  std::array<HiddenStates *, 2> states() { return {&exact, &quantized}; }
  /// |h' - h| / |h| of the hidden states as they are now.
  double error() const;
  /// Predictions of the second half of each window, by the float model's head, as `qcc verify`
  /// scores them. Fails (BadModel) when they are not numbers.
  llvm::Expected<Comparison> compare();

private:
  llvm::Error run(int64_t layer, HiddenStates &states);

  LayerRunner &runner;
  const CalibrationText &text;
  HiddenStates exact, quantized;
};

} // namespace qcc

#endif // QCC_COMPILER_REPORT_HELDOUT_H
