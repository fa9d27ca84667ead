//===- ImportMatmul.cpp - Matrix products --------------------------------------===//
//
// A product with a matrix of the file is nn.linear, which later stages quantize. Others become one
// generic operation with the output's columns innermost, so that loops over it are vectors.
//
//===----------------------------------------------------------------------===//

#include "dialects/NN/IR/NN.h"
#include "frontends/ONNX/ImportNode.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace qcc::import_onnx {
namespace {

using B = ImplicitLocOpBuilder;

/// All dimensions but the last as one; a vector is one row.
Value rowsOf(Node &n, Value x, const Dims &dims, DimExpr &rows) {
  rows = product(ArrayRef(dims).drop_back());
  return n.reshape(x, dims, {rows, dims.back()});
}

/// x W^T with W [N, K], for x of any rank.
Value linear(Node &n, Value x, const Dims &dims, Value weight) {
  DimExpr rows;
  Value matrix = rowsOf(n, x, dims, rows);
  int64_t features = cast<RankedTensorType>(weight.getType()).getDimSize(0);
  Value y = nn::LinearOp::create(n.b, n.type(n.b.getF32Type(), {rows, features}), matrix, weight);
  Dims result(dims.begin(), dims.end() - 1);
  result.push_back(features);
  return n.reshape(y, {rows, features}, result);
}

Value multiplyAdd(B &b, ValueRange v) {
  if (isa<FloatType>(v[0].getType()))
    return arith::AddFOp::create(b, v[2], arith::MulFOp::create(b, v[0], v[1]));
  return arith::AddIOp::create(b, v[2], arith::MulIOp::create(b, v[0], v[1]));
}

/// [.., M, K] times [.., K, N], leading dimensions broadcast: loops over batch, M, K, N.
FailureOr<Value> batchMatmul(Node &n, Operand &x, const Dims &left, Operand &y, const Dims &right,
                             Dims &result) {
  FailureOr<Dims> batch =
      n.broadcast({Dims(left.begin(), left.end() - 2), Dims(right.begin(), right.end() - 2)});
  FailureOr<DimExpr> k = n.unify(left.back(), right[right.size() - 2]);
  if (failed(batch) || failed(k))
    return failure();
  result = *batch;
  result.push_back(left[left.size() - 2]);
  result.push_back(right.back());
  unsigned leading = batch->size(), loops = leading + 3;
  auto map = [&](const Dims &dims, unsigned row, unsigned column) {
    SmallVector<AffineExpr> exprs;
    size_t own = dims.size() - 2;
    for (size_t i = 0; i < own; ++i)
      exprs.push_back(dims[i].isConstant(1) && !(*batch)[leading - own + i].isConstant(1)
                          ? n.b.getAffineConstantExpr(0)
                          : n.b.getAffineDimExpr(leading - own + i));
    exprs.push_back(n.b.getAffineDimExpr(row));
    exprs.push_back(n.b.getAffineDimExpr(column));
    return AffineMap::get(loops, 0, exprs, n.b.getContext());
  };
  Iterators iterators(loops, utils::IteratorType::parallel);
  iterators[leading + 1] = utils::IteratorType::reduction;
  SmallVector<AffineMap> maps{map(left, leading, leading + 1), map(right, leading + 1, leading + 2),
                              map(result, leading, leading + 2)};
  Type element = elementType(n.b, x.dtype);
  Value xs = n.reshape(n.value(x), x.dims, left), ys = n.reshape(n.value(y), y.dims, right);
  Value init = n.filled(n.constant(element, 0), result);
  return n.generic({xs, ys}, init, maps, iterators, multiplyAdd);
}

LogicalResult importMatMul(Node &n) {
  Operand &x = n.in(0), &y = n.in(1);
  if (x.rank() == 0 || y.rank() == 0)
    return n.bad("its inputs must not be scalars");
  if (x.dtype != y.dtype && !(isFloat(x.dtype) && isFloat(y.dtype)))
    return n.bad("its inputs have different element types");
  if (elementType(n.b, x.dtype) != elementType(n.b, y.dtype))
    return n.unsupported("its inputs have different precision");
  if (y.rank() == 2 && elementType(n.b, x.dtype).isF32()) {
    FailureOr<DimExpr> k = n.unify(x.dims.back(), y.dims[0]);
    if (failed(k))
      return failure();
    if (Value weight = n.weightMatrix(y, /*transposed=*/true)) {
      Dims dims = x.dims;
      Value result = linear(n, n.value(x), dims, weight);
      dims.back() = y.dims[1];
      return n.set(0, x.dtype, dims, result);
    }
  }
  // A vector on the left is a row, one on the right a column; the result does not have that
  // dimension.
  Dims left = x.dims, right = y.dims, result;
  if (x.rank() == 1)
    left.insert(left.begin(), DimExpr(1));
  if (y.rank() == 1)
    right.push_back(DimExpr(1));
  FailureOr<Value> product = batchMatmul(n, x, left, y, right, result);
  if (failed(product))
    return failure();
  Dims dims = result;
  if (y.rank() == 1)
    dims.pop_back();
  if (x.rank() == 1)
    dims.erase(dims.end() - (y.rank() == 1 ? 1 : 2));
  return n.set(0, x.dtype, dims, n.reshape(*product, result, dims));
}

/// alpha A' B' + beta C.
LogicalResult importGemm(Node &n) {
  Operand &a = n.in(0), &c = n.in(1);
  if (a.rank() != 2 || c.rank() != 2)
    return n.bad("A and B must be matrices");
  Type element = elementType(n.b, a.dtype);
  if (!isFloat(a.dtype) || elementType(n.b, c.dtype) != element)
    return n.unsupported("is supported for floats of one type only");
  bool transA = n.intAttr("transA", 0) != 0, transB = n.intAttr("transB", 0) != 0;
  float alpha = n.floatAttr("alpha", 1), beta = n.floatAttr("beta", 1);
  Operand left = a, right = c;
  if (transA) {
    left = {a.dtype, {a.dims[1], a.dims[0]}, {}, nullptr, false, std::nullopt};
    left.value = n.transpose(n.value(a), left.dims, {1, 0});
  }
  FailureOr<DimExpr> k = n.unify(left.dims[1], c.dims[transB ? 1 : 0]);
  if (failed(k))
    return failure();
  Operand result;
  result.dtype = a.dtype;
  result.dims = {left.dims[0], c.dims[transB ? 0 : 1]};
  Value weight = element.isF32() ? n.weightMatrix(c, /*transposed=*/!transB) : Value();
  if (weight) {
    result.value = linear(n, n.value(left), left.dims, weight);
  } else {
    if (transB) {
      right = {c.dtype, {c.dims[1], c.dims[0]}, {}, nullptr, false, std::nullopt};
      right.value = n.transpose(n.value(c), right.dims, {1, 0});
    }
    Dims dims;
    FailureOr<Value> product = batchMatmul(n, left, left.dims, right, right.dims, dims);
    if (failed(product))
      return failure();
    result.value = *product;
  }
  bool hasBias = n.has(2) && beta != 0;
  if (!hasBias && alpha == 1)
    return n.set(0, std::move(result));
  SmallVector<Operand *> operands{&result};
  if (hasBias) {
    FailureOr<Dims> same = n.broadcast({result.dims, n.in(2).dims});
    if (failed(same))
      return failure();
    if (*same != result.dims)
      return n.bad("C of shape " + str(n.in(2).dims) + " does not broadcast to " +
                   str(result.dims));
    operands.push_back(&n.in(2));
  }
  Value y = n.elementwise(operands, result.dims, element, [&](B &b, ValueRange v) -> Value {
    Value sum = v[0];
    if (alpha != 1)
      sum = arith::MulFOp::create(b, sum, n.constant(element, alpha));
    if (!hasBias)
      return sum;
    Value bias = v[1];
    if (beta != 1)
      bias = arith::MulFOp::create(b, bias, n.constant(element, beta));
    return arith::AddFOp::create(b, sum, bias);
  });
  return n.set(0, a.dtype, result.dims, y);
}

constexpr OpRow kRows[] = {
    {"Gemm", 7, kNewestOpset, 2, 3, importGemm},
    {"MatMul", 1, kNewestOpset, 2, 2, importMatMul},
};

} // namespace

ArrayRef<OpRow> matmulOps() { return kRows; }

} // namespace qcc::import_onnx
