//===- ImportReduce.cpp - Reductions, softmax and normalizations ---------------===//

#include "frontends/ONNX/ImportNode.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;

namespace qcc::import_onnx {
namespace {

using B = ImplicitLocOpBuilder;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

Value addFloats(B &b, ValueRange v) { return arith::AddFOp::create(b, v[0], v[1]); }
Value maxFloats(B &b, ValueRange v) { return arith::MaximumFOp::create(b, v[0], v[1]); }
Value minFloats(B &b, ValueRange v) { return arith::MinimumFOp::create(b, v[0], v[1]); }
Value mulFloats(B &b, ValueRange v) { return arith::MulFOp::create(b, v[0], v[1]); }

Value square(B &b, Value x) { return arith::MulFOp::create(b, x, x); }
Value absolute(B &b, Value x) { return math::AbsFOp::create(b, x); }
Value exponential(B &b, Value x) { return math::ExpOp::create(b, x); }
Value logarithm(B &b, Value x) { return math::LogOp::create(b, x); }
Value root(B &b, Value x) { return math::SqrtOp::create(b, x); }

/// A reduction: `before` on each element, fold, `after` on each result.
struct ReduceRow {
  const char *name;
  double init;
  Value (*before)(B &, Value);
  Value (*fold)(B &, ValueRange);
  Value (*after)(B &, Value);
};

constexpr ReduceRow kReductions[] = {
    {"ReduceL1", 0, absolute, addFloats, nullptr},
    {"ReduceL2", 0, square, addFloats, root},
    {"ReduceLogSum", 0, nullptr, addFloats, logarithm},
    {"ReduceLogSumExp", 0, exponential, addFloats, logarithm},
    {"ReduceMax", -kInfinity, nullptr, maxFloats, nullptr},
    {"ReduceMean", 0, nullptr, addFloats, nullptr},
    {"ReduceMin", kInfinity, nullptr, minFloats, nullptr},
    {"ReduceProd", 1, nullptr, mulFloats, nullptr},
    {"ReduceSum", 0, nullptr, addFloats, nullptr},
    {"ReduceSumSquare", 0, square, addFloats, nullptr},
};

/// A scalar tensor operand for elementwise(): the number of elements that `dims` hold, as f32.
Operand countOf(Node &n, Type element, const DimExpr &count) {
  Operand operand;
  operand.dtype = element.isF64() ? DType::F64 : DType::F32;
  Value integer = arith::IndexCastOp::create(n.b, n.b.getI64Type(), n.index(count));
  Value scalar = arith::SIToFPOp::create(n.b, element, integer);
  operand.value = n.filled(scalar, {});
  return operand;
}

/// y = x / count.
Value divideByCount(Node &n, Operand &x, Type element, const DimExpr &count) {
  if (std::optional<int64_t> c = count.constant())
    return n.elementwise({&x}, x.dims, element, [&](B &b, ValueRange v) -> Value {
      return arith::DivFOp::create(b, v[0], n.constant(element, static_cast<double>(*c)));
    });
  Operand divisor = countOf(n, element, count);
  return n.elementwise({&x, &divisor}, x.dims, element, [](B &b, ValueRange v) -> Value {
    return arith::DivFOp::create(b, v[0], v[1]);
  });
}

/// Axes from the attribute, or from opset `inputSince` on from input 1. Empty: all.
FailureOr<SmallVector<int64_t>> reducedAxes(Node &n, int64_t inputSince, bool &isNoop) {
  Operand &x = n.in(0);
  SmallVector<int64_t> given;
  if (n.opset < inputSince) {
    given = n.intsAttr("axes").value_or(SmallVector<int64_t>());
  } else if (n.has(1)) {
    std::optional<SmallVector<int64_t>> known = n.constantInts(n.in(1));
    if (!known)
      return n.unsupported("its axes are not constant");
    given = *known;
  }
  isNoop = given.empty() && n.opset >= inputSince && n.intAttr("noop_with_empty_axes", 0) != 0;
  if (given.empty() && !isNoop)
    for (int64_t i = 0; i < x.rank(); ++i)
      given.push_back(i);
  return n.axes(given, x.rank());
}

Dims withoutAxes(const Dims &dims, ArrayRef<int64_t> axes, bool keep) {
  Dims result;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (!llvm::is_contained(axes, static_cast<int64_t>(i)))
      result.push_back(dims[i]);
    else if (keep)
      result.push_back(1);
  }
  return result;
}

/// Sizes are multiplied and added, too (Size as ReduceProd of a Shape).
std::optional<DimExpr> foldElements(Node &n, StringRef name, const std::vector<DimExpr> &list) {
  DimExpr result = name == "ReduceProd" ? 1 : 0;
  if (list.empty() && (name == "ReduceMax" || name == "ReduceMin"))
    return std::nullopt;
  for (const auto &[i, e] : llvm::enumerate(list)) {
    if (name == "ReduceProd")
      result = result * e;
    else if (name == "ReduceSum")
      result = result + e;
    else if (name == "ReduceMax")
      result = i == 0 ? e : DimExpr::max(result, e);
    else if (name == "ReduceMin")
      result = i == 0 ? e : DimExpr::min(result, e);
    else
      return std::nullopt;
  }
  return result.isValid() ? std::optional<DimExpr>(result) : std::nullopt;
}

FailureOr<Value> integerReduction(Node &n, StringRef name, ArrayRef<int64_t> axes) {
  Operand &x = n.in(0);
  Type element = elementType(n.b, x.dtype);
  unsigned width = element.getIntOrFloatBitWidth();
  bool noSign = isUnsigned(x.dtype);
  APInt init(width, name == "ReduceProd" ? 1 : 0);
  if (name == "ReduceMax")
    init = noSign ? APInt::getMinValue(width) : APInt::getSignedMinValue(width);
  else if (name == "ReduceMin")
    init = noSign ? APInt::getMaxValue(width) : APInt::getSignedMaxValue(width);
  else if (name != "ReduceSum" && name != "ReduceProd")
    return n.unsupported("is not supported for integers");
  Value start = arith::ConstantOp::create(n.b, n.b.getIntegerAttr(element, init));
  return n.reduce(n.value(x), x.dims, axes, start, [&](B &b, ValueRange v) -> Value {
    if (name == "ReduceSum")
      return arith::AddIOp::create(b, v[0], v[1]);
    if (name == "ReduceProd")
      return arith::MulIOp::create(b, v[0], v[1]);
    if (name == "ReduceMax")
      return noSign ? Value(arith::MaxUIOp::create(b, v[0], v[1]))
                    : Value(arith::MaxSIOp::create(b, v[0], v[1]));
    return noSign ? Value(arith::MinUIOp::create(b, v[0], v[1]))
                  : Value(arith::MinSIOp::create(b, v[0], v[1]));
  });
}

Value floatReduction(Node &n, const ReduceRow &row, ArrayRef<int64_t> axes, const Dims &folded) {
  Operand &x = n.in(0);
  Type element = elementType(n.b, x.dtype);
  Operand sum;
  sum.dtype = x.dtype;
  sum.dims = folded;
  sum.value =
      n.reduce(n.value(x), x.dims, axes, n.constant(element, row.init), [&](B &b, ValueRange v) {
        Value value = row.before ? row.before(b, v[0]) : v[0];
        return row.fold(b, {value, v[1]});
      });
  if (row.name == StringRef("ReduceMean")) {
    DimExpr count = 1;
    for (int64_t axis : axes)
      count = count * x.dims[axis];
    return divideByCount(n, sum, element, count);
  }
  if (!row.after)
    return sum.value;
  return n.elementwise({&sum}, folded, element,
                       [&](B &b, ValueRange v) { return row.after(b, v[0]); });
}

LogicalResult importReduce(Node &n) {
  StringRef name = n.proto.op_type();
  Operand &x = n.in(0);
  bool isNoop = false;
  FailureOr<SmallVector<int64_t>> axes = reducedAxes(n, name == "ReduceSum" ? 13 : 18, isNoop);
  if (failed(axes))
    return failure();
  if (isNoop)
    return n.set(0, x);
  bool keep = n.intAttr("keepdims", 1) != 0;
  Dims folded = withoutAxes(x.dims, *axes, false), result = withoutAxes(x.dims, *axes, keep);
  if (const std::vector<DimExpr> *known = isInteger(x.dtype) ? n.elements(x) : nullptr)
    if (static_cast<int64_t>(axes->size()) == x.rank())
      if (std::optional<DimExpr> e = foldElements(n, name, *known))
        return n.setElements(0, x.dtype, result, {*e});
  FailureOr<Value> value = failure();
  if (isInteger(x.dtype))
    value = integerReduction(n, name, *axes);
  else
    for (const ReduceRow &row : kReductions)
      if (name == row.name)
        value = floatReduction(n, row, *axes, folded);
  if (failed(value))
    return failure();
  return n.set(0, x.dtype, result, n.reshape(*value, folded, result));
}

//===--- softmax -------------------------------------------------------------------------===//

/// A tensor seen as [outer, K, inner], without inner when the axis is last: what a function of
/// the elements along K needs.
struct Rows {
  Value value;
  Dims dims;       ///< [outer, K] or [outer, K, inner]
  Dims folded;     ///< without K
  Operand operand; ///< value, dims
};

Rows rowsAlong(Node &n, Operand &x, int64_t first, int64_t last) {
  Rows rows;
  ArrayRef<DimExpr> dims = x.dims;
  rows.dims = {product(dims.take_front(first)), product(dims.slice(first, last - first))};
  if (last < x.rank())
    rows.dims.push_back(product(dims.drop_front(last)));
  rows.folded = {rows.dims[0]};
  if (rows.dims.size() == 3)
    rows.folded.push_back(rows.dims[2]);
  rows.value = n.reshape(n.value(x), x.dims, rows.dims);
  return rows;
}

/// result = body(x, statistics of its row): statistics have the dimensions without K.
Value withStatistics(Node &n, Value x, const Rows &rows, ValueRange statistics,
                     ValueRange perFeature, Type element, Body body) {
  unsigned loops = rows.dims.size();
  AffineMap full = n.b.getMultiDimIdentityMap(loops);
  SmallVector<AffineExpr> outer{n.b.getAffineDimExpr(0)};
  if (loops == 3)
    outer.push_back(n.b.getAffineDimExpr(2));
  SmallVector<Value> ins{x};
  SmallVector<AffineMap> maps{full};
  for (Value s : statistics) {
    ins.push_back(s);
    maps.push_back(AffineMap::get(loops, 0, outer, n.b.getContext()));
  }
  for (Value f : perFeature) {
    ins.push_back(f);
    maps.push_back(AffineMap::get(loops, 0, n.b.getAffineDimExpr(1)));
  }
  maps.push_back(full);
  return n.generic(ins, n.empty(element, rows.dims), maps,
                   Iterators(loops, utils::IteratorType::parallel), body);
}

/// e^(x - max) / sum, or x - max - log(sum).
LogicalResult importSoftmax(Node &n) {
  Operand &x = n.in(0);
  Type element = elementType(n.b, x.dtype);
  if (!element.isF32())
    return n.unsupported(llvm::Twine("is not supported for element type ") + info(x.dtype).name);
  bool isLog = n.proto.op_type() == "LogSoftmax";
  FailureOr<int64_t> axis = n.axis(n.intAttr("axis", n.opset < 13 ? 1 : -1), x.rank());
  if (failed(axis))
    return failure();
  // Before opset 13 the row is everything from the axis on.
  Rows rows = rowsAlong(n, x, *axis, n.opset < 13 ? x.rank() : *axis + 1);
  Value max = n.reduce(rows.value, rows.dims, 1, n.constant(element, -kInfinity), maxFloats);
  Value shifted =
      withStatistics(n, rows.value, rows, max, {}, element, [&](B &b, ValueRange v) -> Value {
        Value d = arith::SubFOp::create(b, v[0], v[1]);
        return isLog ? d : Value(math::ExpOp::create(b, d));
      });
  Value sum = n.reduce(shifted, rows.dims, 1, n.constant(element, 0), [&](B &b, ValueRange v) {
    Value e = isLog ? Value(math::ExpOp::create(b, v[0])) : v[0];
    return Value(arith::AddFOp::create(b, e, v[1]));
  });
  Value y = withStatistics(n, shifted, rows, sum, {}, element, [&](B &b, ValueRange v) -> Value {
    if (isLog)
      return arith::SubFOp::create(b, v[0], math::LogOp::create(b, v[1]));
    return arith::DivFOp::create(b, v[0], v[1]);
  });
  return n.set(0, x.dtype, x.dims, n.reshape(y, rows.dims, x.dims));
}

//===--- normalizations ---------------------------------------------------------------------===//

/// Mean over K of body(x) for each row.
Value meanOf(Node &n, Value x, const Rows &rows, Type element) {
  Operand sum;
  sum.dims = rows.folded;
  sum.value = n.sum(x, rows.dims, 1);
  return divideByCount(n, sum, element, rows.dims[1]);
}

/// 1 / sqrt(variance + epsilon).
Value inverseDeviation(Node &n, Value variance, const Rows &rows, double epsilon) {
  Operand operand;
  operand.dims = rows.folded;
  operand.value = variance;
  Type element = n.b.getF32Type();
  return n.elementwise({&operand}, rows.folded, element, [&](B &b, ValueRange v) -> Value {
    Value sum = arith::AddFOp::create(b, v[0], n.constant(element, epsilon));
    return arith::DivFOp::create(b, n.constant(element, 1), math::SqrtOp::create(b, sum));
  });
}

/// x - mean and its inverse deviation, for each row.
std::pair<Value, Value> center(Node &n, const Rows &rows, double epsilon) {
  Type element = n.b.getF32Type();
  Value mean = meanOf(n, rows.value, rows, element);
  Value centered =
      withStatistics(n, rows.value, rows, mean, {}, element, [](B &b, ValueRange v) -> Value {
        return arith::SubFOp::create(b, v[0], v[1]);
      });
  Value squares = withStatistics(n, centered, rows, {}, {}, element,
                                 [](B &b, ValueRange v) { return square(b, v[0]); });
  Value variance = meanOf(n, squares, rows, element);
  return {centered, inverseDeviation(n, variance, rows, epsilon)};
}

LogicalResult importLayerNormalization(Node &n) {
  Operand &x = n.in(0);
  if (!elementType(n.b, x.dtype).isF32())
    return n.unsupported(llvm::Twine("is not supported for element type ") + info(x.dtype).name);
  FailureOr<int64_t> axis = n.axis(n.intAttr("axis", -1), x.rank());
  if (failed(axis))
    return failure();
  Rows rows = rowsAlong(n, x, *axis, x.rank());
  SmallVector<Value> features;
  for (unsigned i = 1; i <= 2; ++i) {
    if (!n.has(i))
      continue;
    // Scale and bias may broadcast; then they are spread first.
    Operand &p = n.in(i);
    Dims normalized(x.dims.begin() + *axis, x.dims.end());
    FailureOr<Dims> dims = n.broadcast({normalized, p.dims});
    if (failed(dims))
      return failure();
    if (*dims != normalized)
      return n.bad("input " + llvm::Twine(i) + " of shape " + str(p.dims) +
                   " does not broadcast to " + str(normalized));
    Value v = n.value(p);
    Dims from = p.dims;
    if (p.dims != normalized) {
      v = n.elementwise({&p}, normalized, n.b.getF32Type(),
                        [](B &b, ValueRange v) { return v[0]; });
      from = normalized;
    }
    features.push_back(n.reshape(v, from, {rows.dims[1]}));
  }
  auto [centered, inverse] = center(n, rows, n.floatAttr("epsilon", 1e-5f));
  Value y = withStatistics(
      n, centered, rows, inverse, features, n.b.getF32Type(), [&](B &b, ValueRange v) -> Value {
        Value r = arith::MulFOp::create(b, v[0], v[1]);
        r = arith::MulFOp::create(b, r, v[2]);
        return features.size() == 2 ? Value(arith::AddFOp::create(b, r, v[3])) : r;
      });
  return n.set(0, x.dtype, x.dims, n.reshape(y, rows.dims, x.dims));
}

/// Scale and bias are for each channel, dimension 1.
LogicalResult importInstanceNormalization(Node &n) {
  Operand &x = n.in(0);
  if (x.rank() < 3 || !elementType(n.b, x.dtype).isF32())
    return n.unsupported("is supported for f32 tensors of rank 3 and more");
  Rows rows = rowsAlong(n, x, 2, x.rank());
  auto [centered, inverse] = center(n, rows, n.floatAttr("epsilon", 1e-5f));
  Operand y;
  y.dims = x.dims;
  Value scaled = withStatistics(
      n, centered, rows, inverse, {}, n.b.getF32Type(),
      [](B &b, ValueRange v) -> Value { return arith::MulFOp::create(b, v[0], v[1]); });
  y.value = n.reshape(scaled, rows.dims, x.dims);
  std::vector<Operand> channel;
  for (unsigned i : {1u, 2u}) {
    Operand &p = n.in(i);
    if (p.rank() != 1 || !elementType(n.b, p.dtype).isF32())
      return n.bad("scale and bias must be float vectors");
    FailureOr<DimExpr> same = n.unify(p.dims[0], x.dims[1]);
    if (failed(same))
      return failure();
    Operand spread;
    spread.dims.assign(x.rank() - 1, DimExpr(1));
    spread.dims[0] = p.dims[0];
    spread.value = n.reshape(n.value(p), p.dims, spread.dims);
    channel.push_back(spread);
  }
  Value z = n.elementwise(
      {&y, &channel[0], &channel[1]}, x.dims, n.b.getF32Type(), [](B &b, ValueRange v) -> Value {
        return arith::AddFOp::create(b, arith::MulFOp::create(b, v[0], v[1]), v[2]);
      });
  return n.set(0, x.dtype, x.dims, z);
}

/// With the statistics of training: x * scale / sqrt(var + eps) + (bias - mean * ...), the factors
/// for each channel computed once.
LogicalResult importBatchNormalization(Node &n) {
  Operand &x = n.in(0);
  Type element = elementType(n.b, x.dtype);
  if (n.intAttr("training_mode", 0) != 0)
    return n.unsupported("training mode is not supported");
  if (x.rank() < 2 || !element.isF32())
    return n.unsupported("is supported for f32 tensors of rank 2 and more");
  double epsilon = n.floatAttr("epsilon", 1e-5f);
  SmallVector<Operand *> p;
  for (unsigned i = 1; i <= 4; ++i) {
    p.push_back(&n.in(i));
    if (p.back()->rank() != 1 || !elementType(n.b, p.back()->dtype).isF32())
      return n.bad("scale, bias, mean and variance must be float vectors");
    FailureOr<DimExpr> same = n.unify(p.back()->dims[0], x.dims[1]);
    if (failed(same))
      return failure();
  }
  Operand factor, offset;
  Dims channels{x.dims[1]};
  factor.dims = offset.dims = channels;
  factor.value = n.elementwise({p[0], p[3]}, channels, element, [&](B &b, ValueRange v) -> Value {
    Value sum = arith::AddFOp::create(b, v[1], n.constant(element, epsilon));
    return arith::DivFOp::create(b, v[0], math::SqrtOp::create(b, sum));
  });
  offset.value =
      n.elementwise({p[1], p[2], &factor}, channels, element, [&](B &b, ValueRange v) -> Value {
        return arith::SubFOp::create(b, v[0], arith::MulFOp::create(b, v[1], v[2]));
      });
  Dims spread(x.rank() - 1, DimExpr(1));
  spread[0] = x.dims[1];
  for (Operand *o : {&factor, &offset}) {
    o->value = n.reshape(o->value, channels, spread);
    o->dims = spread;
  }
  Value y = n.elementwise({&x, &factor, &offset}, x.dims, element, [](B &b, ValueRange v) -> Value {
    return arith::AddFOp::create(b, arith::MulFOp::create(b, v[0], v[1]), v[2]);
  });
  return n.set(0, x.dtype, x.dims, y);
}

constexpr OpRow kRows[] = {
    {"BatchNormalization", 7, kNewestOpset, 5, 5, importBatchNormalization},
    {"InstanceNormalization", 6, kNewestOpset, 3, 3, importInstanceNormalization},
    {"LayerNormalization", 17, kNewestOpset, 2, 3, importLayerNormalization},
    {"LogSoftmax", 1, kNewestOpset, 1, 1, importSoftmax},
    {"ReduceL1", 1, kNewestOpset, 1, 2, importReduce},
    {"ReduceL2", 1, kNewestOpset, 1, 2, importReduce},
    {"ReduceLogSum", 1, kNewestOpset, 1, 2, importReduce},
    {"ReduceLogSumExp", 1, kNewestOpset, 1, 2, importReduce},
    {"ReduceMax", 1, kNewestOpset, 1, 2, importReduce},
    {"ReduceMean", 1, kNewestOpset, 1, 2, importReduce},
    {"ReduceMin", 1, kNewestOpset, 1, 2, importReduce},
    {"ReduceProd", 1, kNewestOpset, 1, 2, importReduce},
    {"ReduceSum", 1, kNewestOpset, 1, 2, importReduce},
    {"ReduceSumSquare", 1, kNewestOpset, 1, 2, importReduce},
    {"Softmax", 1, kNewestOpset, 1, 1, importSoftmax},
};

} // namespace

ArrayRef<OpRow> reduceOps() { return kRows; }

} // namespace qcc::import_onnx
