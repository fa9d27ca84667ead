//===- Progress.cpp - What a long compilation shows ----------------------------------===//

#include "compiler/Progress.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace qcc {

void Progress::step(StringRef next) {
  finish();
  name = next.str();
  done = total = 0;
  start = drawn = std::chrono::steady_clock::now();
  if (!quiet && errs().is_displayed())
    line(/*final=*/false);
}

void Progress::update(uint64_t newDone, uint64_t newTotal) {
  done = newDone;
  total = newTotal;
  auto now = std::chrono::steady_clock::now();
  if (quiet || !errs().is_displayed() || now - drawn < std::chrono::milliseconds(50))
    return;
  drawn = now;
  line(/*final=*/false);
}

void Progress::finish() {
  if (name.empty())
    return;
  if (!quiet)
    line(/*final=*/true);
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  ended.emplace_back(std::move(name), seconds.count());
  name.clear();
}

void Progress::line(bool final) {
  constexpr int width = 24;
  bool terminal = errs().is_displayed();
  if (terminal)
    errs() << "\r\033[K";
  errs() << left_justify(name, 12);
  if (total != 0) {
    int full = width * done / total;
    if (terminal)
      errs() << " [" << std::string(full, '#') << std::string(width - full, '.') << "]";
    errs() << format(" %7.1f MB", total / 1e6);
  }
  if (final) {
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    errs() << format(" %6.2f s", seconds.count());
  }
  if (final || !terminal)
    errs() << '\n';
}

} // namespace qcc
