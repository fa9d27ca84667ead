//===- Blas.h - The linear algebra library --------------------------------===//
//
// OpenBLAS through its C interface, on one thread of its own: the methods deal rows out to
// threads themselves, in strips that do not depend on how many there are, so that neither do the
// results.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_METHODS_BLAS_H
#define QCC_COMPILER_METHODS_BLAS_H

#include "llvm/ADT/STLFunctionalExtras.h"

#include <cblas.h>

#include <cstdint>

namespace qcc {

/// Calls work(first, count) for strips of `strip` rows (the last may be shorter) of n, on `threads`
/// threads (0: all cores), with OpenBLAS kept to one thread in each.
void forEachStrip(int64_t n, int64_t strip, unsigned threads,
                  llvm::function_ref<void(int64_t first, int64_t count)> work);

/// OpenBLAS works on the calling thread alone from now on.
void keepBlasOnOneThread();

/// Sizes of a product c[m, n] = a[m, k] b[k, n].
struct ProductSize {
  int64_t m, n, k;
};

/// c = a b in float32, row-major, with the distance between rows of each.
void multiply(ProductSize size, const float *a, int64_t aStride, const float *b, int64_t bStride,
              float *c, int64_t cStride);

} // namespace qcc

#endif // QCC_COMPILER_METHODS_BLAS_H
