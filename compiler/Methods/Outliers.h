//===- Outliers.h - Which input channels stay in float ---------------------===//
//
// LLM.int8 (Dettmers et al. 2022, section 3.2) keeps the input channels in float whose magnitude
// exceeds a threshold, so that the int8 scale of a token fits the others. Static scales are made
// for the largest value that calibration saw, so for them it is the channels that raise the scales
// most.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_METHODS_OUTLIERS_H
#define QCC_COMPILER_METHODS_OUTLIERS_H

#include "llvm/ADT/ArrayRef.h"
#include <cstdint>
#include <vector>

namespace qcc {

/// The paper's threshold.
inline constexpr float kOutlierThreshold = 6;

/// The channels whose largest magnitude absMax[K] is at least `threshold`, at most `count`: the
/// largest of them, of equal ones the first. In ascending order.
std::vector<int32_t> outliersAbove(llvm::ArrayRef<float> absMax, int64_t count, float threshold);

/// For scales that `group` consecutive channels share: up to `count` channels whose absence lowers
/// the sum of squares of the groups' scales (times their lengths; what rounding to them adds goes
/// by it) most. The largest m channels of a group are taken together where that saves most for
/// each. Channels whose absence saves nothing are not taken. In ascending order.
std::vector<int32_t> outliersOfGroups(llvm::ArrayRef<float> absMax, int64_t count, int64_t group);

} // namespace qcc

#endif // QCC_COMPILER_METHODS_OUTLIERS_H
