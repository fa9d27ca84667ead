//===- WeightQuantizer.h - Methods that know more than a row --------------------------------===//
//
// Round to nearest needs only the row at hand, and the materializer does it by itself. What else
// chooses codes and scales implements this: it sees the weights in the order it asks for, and may change them
// before they are quantized.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_WEIGHTS_WEIGHTQUANTIZER_H
#define QCC_COMPILER_WEIGHTS_WEIGHTQUANTIZER_H

#include "dialects/NN/IR/NN.h"
#include "dialects/QuantExt/Codec/Matrix.h"
#include "llvm/Support/Error.h"
#include <optional>

namespace qcc {

class WeightQuantizer {
public:
  virtual ~WeightQuantizer() = default;

  /// Number of the step that a weight's instance belongs to; weights without one come before step 0. All of a step is
  /// materialized between begin and end, steps in order.
  virtual std::optional<int64_t> stepOf(nn::WeightOp weight, int64_t instance) = 0;
  virtual llvm::Error begin(int64_t step) = 0;
  virtual llvm::Error end(int64_t step) = 0;

  /// Multiplies factors into rows firstRow .. of a weight, values[rows, k]; vectors have k = 1.
  virtual llvm::Error fold(nn::WeightOp weight, int64_t instance, int64_t firstRow, int64_t k,
                           llvm::MutableArrayRef<float> values) = 0;

  /// Quantizes such rows (after fold) to rows.scheme by the weight's method. Errors do not name the tensor.
  virtual llvm::Error quantize(nn::WeightOp weight, int64_t instance, int64_t firstRow,
                               llvm::ArrayRef<float> values, QuantizedMatrix &rows) = 0;
};

} // namespace qcc

#endif // QCC_COMPILER_WEIGHTS_WEIGHTQUANTIZER_H
