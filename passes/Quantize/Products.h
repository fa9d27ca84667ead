//===- Products.h - Products of tensors -------------------------------------------===//
#ifndef QCC_PASSES_QUANTIZE_PRODUCTS_H
#define QCC_PASSES_QUANTIZE_PRODUCTS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace qcc {

/// Whether a product of whole tensors is linear in input `number`: its element is multiplied once,
/// last, with what does not depend on it.
bool isFactor(mlir::linalg::GenericOp op, unsigned number);

/// Whether a tensor is the product of two, as f(gate) * up; with observers, and factors for each
/// channel, on the way or not. Large in few places, such tensors are hard to scale beforehand.
bool isProductOfTensors(mlir::Value value);

} // namespace qcc

#endif // QCC_PASSES_QUANTIZE_PRODUCTS_H
