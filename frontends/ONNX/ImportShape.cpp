//===- ImportShape.cpp - Operators on shapes ------------------------------------===//
//
// Shape, Reshape and their kin. Where the elements of a tensor are known at import (sizes and
// constants), they move along, so that a Reshape at the end of such a chain finds its sizes.
//
//===----------------------------------------------------------------------===//

#include "frontends/ONNX/ImportNode.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;

namespace qcc::import_onnx {
namespace {

using B = ImplicitLocOpBuilder;

/// Input `i` or, before opset `inputSince`, attribute `name`; nothing when neither is there.
FailureOr<std::optional<SmallVector<int64_t>>> integers(Node &n, StringRef name, unsigned i,
                                                        int64_t inputSince) {
  if (n.opset < inputSince)
    return n.intsAttr(name);
  if (!n.has(i))
    return std::optional<SmallVector<int64_t>>();
  std::optional<SmallVector<int64_t>> known = n.constantInts(n.in(i));
  if (!known)
    return n.unsupported("its " + name + " are not constant");
  return known;
}

/// The same elements in other dimensions.
LogicalResult setReshaped(Node &n, Operand &x, const Dims &dims) {
  Operand result;
  result.dtype = x.dtype;
  result.dims = dims;
  if (n.elements(x)) {
    result.elements = *n.elements(x);
    return n.set(0, std::move(result));
  }
  if (x.constant && !x.transposed && !x.value) {
    result.constant = x.constant;
    return n.set(0, std::move(result));
  }
  for (const DimExpr &d : dims)
    if (!d.isValid())
      return n.set(0, std::move(result)); // reports it
  result.value = n.reshape(n.value(x), x.dims, dims);
  return n.set(0, std::move(result));
}

LogicalResult importShape(Node &n) {
  Operand &x = n.in(0);
  int64_t rank = x.rank(), start = 0, end = rank;
  if (n.opset >= 15) {
    start = n.intAttr("start", 0);
    end = n.intAttr("end", rank);
    start = std::clamp<int64_t>(start < 0 ? start + rank : start, 0, rank);
    end = std::clamp<int64_t>(end < 0 ? end + rank : end, start, rank);
  }
  std::vector<DimExpr> sizes(x.dims.begin() + start, x.dims.begin() + end);
  return n.setElements(0, DType::I64, {static_cast<int64_t>(sizes.size())}, sizes);
}

LogicalResult importSize(Node &n) {
  return n.setElements(0, DType::I64, {}, {product(n.in(0).dims)});
}

LogicalResult importReshape(Node &n) {
  Operand &x = n.in(0);
  const std::vector<DimExpr> *shape = nullptr;
  std::vector<DimExpr> attribute;
  if (n.opset < 5) {
    for (int64_t d : n.intsAttr("shape").value_or(SmallVector<int64_t>()))
      attribute.push_back(d);
    shape = &attribute;
  } else {
    if (!n.has(1) || n.in(1).rank() != 1)
      return n.bad("its shape must be a vector");
    shape = n.elements(n.in(1));
  }
  if (!shape)
    return n.unsupported("its shape depends on data");
  if (shape->size() > 32)
    return n.unsupported("has more than 32 dimensions");
  bool zeroIsZero = n.intAttr("allowzero", 0) != 0;
  Dims dims;
  std::optional<size_t> open;
  for (auto [i, d] : llvm::enumerate(*shape)) {
    dims.push_back(d);
    if (d.isConstant(0) && !zeroIsZero) {
      if (static_cast<int64_t>(i) >= x.rank())
        return n.bad("shape[" + llvm::Twine(i) + "] is 0, but the input has rank " +
                     llvm::Twine(x.rank()));
      dims.back() = x.dims[i];
    } else if (d.isConstant(-1)) {
      if (open)
        return n.bad("its shape has more than one -1");
      open = i;
      dims.back() = 1;
    } else if (d.upperBound() && *d.upperBound() < 0) {
      return n.bad("shape[" + llvm::Twine(i) + "] is " + d.str());
    }
  }
  DimExpr total = product(x.dims), rest = product(dims);
  if (open) {
    if (rest.isConstant(0))
      return n.bad("its shape has both -1 and 0");
    std::optional<DimExpr> exact = total.exactDiv(rest);
    if (!exact && total.constant() && rest.constant())
      return n.bad("cannot be reshaped from " + str(x.dims) + ": " + rest.str() +
                   " does not divide the number of elements");
    // A symbol of which only multiples are possible would need a check when the program runs.
    if (!exact)
      return n.unsupported("reshapes " + str(x.dims) + " with a dimension of " + total.str() +
                           " / " + rest.str() +
                           ", which may not be whole; give shapes with -shape");
    dims[*open] = *exact;
  } else if (failed(n.unify(total, rest))) {
    return failure();
  }
  return setReshaped(n, x, dims);
}

LogicalResult importFlatten(Node &n) {
  Operand &x = n.in(0);
  int64_t axis = n.intAttr("axis", 1);
  if (axis < -x.rank() || axis > x.rank())
    return n.bad("axis " + llvm::Twine(axis) + " is outside a tensor of rank " +
                 llvm::Twine(x.rank()));
  axis = axis < 0 ? axis + x.rank() : axis;
  ArrayRef<DimExpr> dims = x.dims;
  return setReshaped(n, x, {product(dims.take_front(axis)), product(dims.drop_front(axis))});
}

LogicalResult importSqueeze(Node &n) {
  Operand &x = n.in(0);
  FailureOr<std::optional<SmallVector<int64_t>>> given = integers(n, "axes", 1, 13);
  if (failed(given))
    return failure();
  FailureOr<SmallVector<int64_t>> axes =
      n.axes(*given ? **given : SmallVector<int64_t>(), x.rank());
  if (failed(axes))
    return failure();
  Dims dims;
  for (auto [i, d] : llvm::enumerate(x.dims)) {
    bool drop = *given ? llvm::is_contained(*axes, static_cast<int64_t>(i)) : d.isConstant(1);
    if (!drop) {
      dims.push_back(d);
      continue;
    }
    if (failed(n.unify(d, 1)))
      return failure();
  }
  return setReshaped(n, x, dims);
}

LogicalResult importUnsqueeze(Node &n) {
  Operand &x = n.in(0);
  FailureOr<std::optional<SmallVector<int64_t>>> given = integers(n, "axes", 1, 13);
  if (failed(given))
    return failure();
  if (!*given)
    return n.bad("has no axes");
  if ((*given)->size() > 32)
    return n.bad("has " + llvm::Twine((*given)->size()) + " axes");
  int64_t rank = x.rank() + (*given)->size();
  FailureOr<SmallVector<int64_t>> axes = n.axes(**given, rank);
  if (failed(axes))
    return failure();
  Dims dims;
  for (int64_t i = 0, next = 0; i < rank; ++i)
    dims.push_back(llvm::is_contained(*axes, i) ? DimExpr(1) : x.dims[next++]);
  return setReshaped(n, x, dims);
}

LogicalResult importConstant(Node &n) {
  auto vector = [](size_t size) { return Dims{DimExpr(static_cast<int64_t>(size))}; };
  if (n.find("value")) {
    const SourceTensor *tensor = n.constantTensor();
    if (!tensor)
      return n.bad("attribute value is not a tensor");
    Operand result;
    result.dtype = tensor->dtype;
    result.dims.assign(tensor->shape.begin(), tensor->shape.end());
    result.constant = tensor;
    if (product(result.dims).isConstant(0)) {
      if (!isInteger(result.dtype))
        return n.unsupported("is an empty tensor");
      result.elements.emplace();
    }
    return n.set(0, std::move(result));
  }
  if (n.find("value_int"))
    return n.setElements(0, DType::I64, {}, {DimExpr(n.intAttr("value_int", 0))});
  if (std::optional<SmallVector<int64_t>> list = n.intsAttr("value_ints"))
    return n.setElements(0, DType::I64, vector(list->size()),
                         std::vector<DimExpr>(list->begin(), list->end()));
  SmallVector<float> floats;
  Dims dims;
  if (n.find("value_float")) {
    floats.push_back(n.floatAttr("value_float", 0));
  } else if (std::optional<SmallVector<float>> list = n.floatsAttr("value_floats")) {
    floats = *list;
    dims = vector(list->size());
  }
  if (floats.empty())
    return n.unsupported("has none of value, value_int(s) and value_float(s)");
  auto type = n.type(n.b.getF32Type(), dims);
  Value v = arith::ConstantOp::create(n.b, DenseElementsAttr::get(type, ArrayRef<float>(floats)));
  return n.set(0, DType::F32, dims, v);
}

/// Dimensions from a tensor of sizes.
FailureOr<Dims> dimsFrom(Node &n, unsigned i) {
  Operand &shape = n.in(i);
  if (shape.rank() != 1)
    return n.bad("its shape must be a vector");
  const std::vector<DimExpr> *list = n.elements(shape);
  if (!list)
    return n.unsupported("its shape depends on data");
  if (list->size() > 32)
    return n.unsupported("has more than 32 dimensions");
  for (const DimExpr &d : *list)
    if (d.upperBound() && *d.upperBound() < 0)
      return n.bad("its shape has the dimension " + d.str());
  return Dims(list->begin(), list->end());
}

LogicalResult importConstantOfShape(Node &n) {
  FailureOr<Dims> dims = dimsFrom(n, 0);
  if (failed(dims))
    return failure();
  DType dtype = DType::F32;
  double number = 0;
  if (n.find("value")) {
    Operand value;
    value.constant = n.constantTensor();
    if (!value.constant || numElements(value.constant->shape) != 1u)
      return n.bad("attribute value must be a tensor of one element");
    value.dtype = dtype = value.constant->dtype;
    if (!elementType(n.b, dtype))
      return n.unsupported(llvm::Twine("has element type ") + info(dtype).name);
    if (isInteger(dtype)) {
      DimExpr element = (*n.elements(value))[0];
      std::optional<int64_t> count = product(*dims).constant();
      if (count && *count >= 0 && *count <= 4096)
        return n.setElements(0, dtype, *dims, std::vector<DimExpr>(*count, element));
      number = static_cast<double>(*element.constant());
    } else {
      value.dims.assign(value.constant->shape.begin(), value.constant->shape.end());
      number = *n.constantScalar(value);
    }
  }
  for (const DimExpr &d : *dims)
    if (!d.isValid() || d.isConstant(0))
      return n.set(0, dtype, *dims, Value());
  return n.set(0, dtype, *dims, n.filled(n.constant(elementType(n.b, dtype), number), *dims));
}

LogicalResult importExpand(Node &n) {
  Operand &x = n.in(0);
  FailureOr<Dims> shape = dimsFrom(n, 1);
  if (failed(shape))
    return failure();
  FailureOr<Dims> dims = n.broadcast({x.dims, *shape});
  if (failed(dims))
    return failure();
  if (*dims == x.dims)
    return n.set(0, x);
  const std::vector<DimExpr> *known = n.elements(x);
  std::optional<int64_t> count = product(*dims).constant();
  if (known && known->size() == 1 && count && *count <= 4096)
    return n.setElements(0, x.dtype, *dims, std::vector<DimExpr>(*count, known->front()));
  Value y = n.elementwise({&x}, *dims, elementType(n.b, x.dtype),
                          [](B &b, ValueRange v) { return v[0]; });
  return n.set(0, x.dtype, *dims, y);
}

/// start, start + delta, ... below limit.
LogicalResult importRange(Node &n) {
  DType dtype = n.in(0).dtype;
  SmallVector<DimExpr> p;
  for (unsigned i = 0; i < 3; ++i) {
    const std::vector<DimExpr> *list = isInteger(dtype) ? n.elements(n.in(i)) : nullptr;
    if (!list || list->size() != 1)
      return n.unsupported("its bounds are not integers that follow from sizes");
    p.push_back(list->front());
  }
  std::optional<int64_t> delta = p[2].constant();
  if (!delta)
    return n.unsupported("its step is not constant");
  if (*delta == 0)
    return n.bad("its step is 0");
  DimExpr span = *delta > 0 ? p[1] - p[0] : p[0] - p[1];
  DimExpr step = *delta > 0 ? DimExpr(*delta) : DimExpr(0) - DimExpr(*delta);
  DimExpr count = DimExpr::max(span.ceilDiv(step), 0);
  if (std::optional<int64_t> c = count.constant(); c && *c <= 4096) {
    std::vector<DimExpr> list;
    for (int64_t i = 0; i < *c; ++i)
      list.push_back(p[0] + DimExpr(i) * p[2]);
    return n.setElements(0, dtype, {*c}, std::move(list));
  }
  if (!count.isValid())
    return n.set(0, dtype, {count}, Value());
  Type element = elementType(n.b, dtype);
  Value start = arith::IndexCastOp::create(n.b, element, n.index(p[0]));
  Value by = n.constant(element, static_cast<double>(*delta));
  Value y = n.generic({}, n.empty(element, {count}), n.b.getMultiDimIdentityMap(1),
                      {utils::IteratorType::parallel}, [&](B &b, ValueRange) -> Value {
                        Value i =
                            arith::IndexCastOp::create(b, element, linalg::IndexOp::create(b, 0));
                        return arith::AddIOp::create(b, start, arith::MulIOp::create(b, i, by));
                      });
  return n.set(0, dtype, {count}, y);
}

constexpr OpRow kRows[] = {
    {"Constant", 1, kNewestOpset, 0, 0, importConstant},
    {"ConstantOfShape", 9, kNewestOpset, 1, 1, importConstantOfShape},
    {"Expand", 8, kNewestOpset, 2, 2, importExpand},
    {"Flatten", 1, kNewestOpset, 1, 1, importFlatten},
    {"Range", 11, kNewestOpset, 3, 3, importRange},
    {"Reshape", 1, kNewestOpset, 1, 2, importReshape},
    {"Shape", 1, kNewestOpset, 1, 1, importShape},
    {"Size", 1, kNewestOpset, 1, 1, importSize},
    {"Squeeze", 1, kNewestOpset, 1, 2, importSqueeze},
    {"Unsqueeze", 1, kNewestOpset, 1, 2, importUnsqueeze},
};

} // namespace

ArrayRef<OpRow> shapeOps() { return kRows; }

} // namespace qcc::import_onnx
