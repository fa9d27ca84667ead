//===- Knapsack.h - The best option for each item within a budget ----------===//
//
// Mixed precision: every weight (item) can be held in several ways (options), each with its bytes
// and the loss it costs; the sum of bytes is bounded, the sum of losses wanted small. This is the
// multiple-choice knapsack problem.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_METHODS_KNAPSACK_H
#define QCC_COMPILER_METHODS_KNAPSACK_H

#include "llvm/Support/Error.h"

#include <cstdint>
#include <vector>

namespace qcc {

/// One way to hold an item.
struct KnapsackOption {
  int64_t bytes = 0; ///< not negative
  double loss = 0;   ///< finite
};

/// What was chosen.
struct KnapsackChoice {
  std::vector<size_t> option; ///< for each item, the index of its option
  int64_t bytes = 0;          ///< their sum
  double loss = 0;            ///< their sum
};

/// One option for each item, with bytes in sum at most `budget` and little loss in sum. First along
/// the lower convex hulls of (bytes, loss), steepest step first (the optimum of the linear
/// relaxation, less the one step that no longer fits: Sinha and Zoltners 1979), then exchanges of
/// one or two items while they lower the loss. Ties go to fewer bytes, then to the smaller index,
/// so the same items give the same choice. Errors: an item without options, a loss that is NaN, a
/// budget below the smallest sum (which the message states).
llvm::Expected<KnapsackChoice> solveKnapsack(const std::vector<std::vector<KnapsackOption>> &items,
                                             int64_t budget);

} // namespace qcc

#endif // QCC_COMPILER_METHODS_KNAPSACK_H
