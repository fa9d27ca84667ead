//===- Blas.cpp - The linear algebra library ------------------------------===//
//
// Strips of rows on threads.
//
//===----------------------------------------------------------------------===//
#include "compiler/Methods/Blas.h"

#include "llvm/Support/ThreadPool.h"

#include <algorithm>
#include <mutex>

namespace qcc {

void keepBlasOnOneThread() {
  static std::once_flag once;
  std::call_once(once, [] { openblas_set_num_threads(1); });
}

void multiply(ProductSize size, const float *a, int64_t aStride, const float *b, int64_t bStride,
              float *c, int64_t cStride) {
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, static_cast<int>(size.m),
              static_cast<int>(size.n), static_cast<int>(size.k), 1.0f, a,
              static_cast<int>(aStride), b, static_cast<int>(bStride), 0.0f, c,
              static_cast<int>(cStride));
}

void forEachStrip(int64_t n, int64_t strip, unsigned threads,
                  llvm::function_ref<void(int64_t, int64_t)> work) {
  keepBlasOnOneThread();
  if (threads == 1 || n <= strip) {
    for (int64_t first = 0; first < n; first += strip)
      work(first, std::min(strip, n - first));
    return;
  }
  llvm::DefaultThreadPool pool(llvm::hardware_concurrency(threads));
  for (int64_t first = 0; first < n; first += strip)
    pool.async([=] { work(first, std::min(strip, n - first)); });
  pool.wait();
}

} // namespace qcc
