//===- Nf4.h - The 4-bit grid for normally distributed weights ------------===//
//
// NF4 is a scheme like any other; its rule for scales is the group's absolute maximum, which is
// what ScaleMethod::Rtn does for it.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_METHODS_NF4_H
#define QCC_COMPILER_METHODS_NF4_H

#include "dialects/QuantExt/Codec/Scheme.h"

namespace qcc {

/// How the absolute maxima of groups are held.
enum class Nf4Scales : uint8_t {
  F32,
  F16,
  /// Eight bits for each, times a binary16 for the row: the double quantization that a Scheme can
  /// hold. (bitsandbytes subtracts the mean before and uses a dynamic 8-bit map in blocks of 256;
  /// the bytes are the same, the step is 1/128 of the row's largest.)
  Double,
};

/// Dettmers et al. 2023 (QLoRA), section 3 and appendix E: 16 quantiles of the normal distribution
/// from -1 to 1, with 0 among them; groups of `groupSize` (64 there) along K.
Scheme nf4Scheme(unsigned groupSize, Nf4Scales scales);

} // namespace qcc

#endif // QCC_COMPILER_METHODS_NF4_H
