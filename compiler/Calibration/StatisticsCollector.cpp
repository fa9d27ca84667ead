//===- StatisticsCollector.cpp - Moments of activations -----------------------------------===//

#include "compiler/Calibration/StatisticsCollector.h"
#include "compiler/Methods/Blas.h"
#include <algorithm>
#include <cmath>

namespace qcc {

StatisticsCollector::StatisticsCollector(int64_t k, bool hessian) {
  sums.k = k;
  sums.absMax.resize(k);
  sums.meanAbs.resize(k);
  sums.meanSquare.resize(k);
  if (hessian)
    sums.hessian.resize(k * k);
}

void StatisticsCollector::add(const float *x, int64_t rows, llvm::ThreadPoolInterface &pool) {
  keepBlasOnOneThread();
  sums.tokens += rows;
  pool.async([=] { addChannels(x, rows); });
  if (!sums.hessian.empty())
    for (int64_t first = 0; first < sums.k; first += kPiece)
      pool.async([=] { addProducts(x, rows, first); });
}

void StatisticsCollector::addChannels(const float *x, int64_t rows) {
  for (int64_t t = 0; t < rows; ++t, x += sums.k)
    for (int64_t k = 0; k < sums.k; ++k) {
      float magnitude = std::fabs(x[k]);
      // A NaN must stay: checkStatistics finds it.
      sums.absMax[k] = magnitude <= sums.absMax[k] ? sums.absMax[k] : magnitude;
      sums.meanAbs[k] += magnitude;
      sums.meanSquare[k] += x[k] * x[k];
    }
}

/// Columns `first` .. of the lower triangle.
void StatisticsCollector::addProducts(const float *x, int64_t rows, int64_t first) {
  int64_t k = sums.k, columns = std::min(kPiece, k - first);
  cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, k - first, columns, rows, 1.0f, x + first, k,
              x + first, k, 1.0f, sums.hessian.data() + first * k + first, k);
}

void StatisticsCollector::addCross(const float *exact, const float *x, int64_t rows,
                                   llvm::ThreadPoolInterface &pool) {
  int64_t k = sums.k;
  cross.resize(k * k);
  for (int64_t first = 0; first < k; first += kPiece)
    pool.async([=] {
      cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, std::min(kPiece, k - first), k, rows,
                  1.0f, exact + first, k, x, k, 1.0f, cross.data() + first * k, k);
    });
}

std::vector<float> StatisticsCollector::finishCross() {
  for (float &value : cross)
    value /= sums.tokens;
  return std::move(cross);
}

InputStatistics StatisticsCollector::finish() {
  InputStatistics means = std::move(sums);
  float scale = means.tokens ? 1.0f / means.tokens : 0.0f;
  for (std::vector<float> *values : {&means.meanAbs, &means.meanSquare, &means.hessian})
    for (float &value : *values)
      value *= scale;
  if (!means.hessian.empty())
    for (int64_t i = 0; i < means.k; ++i)
      for (int64_t j = i + 1; j < means.k; ++j)
        means.hessian[i * means.k + j] = means.hessian[j * means.k + i];
  return means;
}

} // namespace qcc
