//===- Progress.h - What a long compilation shows -----------------------------------===//
#ifndef QCC_COMPILER_PROGRESS_H
#define QCC_COMPILER_PROGRESS_H

#include "llvm/ADT/StringRef.h"
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace qcc {

/// One line a step on stderr, with its time; a bar that is redrawn in place on a terminal.
class Progress {
public:
  explicit Progress(bool quiet) : quiet(quiet) {}

  /// Starts a step; ends the one before.
  void step(llvm::StringRef name);
  /// How far the step is.
  void update(uint64_t done, uint64_t total);
  /// Ends the last step.
  void finish();
  /// How long each step that ended took, in seconds.
  const std::vector<std::pair<std::string, double>> &times() const { return ended; }

private:
  void line(bool final);

  bool quiet;
  std::string name;
  std::vector<std::pair<std::string, double>> ended;
  uint64_t done = 0, total = 0;
  std::chrono::steady_clock::time_point start, drawn;
};

} // namespace qcc

#endif // QCC_COMPILER_PROGRESS_H
