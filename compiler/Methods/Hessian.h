//===- Hessian.h - The factor of the inverse Hessian that GPTQ uses --------===//
//
// GPTQ needs, of the second moment H of the inputs, an upper triangular U with U^T U = H^-1. It
// depends on the inputs alone, so matrices that share them (q, k and v; gate and up) share it.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_METHODS_HESSIAN_H
#define QCC_COMPILER_METHODS_HESSIAN_H

#include "compiler/Methods/InputStatistics.h"

namespace qcc {

/// An upper triangular U of a damped, permuted Hessian.
class HessianFactor {
public:
  /// With P the order of the columns, l = damping * mean(diag H) and D the channels whose diagonal
  /// is 0 (set to the mean of the others there, as no error in them shows): U^T U = (P (H + D + l
  /// I) P^T)^-1. Frantar et al. 2022, section 3.3, step 3.
  ///
  /// Not by way of the inverse: with J the reversal, J H J = L L^T gives H = R R^T, R = J L J upper
  /// triangular, and U = R^-1. In float32, and in double when that fails. An error when the matrix
  /// is not positive definite even so.
  static llvm::Expected<HessianFactor> make(const InputStatistics &statistics, double damping,
                                            bool activationOrder);

  int64_t size() const { return static_cast<int64_t>(order.size()); }
  /// Row i of U, [K]; elements left of the diagonal are 0.
  const float *row(int64_t i) const { return upper.data() + i * size(); }
  /// The column of W that comes i-th.
  int64_t column(int64_t i) const { return order[i]; }
  bool isDead(int64_t column) const { return dead[column]; }
  int64_t deadChannels() const;

private:
  std::vector<float> upper;
  std::vector<int64_t> order;
  std::vector<bool> dead;
};

} // namespace qcc

#endif // QCC_COMPILER_METHODS_HESSIAN_H
