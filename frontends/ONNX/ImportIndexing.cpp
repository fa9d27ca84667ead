//===- ImportIndexing.cpp - Operators that move elements -------------------------===//

#include "dialects/NN/IR/NN.h"
#include "frontends/ONNX/ImportScalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <limits>

using namespace mlir;

namespace qcc::import_onnx {
namespace {

using B = ImplicitLocOpBuilder;

/// Elements of the result when those of `x` are known: the one at each index, as `source` maps it.
std::optional<std::vector<DimExpr>>
pickElements(Node &n, Operand &x, const Dims &dims,
             llvm::function_ref<void(SmallVectorImpl<int64_t> &)> source) {
  const std::vector<DimExpr> *known = n.elements(x);
  std::optional<SmallVector<int64_t>> from = staticShape(x.dims), to = staticShape(dims);
  std::optional<int64_t> count = product(dims).constant();
  if (!known || !from || !to || !count || *count > 4096)
    return std::nullopt;
  std::vector<DimExpr> result;
  for (int64_t flat = 0; flat < *count; ++flat) {
    SmallVector<int64_t> index(to->size());
    for (int64_t rest = flat, d = to->size(); d-- > 0; rest /= (*to)[d])
      index[d] = rest % (*to)[d];
    source(index);
    int64_t at = 0;
    for (size_t d = 0; d < from->size(); ++d)
      at = at * (*from)[d] + index[d];
    result.push_back((*known)[at]);
  }
  return result;
}

//===--- transpose ---------------------------------------------------------------------------===//

LogicalResult importTranspose(Node &n) {
  Operand &x = n.in(0);
  SmallVector<int64_t> perm;
  if (std::optional<SmallVector<int64_t>> given = n.intsAttr("perm")) {
    perm = *given;
    if (static_cast<int64_t>(perm.size()) != x.rank())
      return n.bad("perm has " + llvm::Twine(perm.size()) + " entries for a tensor of rank " +
                   llvm::Twine(x.rank()));
    for (int64_t &p : perm) {
      FailureOr<int64_t> axis = n.axis(p, x.rank());
      if (failed(axis))
        return failure();
      p = *axis;
    }
    if (failed(n.axes(perm, x.rank())))
      return failure();
  } else {
    for (int64_t i = x.rank(); i-- > 0;)
      perm.push_back(i);
  }
  Dims dims;
  for (int64_t p : perm)
    dims.push_back(x.dims[p]);
  if (llvm::is_sorted(perm))
    return n.set(0, x);
  if (std::optional<std::vector<DimExpr>> known =
          pickElements(n, x, dims, [&](SmallVectorImpl<int64_t> &index) {
            SmallVector<int64_t> old(index.begin(), index.end());
            for (auto [i, p] : llvm::enumerate(perm))
              index[p] = old[i];
          }))
    return n.setElements(0, x.dtype, dims, std::move(*known));
  // Weights of other frameworks often come with a transpose: the recipe does it.
  if (x.constant && elementType(n.b, x.dtype).isF32() && x.rank() == 2 &&
      x.constant->shape.size() == 2 &&
      x.dims[0].isConstant(x.constant->shape[x.transposed ? 1 : 0])) {
    Operand result;
    result.dtype = x.dtype;
    result.dims = dims;
    result.constant = x.constant;
    result.transposed = !x.transposed;
    return n.set(0, std::move(result));
  }
  return n.set(0, x.dtype, dims, n.transpose(n.value(x), dims, perm));
}

//===--- gather
//--------------------------------------------------------------------------------===//

/// Negative indices count from the end; what is then still outside is clamped, as memory must
/// stay in bounds whatever the ids are.
Value boundedIndex(B &b, Value id, Value size, Value zero, Value last) {
  Value i = arith::IndexCastOp::create(b, b.getIndexType(), id);
  Value negative = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, i, zero);
  i = arith::SelectOp::create(b, negative, arith::AddIOp::create(b, i, size), i);
  i = arith::MaxSIOp::create(b, i, zero);
  return arith::MinSIOp::create(b, i, last);
}

/// Rows of a float matrix of the file: an embedding.
LogicalResult importEmbedding(Node &n, Value weight, const Dims &dims) {
  Operand &table = n.in(0), &ids = n.in(1);
  DimExpr count = product(ids.dims);
  Value flat;
  if (n.elements(ids)) {
    Operand vector = ids;
    vector.dims = {count};
    vector.value = {};
    for (DimExpr &e : *vector.elements)
      if (e.constant() && *e.constant() < 0)
        e = e + table.dims[0];
    flat = n.value(vector);
  } else {
    Operand vector = ids;
    vector.dims = {count};
    vector.constant = nullptr;
    vector.value = n.reshape(n.value(ids), ids.dims, {count});
    Type type = elementType(n.b, ids.dtype);
    double rows = static_cast<double>(*table.dims[0].constant());
    flat = n.elementwise({&vector}, {count}, type, [&](B &b, ValueRange v) -> Value {
      Value negative =
          arith::CmpIOp::create(b, arith::CmpIPredicate::slt, v[0], n.constant(type, 0));
      Value wrapped = arith::AddIOp::create(b, v[0], n.constant(type, rows));
      return arith::SelectOp::create(b, negative, wrapped, v[0]);
    });
  }
  DimExpr features = table.dims[1];
  Value y = nn::EmbeddingOp::create(n.b, n.type(n.b.getF32Type(), {count, features}), flat, weight);
  return n.set(0, table.dtype, dims, n.reshape(y, {count, features}, dims));
}

LogicalResult importGather(Node &n) {
  Operand &x = n.in(0), &ids = n.in(1);
  if (ids.dtype != DType::I64 && ids.dtype != DType::I32)
    return n.bad(llvm::Twine("its indices have element type ") + info(ids.dtype).name);
  FailureOr<int64_t> axis = n.axis(n.intAttr("axis", 0), x.rank());
  if (failed(axis))
    return failure();
  int64_t a = *axis, k = ids.rank();
  Dims dims(x.dims.begin(), x.dims.begin() + a);
  llvm::append_range(dims, ids.dims);
  dims.append(x.dims.begin() + a + 1, x.dims.end());
  std::optional<int64_t> size = x.dims[a].constant();
  std::optional<SmallVector<int64_t>> known = n.constantInts(ids), idShape = staticShape(ids.dims);
  if (known && size)
    for (int64_t id : *known)
      if (id < -*size || id >= *size)
        return n.bad("index " + llvm::Twine(id) + " is outside dimension " + llvm::Twine(a) +
                     " of " + str(x.dims));
  if (known && size && idShape)
    if (std::optional<std::vector<DimExpr>> list =
            pickElements(n, x, dims, [&](SmallVectorImpl<int64_t> &index) {
              int64_t flat = 0;
              for (int64_t d = 0; d < k; ++d)
                flat = flat * (*idShape)[d] + index[a + d];
              int64_t id = (*known)[flat];
              index.erase(index.begin() + a, index.begin() + a + k);
              index.insert(index.begin() + a, id < 0 ? id + *size : id);
            }))
      return n.setElements(0, x.dtype, dims, std::move(*list));
  if (a == 0 && x.rank() == 2 && !x.transposed && !(known && known->size() == 1))
    if (Value weight = n.weightMatrix(x, /*transposed=*/false, "embedding"))
      return importEmbedding(n, weight, dims);
  // One known index is a slice.
  if (known && known->size() == 1 && size) {
    Dims offsets(x.rank(), DimExpr(0)), sizes = x.dims;
    offsets[a] = (*known)[0] < 0 ? (*known)[0] + *size : (*known)[0];
    sizes[a] = 1;
    Value piece = n.slice(n.value(x), offsets, sizes, SmallVector<int64_t>(x.rank(), 1));
    return n.set(0, x.dtype, dims, n.reshape(piece, sizes, dims));
  }
  Type element = elementType(n.b, x.dtype);
  Value source = n.value(x), extent = n.index(x.dims[a]), zero = n.index(int64_t(0));
  Value last = n.index(x.dims[a] - DimExpr(1));
  unsigned loops = dims.size();
  SmallVector<AffineExpr> exprs;
  for (int64_t d = 0; d < k; ++d)
    exprs.push_back(n.b.getAffineDimExpr(a + d));
  SmallVector<AffineMap> maps{AffineMap::get(loops, 0, exprs, n.b.getContext()),
                              n.b.getMultiDimIdentityMap(loops)};
  Value y =
      n.generic(n.value(ids), n.empty(element, dims), maps,
                Iterators(loops, utils::IteratorType::parallel), [&](B &b, ValueRange v) -> Value {
                  SmallVector<Value> at;
                  for (int64_t d = 0; d < x.rank(); ++d)
                    at.push_back(d == a ? boundedIndex(b, v[0], extent, zero, last)
                                        : Value(linalg::IndexOp::create(b, d < a ? d : d + k - 1)));
                  return tensor::ExtractOp::create(b, source, at);
                });
  return n.set(0, x.dtype, dims, y);
}

//===--- slice
//-----------------------------------------------------------------------------------===//

/// A bound as 0 .. size (or -1 .. size - 1 for steps backward): negative ones count from the end.
FailureOr<DimExpr> sliceBound(Node &n, DimExpr bound, const DimExpr &size, bool backward) {
  bool negative = bound.upperBound() && *bound.upperBound() < 0;
  bool isPositive = bound.lowerBound() && *bound.lowerBound() >= 0;
  constexpr int64_t huge = std::numeric_limits<int32_t>::max();
  // The customary "to the end".
  if (bound.constant() && *bound.constant() >= huge)
    return backward ? size - 1 : size;
  if (bound.constant() && *bound.constant() <= -huge)
    return backward ? DimExpr(-1) : DimExpr(0);
  if (negative)
    bound = bound + size;
  else if (!isPositive && !(bound - size).constant()) // size - 2 is meant from the start
    return n.unsupported("it is not known whether the bound " + bound.str() +
                         " counts from the end; give shapes with -shape");
  return backward ? DimExpr::min(DimExpr::max(bound, -1), size - 1)
                  : DimExpr::min(DimExpr::max(bound, 0), size);
}

struct SliceSpec {
  Dims starts, ends;
  SmallVector<int64_t> axes, steps;
};

FailureOr<SliceSpec> sliceSpec(Node &n) {
  SliceSpec spec;
  if (n.opset < 10) {
    std::optional<SmallVector<int64_t>> starts = n.intsAttr("starts"), ends = n.intsAttr("ends");
    if (!starts || !ends)
      return n.bad("has no starts or no ends");
    llvm::append_range(spec.starts, *starts);
    llvm::append_range(spec.ends, *ends);
    spec.axes = n.intsAttr("axes").value_or(SmallVector<int64_t>());
  } else {
    const std::vector<DimExpr> *starts = n.elements(n.in(1));
    const std::vector<DimExpr> *ends = n.has(2) ? n.elements(n.in(2)) : nullptr;
    if (!starts || !ends)
      return n.unsupported("its bounds depend on data");
    llvm::append_range(spec.starts, *starts);
    llvm::append_range(spec.ends, *ends);
    for (auto [i, list] : {std::pair(3u, &spec.axes), std::pair(4u, &spec.steps)}) {
      if (!n.has(i))
        continue;
      std::optional<SmallVector<int64_t>> known = n.constantInts(n.in(i));
      if (!known)
        return n.unsupported(i == 3 ? "its axes are not constant" : "its steps are not constant");
      *list = *known;
    }
  }
  size_t count = spec.starts.size();
  if (spec.axes.empty())
    for (size_t i = 0; i < count; ++i)
      spec.axes.push_back(i);
  if (spec.steps.empty())
    spec.steps.assign(count, 1);
  if (spec.ends.size() != count || spec.axes.size() != count || spec.steps.size() != count)
    return n.bad("starts, ends, axes and steps differ in length");
  for (int64_t step : spec.steps)
    if (step == 0 || step == std::numeric_limits<int64_t>::min())
      return n.bad("has a step of " + llvm::Twine(step));
  if (failed(n.axes(spec.axes, n.in(0).rank())))
    return failure();
  for (int64_t &axis : spec.axes)
    axis = axis < 0 ? axis + n.in(0).rank() : axis;
  return spec;
}

/// result[i] = x[start + i * step].
Value reverseSlice(Node &n, Operand &x, const Dims &dims, const Dims &starts,
                   ArrayRef<int64_t> steps) {
  Type element = elementType(n.b, x.dtype);
  Value source = n.value(x);
  SmallVector<Value> first, by;
  for (auto [start, step] : llvm::zip(starts, steps)) {
    first.push_back(n.index(start));
    by.push_back(n.index(step));
  }
  unsigned loops = dims.size();
  return n.generic({}, n.empty(element, dims), n.b.getMultiDimIdentityMap(loops),
                   Iterators(loops, utils::IteratorType::parallel), [&](B &b, ValueRange) -> Value {
                     SmallVector<Value> at;
                     for (unsigned d = 0; d < loops; ++d) {
                       Value i = linalg::IndexOp::create(b, d);
                       at.push_back(
                           arith::AddIOp::create(b, first[d], arith::MulIOp::create(b, i, by[d])));
                     }
                     return tensor::ExtractOp::create(b, source, at);
                   });
}

LogicalResult importSlice(Node &n) {
  Operand &x = n.in(0);
  FailureOr<SliceSpec> spec = sliceSpec(n);
  if (failed(spec))
    return failure();
  Dims starts(x.rank(), DimExpr(0)), dims = x.dims;
  SmallVector<int64_t> steps(x.rank(), 1);
  for (auto [start, end, axis, step] :
       llvm::zip(spec->starts, spec->ends, spec->axes, spec->steps)) {
    bool backward = step < 0;
    FailureOr<DimExpr> from = sliceBound(n, start, x.dims[axis], backward);
    FailureOr<DimExpr> to = sliceBound(n, end, x.dims[axis], backward);
    if (failed(from) || failed(to))
      return failure();
    DimExpr span = backward ? *from - *to : *to - *from;
    starts[axis] = *from;
    steps[axis] = step;
    dims[axis] = DimExpr::max(span.ceilDiv(backward ? -step : step), 0);
  }
  if (isInteger(x.dtype) && staticShape(starts))
    if (std::optional<std::vector<DimExpr>> known =
            pickElements(n, x, dims, [&](SmallVectorImpl<int64_t> &index) {
              for (auto [i, start, step] : llvm::zip(index, starts, steps))
                i = *start.constant() + i * step;
            }))
      return n.setElements(0, x.dtype, dims, std::move(*known));
  if (dims == x.dims && llvm::all_of(steps, [](int64_t s) { return s == 1; }))
    return n.set(0, x);
  for (const DimExpr &d : dims)
    if (!d.isValid() || d.isConstant(0))
      return n.set(0, x.dtype, dims, Value()); // reports it
  Value y = llvm::any_of(steps, [](int64_t s) { return s < 0; })
                ? reverseSlice(n, x, dims, starts, steps)
                : n.slice(n.value(x), starts, dims, steps);
  return n.set(0, x.dtype, dims, y);
}

//===--- concat, split
//-----------------------------------------------------------------------------===//

LogicalResult importConcat(Node &n) {
  Operand &first = n.in(0);
  if (!n.hasAttr("axis"))
    return n.bad("has no axis");
  FailureOr<int64_t> axis = n.axis(n.intAttr("axis", 0), first.rank());
  if (failed(axis))
    return failure();
  Dims dims = first.dims;
  std::vector<DimExpr> elements;
  bool known = first.rank() == 1;
  SmallVector<Operand *> parts;
  for (unsigned i = 0; i < n.numInputs(); ++i) {
    if (!n.has(i))
      return n.bad("has no input " + llvm::Twine(i));
    Operand &x = n.in(i);
    if (x.rank() != first.rank() || x.dtype != first.dtype)
      return n.bad("input " + llvm::Twine(i) + " has another rank or element type than input 0");
    for (int64_t d = 0; d < x.rank(); ++d) {
      if (d == *axis)
        continue;
      FailureOr<DimExpr> same = n.unify(dims[d], x.dims[d]);
      if (failed(same))
        return failure();
    }
    if (i > 0)
      dims[*axis] = dims[*axis] + x.dims[*axis];
    const std::vector<DimExpr> *own = known ? n.elements(x) : nullptr;
    known = own != nullptr && elements.size() + own->size() <= 4096;
    if (known)
      elements.insert(elements.end(), own->begin(), own->end());
    if (!product(x.dims).isConstant(0))
      parts.push_back(&x);
  }
  if (known)
    return n.setElements(0, first.dtype, dims, std::move(elements));
  for (const DimExpr &d : dims)
    if (!d.isValid() || d.isConstant(0))
      return n.set(0, first.dtype, dims, Value());
  Value result = n.empty(elementType(n.b, first.dtype), dims);
  Dims offsets(first.rank(), DimExpr(0));
  for (Operand *x : parts) {
    result = n.insert(n.value(*x), result, offsets, x->dims);
    offsets[*axis] = offsets[*axis] + x->dims[*axis];
  }
  return n.set(0, first.dtype, dims, result);
}

FailureOr<SmallVector<int64_t>> splitSizes(Node &n, const DimExpr &size) {
  std::optional<SmallVector<int64_t>> given;
  if (n.opset < 13) {
    given = n.intsAttr("split");
  } else if (n.has(1)) {
    given = n.constantInts(n.in(1));
    if (!given)
      return n.unsupported("its sizes are not constant");
  }
  int64_t parts = n.opset >= 18 && !given ? n.intAttr("num_outputs", n.numOutputs())
                                          : static_cast<int64_t>(n.numOutputs());
  if (parts != static_cast<int64_t>(n.numOutputs()))
    return n.bad("num_outputs is " + llvm::Twine(parts) + ", but it has " +
                 llvm::Twine(n.numOutputs()) + " outputs");
  if (given) {
    if (given->size() != n.numOutputs())
      return n.bad("has " + llvm::Twine(given->size()) + " sizes for " +
                   llvm::Twine(n.numOutputs()) + " outputs");
    DimExpr sum = 0;
    for (int64_t s : *given) {
      if (s < 0)
        return n.bad("has the size " + llvm::Twine(s));
      sum = sum + DimExpr(s);
    }
    if (failed(n.unify(sum, size)))
      return failure();
    return *given;
  }
  if (!size.constant())
    return n.unsupported("splits a dimension of unknown size evenly; give it with -shape");
  // From opset 18 on the last part may be smaller.
  int64_t each = llvm::divideCeil(*size.constant(), parts);
  if (n.opset < 18 && *size.constant() % parts != 0)
    return n.bad("dimension " + size.str() + " does not divide into " + llvm::Twine(parts) +
                 " parts");
  SmallVector<int64_t> sizes(parts, each);
  sizes.back() = *size.constant() - each * (parts - 1);
  if (sizes.back() < 0)
    return n.bad("dimension " + size.str() + " does not divide into " + llvm::Twine(parts) +
                 " parts");
  return sizes;
}

LogicalResult importSplit(Node &n) {
  Operand x = n.in(0);
  FailureOr<int64_t> axis = n.axis(n.intAttr("axis", 0), x.rank());
  if (failed(axis) || n.numOutputs() == 0)
    return failure();
  FailureOr<SmallVector<int64_t>> sizes = splitSizes(n, x.dims[*axis]);
  if (failed(sizes))
    return failure();
  Dims offsets(x.rank(), DimExpr(0));
  for (auto [i, size] : llvm::enumerate(*sizes)) {
    Dims dims = x.dims;
    dims[*axis] = size;
    std::optional<std::vector<DimExpr>> known =
        pickElements(n, x, dims, [&](SmallVectorImpl<int64_t> &index) {
          index[*axis] += *offsets[*axis].constant();
        });
    Operand part;
    part.dtype = x.dtype;
    part.dims = dims;
    part.elements = known;
    if (!known && size != 0)
      part.value = n.slice(n.value(x), offsets, dims, SmallVector<int64_t>(x.rank(), 1));
    if (failed(n.set(i, std::move(part))))
      return failure();
    offsets[*axis] = offsets[*axis] + DimExpr(size);
  }
  return success();
}

//===--- pad
//-------------------------------------------------------------------------------------------===//

/// Where a padded index reads, for modes that repeat the input's own elements.
Value padSource(B &b, Value i, Value zero, Value last, bool reflect) {
  if (reflect) {
    i = arith::MaxSIOp::create(b, i, arith::SubIOp::create(b, zero, i));
    Value twice = arith::AddIOp::create(b, last, last);
    i = arith::MinSIOp::create(b, i, arith::SubIOp::create(b, twice, i));
  }
  // Also in range when a dimension is shorter than its padding.
  return arith::MinSIOp::create(b, arith::MaxSIOp::create(b, i, zero), last);
}

FailureOr<Dims> padAmounts(Node &n) {
  Operand &x = n.in(0);
  SmallVector<DimExpr> given;
  if (n.opset < 11) {
    llvm::append_range(given, n.intsAttr("pads").value_or(SmallVector<int64_t>()));
  } else {
    const std::vector<DimExpr> *known = n.has(1) ? n.elements(n.in(1)) : nullptr;
    if (!known)
      return n.unsupported("its pads depend on data");
    given.assign(known->begin(), known->end());
  }
  SmallVector<int64_t> axes;
  if (n.opset >= 18 && n.has(3)) {
    std::optional<SmallVector<int64_t>> list = n.constantInts(n.in(3));
    if (!list)
      return n.unsupported("its axes are not constant");
    if (failed(n.axes(*list, x.rank())))
      return failure();
    for (int64_t axis : *list)
      axes.push_back(axis < 0 ? axis + x.rank() : axis);
  } else {
    for (int64_t i = 0; i < x.rank(); ++i)
      axes.push_back(i);
  }
  if (given.size() != 2 * axes.size())
    return n.bad("has " + llvm::Twine(given.size()) + " pads for " + llvm::Twine(axes.size()) +
                 " axes");
  Dims amounts(2 * x.rank(), DimExpr(0));
  for (auto [i, axis] : llvm::enumerate(axes)) {
    amounts[axis] = given[i];
    amounts[x.rank() + axis] = given[axes.size() + i];
  }
  return amounts;
}

LogicalResult importPad(Node &n) {
  Operand &x = n.in(0);
  std::string mode = n.stringAttr("mode", "constant");
  if (mode != "constant" && mode != "edge" && mode != "reflect")
    return n.unsupported("mode \"" + mode + "\" is not supported");
  FailureOr<Dims> amounts = padAmounts(n);
  if (failed(amounts))
    return failure();
  int64_t rank = x.rank();
  // Negative padding cuts off.
  Dims offsets, kept, before, dims;
  for (int64_t i = 0; i < rank; ++i) {
    const DimExpr &low = (*amounts)[i], &high = (*amounts)[rank + i];
    for (const DimExpr &p : {low, high})
      if (!p.lowerBound() && !p.upperBound())
        return n.unsupported("has a padding " + p.str() + " whose sign is not known");
    offsets.push_back(DimExpr::max(DimExpr(0) - low, 0));
    before.push_back(DimExpr::max(low, 0));
    kept.push_back(x.dims[i] - offsets.back() - DimExpr::max(DimExpr(0) - high, 0));
    dims.push_back(x.dims[i] + low + high);
    if (!dims.back().isValid() || !kept.back().isValid() || kept.back().isConstant(0) ||
        (kept.back().upperBound() && *kept.back().upperBound() < 0))
      return n.set(0, x.dtype, {dims.back(), kept.back()}, Value()); // reports it
    if (mode == "reflect" && x.dims[i].constant())
      for (const DimExpr &p : {low, high})
        if (p.constant() && *p.constant() >= *x.dims[i].constant())
          return n.bad("reflects " + p.str() + " elements of a dimension of " + x.dims[i].str());
  }
  if (dims == x.dims && kept == x.dims)
    return n.set(0, x);
  Type element = elementType(n.b, x.dtype);
  Value inner = kept == x.dims ? n.value(x)
                               : n.slice(n.value(x), offsets, kept, SmallVector<int64_t>(rank, 1));
  if (mode == "constant") {
    double fill = n.opset < 11 ? n.floatAttr("value", 0) : 0;
    if (n.opset >= 11 && n.has(2)) {
      std::optional<double> scalar = n.constantScalar(n.in(2));
      if (!scalar)
        return n.unsupported("its value is not constant");
      fill = *scalar;
    }
    Value padded = n.filled(n.constant(element, fill), dims);
    return n.set(0, x.dtype, dims, n.insert(inner, padded, before, kept));
  }
  SmallVector<Value> shift, last;
  for (int64_t i = 0; i < rank; ++i) {
    shift.push_back(n.index(before[i]));
    last.push_back(n.index(kept[i] - DimExpr(1)));
  }
  Value zero = n.index(int64_t(0));
  Value y =
      n.generic({}, n.empty(element, dims), n.b.getMultiDimIdentityMap(rank),
                Iterators(rank, utils::IteratorType::parallel), [&](B &b, ValueRange) -> Value {
                  SmallVector<Value> at;
                  for (int64_t d = 0; d < rank; ++d) {
                    Value i = linalg::IndexOp::create(b, d);
                    i = arith::SubIOp::create(b, i, shift[d]);
                    at.push_back(padSource(b, i, zero, last[d], mode == "reflect"));
                  }
                  return tensor::ExtractOp::create(b, inner, at);
                });
  return n.set(0, x.dtype, dims, y);
}

constexpr OpRow kRows[] = {
    {"Concat", 4, kNewestOpset, 1, kAnyNumber, importConcat},
    {"Gather", 1, kNewestOpset, 2, 2, importGather},
    {"Pad", 2, kNewestOpset, 1, 4, importPad},
    {"Slice", 1, kNewestOpset, 1, 5, importSlice},
    {"Split", 2, kNewestOpset, 1, 2, importSplit},
    {"Transpose", 1, kNewestOpset, 1, 1, importTranspose},
};

} // namespace

ArrayRef<OpRow> indexingOps() { return kRows; }

} // namespace qcc::import_onnx
