//===- CalibratedWeights.cpp - Weights whose values calibration finds ------------===//

#include "dialects/NN/IR/CalibratedWeights.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

using namespace llvm;

namespace qcc::nn {

static constexpr StringLiteral kPrefix = "calibration:";

std::string symbolBeside(StringRef symbol, StringRef what) {
  return (Twine(symbol) + "." + what).str();
}

std::string calibratedSource(StringRef tensor, StringRef what) {
  return (Twine(kPrefix) + tensor + ":" + what).str();
}

std::optional<CalibratedSource> parseCalibratedSource(StringRef source) {
  if (!source.consume_front(kPrefix))
    return std::nullopt;
  auto [tensor, what] = source.rsplit(':');
  if (!is_contained({kInputScale, kOutliers, kInliers, kOutlierColumns}, what))
    return std::nullopt;
  return CalibratedSource{tensor, what};
}

} // namespace qcc::nn
