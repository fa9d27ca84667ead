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

/// One option for each item, with bytes in sum at most `budget` and the least loss in sum that was
/// found. The better of two: along the lower convex hulls of (bytes, loss), the steepest step that
/// fits first (the linear relaxation: Sinha and Zoltners 1979); and dynamic programming over bytes,
/// which is the optimum when the table of bytes / (their common divisor) is not too large (65536
/// entries and 2^25 for all items), and else of bytes rounded up. Ties go to the smaller option
/// and the smaller index, so the same items give the same choice. Errors: an item without options,
/// a loss that is not finite, a budget below the smallest sum (which the message states).
llvm::Expected<KnapsackChoice> solveKnapsack(const std::vector<std::vector<KnapsackOption>> &items,
                                             int64_t budget);

} // namespace qcc

#endif // QCC_COMPILER_METHODS_KNAPSACK_H
