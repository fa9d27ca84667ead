//===- CalibrationText.h - Windows of tokens from a text --------------------------------===//
//
// The text of -calib is cut into windows that are spread evenly over it, so that a long text is
// sampled and not just begun. The same text gives the same windows.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_CALIBRATION_CALIBRATIONTEXT_H
#define QCC_COMPILER_CALIBRATION_CALIBRATIONTEXT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <string>
#include <vector>

namespace qcc {

struct CalibrationText {
  std::string path;
  std::string hash;             ///< SHA-256 of the file's bytes, in hex
  int64_t window = 512;         ///< tokens of a window
  std::vector<int32_t> tokens;  ///< [windows, window]
  std::vector<int32_t> heldOut; ///< [windows, window], none of them in `tokens`; may be empty
  std::vector<std::string> warnings;

  int64_t windows() const { return static_cast<int64_t>(tokens.size()) / window; }
};

/// Which windows of a text are taken.
enum class TakeWindows {
  First, ///< from the beginning, as perplexity is measured
  Spread ///< evenly over the whole text
};

/// Reads `path` as UTF-8, tokenizes it with the tokenizer blob and takes up to `windows` windows.
/// A model's begin token starts every window. `option` names the path in messages. Fails
/// (WrongUse) without a tokenizer, for an unreadable or empty file and for a text of less than one
/// window; warns about a text that is too short for `windows`, or that the tokenizer was hardly
/// made for (less than two bytes a token). `heldOut` more windows, fewer in a short text, are kept
/// apart.
llvm::Expected<CalibrationText> readText(llvm::StringRef option, llvm::StringRef path,
                                         llvm::ArrayRef<uint8_t> tokenizer, int64_t windows,
                                         int64_t window, TakeWindows take, int64_t heldOut = 0);

} // namespace qcc

#endif // QCC_COMPILER_CALIBRATION_CALIBRATIONTEXT_H
