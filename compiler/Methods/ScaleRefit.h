//===- ScaleRefit.h - Scales and minima that suit given codes --------------===//
//
// The refit step of CoordinateDescent.h, which says what is computed.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_METHODS_SCALEREFIT_H
#define QCC_COMPILER_METHODS_SCALEREFIT_H

#include "dialects/QuantExt/Codec/Matrix.h"

namespace qcc {

/// Refits the scales and minima of rows first .. first + rows of `out` to their codes. h[K, K] is
/// the Hessian; gradients[rows, K] = (W - Q) H as it is now; it does not stay true.
void refitScales(const std::vector<float> &h, QuantizedMatrix &out, int64_t first, int64_t rows,
                 const std::vector<float> &gradients);

} // namespace qcc

#endif // QCC_COMPILER_METHODS_SCALEREFIT_H
