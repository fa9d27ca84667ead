//===- ImportScalar.cpp - What elementwise operators share -----------------===//

#include "frontends/ONNX/ImportScalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace qcc::import_onnx {

Value number(ImplicitLocOpBuilder &b, Value like, double v) {
  Type type = like.getType();
  if (auto floatType = dyn_cast<FloatType>(type)) {
    bool lost;
    llvm::APFloat f(v);
    (void)f.convert(floatType.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven, &lost);
    return arith::ConstantOp::create(b, FloatAttr::get(floatType, f));
  }
  return arith::ConstantOp::create(b, b.getIntegerAttr(type, static_cast<int64_t>(v)));
}

std::optional<bool> lessThan(const DimExpr &x, const DimExpr &y) {
  DimExpr d = x - y;
  if (d.upperBound() && *d.upperBound() < 0)
    return true;
  if (d.lowerBound() && *d.lowerBound() >= 0)
    return false;
  return std::nullopt;
}

std::optional<SmallVector<int64_t>> staticShape(const Dims &dims) {
  SmallVector<int64_t> shape;
  for (const DimExpr &d : dims) {
    if (!d.constant())
      return std::nullopt;
    shape.push_back(*d.constant());
  }
  return shape;
}

/// Which element of an operand element `flat` of the result reads.
static size_t broadcastIndex(size_t flat, ArrayRef<int64_t> result, ArrayRef<int64_t> operand) {
  size_t index = 0, scale = 1;
  for (size_t i = 0; i < result.size(); ++i) {
    size_t d = result.size() - 1 - i;
    size_t at = flat % result[d];
    flat /= result[d];
    if (i < operand.size()) {
      int64_t size = operand[operand.size() - 1 - i];
      index += (size == 1 ? 0 : at) * scale;
      scale *= size;
    }
  }
  return index;
}

std::optional<std::vector<DimExpr>>
evaluateAll(Node &n, ArrayRef<Operand *> operands, const Dims &dims,
            llvm::function_ref<DimExpr(ArrayRef<DimExpr>)> evaluate) {
  std::optional<SmallVector<int64_t>> shape = staticShape(dims);
  std::optional<int64_t> count = product(dims).constant();
  if (!shape || !count || *count > 4096)
    return std::nullopt;
  SmallVector<const std::vector<DimExpr> *> known;
  SmallVector<SmallVector<int64_t>> shapes;
  for (Operand *operand : operands) {
    std::optional<SmallVector<int64_t>> own = staticShape(operand->dims);
    known.push_back(n.elements(*operand));
    if (!known.back() || !own)
      return std::nullopt;
    shapes.push_back(*own);
  }
  std::vector<DimExpr> result;
  for (int64_t i = 0; i < *count; ++i) {
    SmallVector<DimExpr> values;
    for (auto [list, own] : llvm::zip(known, shapes))
      values.push_back((*list)[broadcastIndex(i, *shape, own)]);
    result.push_back(evaluate(values));
    if (!result.back().isValid())
      return std::nullopt;
  }
  return result;
}

} // namespace qcc::import_onnx
