//===- StatisticsCollector.h - Moments of activations -------------------------------------===//
//
// Sums what an observer sees, some rows at a time: the largest magnitude, the mean magnitude and
// the mean square of every channel, and the second moment of all pairs.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_CALIBRATION_STATISTICSCOLLECTOR_H
#define QCC_COMPILER_CALIBRATION_STATISTICSCOLLECTOR_H

#include "compiler/Methods/InputStatistics.h"
#include "llvm/Support/ThreadPool.h"

namespace qcc {

class StatisticsCollector {
public:
  /// Of k channels; `hessian` says whether to collect [K, K] second moments.
  StatisticsCollector(int64_t k, bool hessian);

  /// Adds x[rows, K]. The work is queued on `pool`, on memory of its own pieces: call pool.wait() before x changes.
  void add(const float *x, int64_t rows, llvm::ThreadPoolInterface &pool);

  /// Adds exact[rows, K] x[rows, K]^T: the same rows as the float model has them, and as the quantized one has.
  void addCross(const float *exact, const float *x, int64_t rows, llvm::ThreadPoolInterface &pool);

  /// Means over everything that was added; the collector is empty after.
  InputStatistics finish();
  /// Mean of exact x^T, [K, K]; empty when nothing was added. Before finish().
  std::vector<float> finishCross();

private:
  /// Columns of the Hessian that one task sums: the pieces, and so the results, do not depend on the
  /// number of threads.
  static constexpr int64_t kPiece = 256;

  void addChannels(const float *x, int64_t rows);
  void addProducts(const float *x, int64_t rows, int64_t first);

  InputStatistics sums;
  std::vector<float> cross;
};

} // namespace qcc

#endif // QCC_COMPILER_CALIBRATION_STATISTICSCOLLECTOR_H
