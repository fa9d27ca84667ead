//===- Products.cpp - Products of tensors -----------------------------------------===//

#include "passes/Quantize/Products.h"
#include "dialects/QuantExt/IR/QuantExt.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace qcc {

bool isFactor(linalg::GenericOp op, unsigned number) {
  if (op.getNumResults() != 1 || op.getNumParallelLoops() != op.getNumLoops() ||
      !llvm::all_of(op.getIndexingMapsArray(), [](AffineMap map) { return map.isIdentity(); }))
    return false;
  BlockArgument element = op.getBody()->getArgument(number);
  auto product = op.getBody()->getTerminator()->getOperand(0).getDefiningOp<arith::MulFOp>();
  return product && element.hasOneUse() && *element.user_begin() == product;
}

bool isProductOfTensors(Value value) {
  if (auto observe = value.getDefiningOp<quant_ext::ObserveOp>())
    return isProductOfTensors(observe.getOperand());
  auto generic = value.getDefiningOp<linalg::GenericOp>();
  if (!generic)
    return false;
  SmallVector<unsigned> whole;
  for (auto [number, input] : llvm::enumerate(generic.getDpsInputOperands()))
    if (generic.getMatchingIndexingMap(input).isIdentity())
      whole.push_back(number);
  if (whole.size() == 1)
    return isProductOfTensors(generic.getInputs()[whole.front()]);
  return llvm::any_of(whole, [&](unsigned number) { return isFactor(generic, number); });
}

} // namespace qcc
