//===- Gptq.h - Codes that make up for one another's rounding --------------===//
//
// Rounding one weight of a row changes its outputs; where inputs are correlated, the weights not
// yet rounded can be moved to take most of that change back. GPTQ does so column by column, for all
// rows at once, with the inverse of the inputs' second moment.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_METHODS_GPTQ_H
#define QCC_COMPILER_METHODS_GPTQ_H

#include "compiler/Methods/Hessian.h"
#include "compiler/Methods/Methods.h"
#include "dialects/QuantExt/Codec/Rtn.h"

namespace qcc {

/// The codes of w[n, k] on the scales that `out` holds (Frantar et al. 2022, algorithm 1). With U
/// of HessianFactor, for the columns i in its order:
///
///   q_i = the value nearest to w_i;  e = (w_i - q_i) / U_ii;  w_j -= e U_ij for j > i
///
/// The updates within a block of columns are made at once, those beyond it as one matrix product.
/// Scales belong to groups of the natural order ("static groups"), so any grid will do and no
/// order has to be stored. A dead channel is rounded to nearest and moves nothing.
///
/// With options.dynamicScales (natural order, no super-blocks) a group's scale is chosen anew by
/// options.scales, importance `u` (null: all 1), from the weights as they are when its first
/// column comes; a fault of that search is returned, as of an element of row `faultRow`.
RtnResult gptqCodes(const float *w, int64_t n, int64_t k, const HessianFactor &factor,
                    const float *u, const MethodOptions &options, QuantizedMatrix &out,
                    int64_t &faultRow);

} // namespace qcc

#endif // QCC_COMPILER_METHODS_GPTQ_H
