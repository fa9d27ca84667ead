//===- ImportConv.cpp - Convolutions and pools ------------------------------------===//
//
// Windows over any number of spatial dimensions: the input is padded, then one generic operation
// reads window positions through its affine map. Output columns are the innermost loop.
//
//===----------------------------------------------------------------------===//

#include "frontends/ONNX/ImportNode.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <limits>

using namespace mlir;

namespace qcc::import_onnx {
namespace {

using B = ImplicitLocOpBuilder;
constexpr int64_t kMaxExtent = int64_t(1) << 31;

/// Windows of `kernel` positions, `dilations` apart, `strides` from each other, over padded
/// dimensions.
struct Window {
  SmallVector<int64_t> kernel, strides, dilations;
  Dims before, after; ///< padding
  Dims out;           ///< positions of the window
};

FailureOr<SmallVector<int64_t>> windowAttr(Node &n, StringRef name, size_t count, int64_t otherwise,
                                           int64_t least) {
  SmallVector<int64_t> values = n.intsAttr(name).value_or(SmallVector<int64_t>(count, otherwise));
  if (values.size() != count)
    return n.bad(name + " has " + llvm::Twine(values.size()) + " entries, expected " +
                 llvm::Twine(count));
  for (int64_t v : values)
    if (v < least || v >= kMaxExtent)
      return n.bad(name + " has the entry " + llvm::Twine(v));
  return values;
}

/// Reads strides, dilations and padding; `x` is [N, C, spatial..].
FailureOr<Window> readWindow(Node &n, const Dims &x, ArrayRef<int64_t> kernel) {
  size_t rank = kernel.size();
  Window w;
  w.kernel.assign(kernel.begin(), kernel.end());
  FailureOr<SmallVector<int64_t>> strides = windowAttr(n, "strides", rank, 1, 1);
  FailureOr<SmallVector<int64_t>> dilations = windowAttr(n, "dilations", rank, 1, 1);
  FailureOr<SmallVector<int64_t>> pads = windowAttr(n, "pads", 2 * rank, 0, 0);
  if (failed(strides) || failed(dilations) || failed(pads))
    return failure();
  w.strides = *strides;
  w.dilations = *dilations;
  std::string autoPad = n.stringAttr("auto_pad", "NOTSET");
  bool same = autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER";
  if (!same && autoPad != "NOTSET" && autoPad != "VALID" && !autoPad.empty())
    return n.bad("auto_pad is \"" + autoPad + "\"");
  bool ceil = n.intAttr("ceil_mode", 0) != 0;
  for (size_t i = 0; i < rank; ++i) {
    const DimExpr &size = x[2 + i];
    DimExpr extent = DimExpr(w.kernel[i] - 1) * DimExpr(w.dilations[i]) + 1;
    DimExpr stride = w.strides[i];
    DimExpr before = autoPad == "VALID" ? 0 : (*pads)[i];
    DimExpr after = autoPad == "VALID" ? 0 : (*pads)[rank + i];
    DimExpr out;
    if (same) {
      out = size.ceilDiv(stride);
      DimExpr total = DimExpr::max((out - 1) * stride + extent - size, 0);
      DimExpr half = total.floorDiv(2);
      before = autoPad == "SAME_UPPER" ? half : total - half;
      after = total - before;
    } else {
      DimExpr room = size + before + after - extent;
      out = (ceil ? room.ceilDiv(stride) : room.floorDiv(stride)) + 1;
      if (ceil) {
        // A window must not start in the padding behind the input.
        DimExpr latest = (size + before - 1).floorDiv(stride) + 1;
        out = DimExpr::min(out, latest);
        after = DimExpr::max((out - 1) * stride + extent - size - before, 0);
      }
    }
    if (!out.isValid())
      return n.unsupported("its output size cannot be computed from the sizes of the inputs");
    if (out.upperBound() && *out.upperBound() < 1)
      return n.bad("its window of " + extent.str() + " does not fit dimension " +
                   llvm::Twine(2 + i) + " of " + str(x));
    w.before.push_back(before);
    w.after.push_back(after);
    w.out.push_back(out);
  }
  return w;
}

Value padded(Node &n, Value x, const Dims &dims, const Window &w, double fill, Dims &paddedDims) {
  paddedDims = dims;
  Dims offsets(dims.size(), DimExpr(0));
  for (size_t i = 0; i < w.kernel.size(); ++i) {
    paddedDims[2 + i] = dims[2 + i] + w.before[i] + w.after[i];
    offsets[2 + i] = w.before[i];
  }
  if (paddedDims == dims)
    return x;
  Type element = cast<RankedTensorType>(x.getType()).getElementType();
  return n.insert(x, n.filled(n.constant(element, fill), paddedDims), offsets, dims);
}

/// position * stride + tap * dilation.
AffineExpr windowExpr(Node &n, const Window &w, size_t i, unsigned position, unsigned tap) {
  return n.b.getAffineDimExpr(position) * w.strides[i] + n.b.getAffineDimExpr(tap) * w.dilations[i];
}

//===--- convolution
//---------------------------------------------------------------------------===//

LogicalResult checkConv(Node &n, Operand &x, Operand &w, int64_t groups) {
  if (x.rank() < 3 || w.rank() != x.rank())
    return n.bad("its input and weight must be of one rank, 3 or more");
  if (!elementType(n.b, x.dtype).isF32() || !elementType(n.b, w.dtype).isF32())
    return n.unsupported("is supported for f32 only");
  if (groups < 1)
    return n.bad("group is " + llvm::Twine(groups));
  for (const DimExpr &d : w.dims)
    if (!d.constant())
      return n.unsupported("its weight must have a fixed shape");
  FailureOr<DimExpr> channels = n.unify(x.dims[1], w.dims[1] * DimExpr(groups));
  if (failed(channels))
    return failure();
  if (*w.dims[0].constant() % groups != 0)
    return n.bad("has " + w.dims[0].str() + " output channels in " + llvm::Twine(groups) +
                 " groups");
  return success();
}

/// Loops: N, group, F / group, C / group, taps.., positions.. The last is innermost.
Value convolve(Node &n, Value x, const Dims &dims, Value weight, const Dims &weightDims,
               int64_t groups, const Window &w) {
  size_t rank = w.kernel.size();
  DimExpr f = *weightDims[0].exactDiv(groups);
  Dims in{dims[0], groups, weightDims[1]}, kernel{groups, f, weightDims[1]},
      out{dims[0], groups, f};
  in.append(dims.begin() + 2, dims.end());
  kernel.append(weightDims.begin() + 2, weightDims.end());
  llvm::append_range(out, w.out);
  unsigned taps = 4, positions = 4 + rank, loops = 4 + 2 * rank;
  auto d = [&](unsigned i) { return n.b.getAffineDimExpr(i); };
  SmallVector<AffineExpr> inExprs{d(0), d(1), d(3)}, kernelExprs{d(1), d(2), d(3)},
      outExprs{d(0), d(1), d(2)};
  Iterators iterators(loops, utils::IteratorType::parallel);
  iterators[3] = utils::IteratorType::reduction;
  for (size_t i = 0; i < rank; ++i) {
    iterators[taps + i] = utils::IteratorType::reduction;
    inExprs.push_back(windowExpr(n, w, i, positions + i, taps + i));
    kernelExprs.push_back(d(taps + i));
    outExprs.push_back(d(positions + i));
  }
  SmallVector<AffineMap> maps;
  for (const auto &exprs : {inExprs, kernelExprs, outExprs})
    maps.push_back(AffineMap::get(loops, 0, exprs, n.b.getContext()));
  Value init = n.filled(n.constant(n.b.getF32Type(), 0), out);
  Value y = n.generic({n.reshape(x, dims, in), n.reshape(weight, weightDims, kernel)}, init, maps,
                      iterators, [](B &b, ValueRange v) -> Value {
                        return arith::AddFOp::create(b, v[2], arith::MulFOp::create(b, v[0], v[1]));
                      });
  Dims result{dims[0], weightDims[0]};
  llvm::append_range(result, w.out);
  return n.reshape(y, out, result);
}

/// Adds a vector over dimension 1.
FailureOr<Value> addBias(Node &n, Value y, const Dims &dims, Operand &bias) {
  if (bias.rank() != 1 || !elementType(n.b, bias.dtype).isF32())
    return n.bad("its bias must be a float vector");
  if (failed(n.unify(bias.dims[0], dims[1])))
    return failure();
  Operand sum, spread;
  sum.dims = dims;
  sum.value = y;
  spread.dims.assign(dims.size() - 1, DimExpr(1));
  spread.dims[0] = dims[1];
  spread.value = n.reshape(n.value(bias), bias.dims, spread.dims);
  return n.elementwise({&sum, &spread}, dims, n.b.getF32Type(), [](B &b, ValueRange v) -> Value {
    return arith::AddFOp::create(b, v[0], v[1]);
  });
}

LogicalResult importConv(Node &n) {
  Operand &x = n.in(0), &weight = n.in(1);
  int64_t groups = n.intAttr("group", 1);
  if (failed(checkConv(n, x, weight, groups)))
    return failure();
  SmallVector<int64_t> kernel;
  for (const DimExpr &d : ArrayRef(weight.dims).drop_front(2))
    kernel.push_back(*d.constant());
  if (std::optional<SmallVector<int64_t>> given = n.intsAttr("kernel_shape");
      given && *given != kernel)
    return n.bad("kernel_shape is not that of its weight " + str(weight.dims));
  FailureOr<Window> w = readWindow(n, x.dims, kernel);
  if (failed(w))
    return failure();
  Dims paddedDims, dims{x.dims[0], weight.dims[0]};
  llvm::append_range(dims, w->out);
  Value input = padded(n, n.value(x), x.dims, *w, 0, paddedDims);
  FailureOr<Value> y = convolve(n, input, paddedDims, n.value(weight), weight.dims, groups, *w);
  if (n.has(2))
    y = addBias(n, *y, dims, n.in(2));
  if (failed(y))
    return failure();
  return n.set(0, x.dtype, dims, *y);
}

//===--- pools
//---------------------------------------------------------------------------------===//

/// Folds each window of a padded input. Loops: N, C, taps.., positions..
Value pool(Node &n, Value x, const Dims &dims, const Window &w, double init, Body fold) {
  size_t rank = w.kernel.size();
  unsigned taps = 2, positions = 2 + rank, loops = 2 + 2 * rank;
  auto d = [&](unsigned i) { return n.b.getAffineDimExpr(i); };
  SmallVector<AffineExpr> in{d(0), d(1)}, window, out{d(0), d(1)};
  Iterators iterators(loops, utils::IteratorType::parallel);
  Dims outDims{dims[0], dims[1]};
  for (size_t i = 0; i < rank; ++i) {
    iterators[taps + i] = utils::IteratorType::reduction;
    in.push_back(windowExpr(n, w, i, positions + i, taps + i));
    window.push_back(d(taps + i));
    out.push_back(d(positions + i));
    outDims.push_back(w.out[i]);
  }
  SmallVector<AffineMap> maps;
  for (const auto &exprs : {in, window, out})
    maps.push_back(AffineMap::get(loops, 0, exprs, n.b.getContext()));
  Type element = cast<RankedTensorType>(x.getType()).getElementType();
  // Only its shape is read: it bounds the loops over the window.
  Value shape = tensor::EmptyOp::create(n.b, w.kernel, element);
  return n.generic({x, shape}, n.filled(n.constant(element, init), outDims), maps, iterators,
                   [&](B &b, ValueRange v) { return fold(b, {v[0], v[2]}); });
}

FailureOr<Window> poolWindow(Node &n, Operand &x) {
  if (x.rank() < 3)
    return n.bad("its input must have rank 3 or more");
  if (!elementType(n.b, x.dtype).isF32())
    return n.unsupported("is supported for f32 only");
  std::optional<SmallVector<int64_t>> kernel = n.intsAttr("kernel_shape");
  if (!kernel || static_cast<int64_t>(kernel->size()) != x.rank() - 2)
    return n.bad("its kernel_shape must have " + llvm::Twine(x.rank() - 2) + " entries");
  for (int64_t k : *kernel)
    if (k < 1 || k >= kMaxExtent)
      return n.bad("kernel_shape has the entry " + llvm::Twine(k));
  return readWindow(n, x.dims, *kernel);
}

Dims poolDims(const Dims &x, const Window &w) {
  Dims dims{x[0], x[1]};
  llvm::append_range(dims, w.out);
  return dims;
}

LogicalResult importMaxPool(Node &n) {
  Operand &x = n.in(0);
  if (n.wants(1))
    return n.unsupported("its second output (indices) is not supported");
  FailureOr<Window> w = poolWindow(n, x);
  if (failed(w))
    return failure();
  constexpr double least = -std::numeric_limits<double>::infinity();
  Dims paddedDims;
  Value input = padded(n, n.value(x), x.dims, *w, least, paddedDims);
  Value y = pool(n, input, paddedDims, *w, least, [](B &b, ValueRange v) -> Value {
    return arith::MaximumFOp::create(b, v[0], v[1]);
  });
  return n.set(0, x.dtype, poolDims(x.dims, *w), y);
}

Value addFloats(B &b, ValueRange v) { return arith::AddFOp::create(b, v[0], v[1]); }

LogicalResult importAveragePool(Node &n) {
  Operand &x = n.in(0);
  FailureOr<Window> w = poolWindow(n, x);
  if (failed(w))
    return failure();
  Type f32 = n.b.getF32Type();
  Dims paddedDims;
  Value input = padded(n, n.value(x), x.dims, *w, 0, paddedDims);
  Operand sum;
  sum.dims = poolDims(x.dims, *w);
  sum.value = pool(n, input, paddedDims, *w, 0, addFloats);
  double count = 1;
  for (int64_t k : w->kernel)
    count *= static_cast<double>(k);
  bool ceil = n.intAttr("ceil_mode", 0) != 0;
  bool countPadding = n.intAttr("count_include_pad", 0) != 0;
  if (paddedDims == x.dims || (countPadding && !ceil)) {
    Value y = n.elementwise({&sum}, sum.dims, f32, [&](B &b, ValueRange v) -> Value {
      return arith::DivFOp::create(b, v[0], n.constant(f32, count));
    });
    return n.set(0, x.dtype, sum.dims, y);
  }
  // How many elements each window has: the same pool over ones. Padding that ceil_mode added never
  // counts.
  Dims ones = x.dims;
  ones[0] = ones[1] = 1;
  Window counted = *w;
  if (countPadding) {
    FailureOr<SmallVector<int64_t>> pads = windowAttr(n, "pads", 2 * w->kernel.size(), 0, 0);
    if (failed(pads))
      return failure();
    for (size_t i = 0; i < w->kernel.size(); ++i) {
      DimExpr own = DimExpr::min(w->after[i], (*pads)[w->kernel.size() + i]);
      ones[2 + i] = ones[2 + i] + w->before[i] + own;
      counted.after[i] = w->after[i] - own;
      counted.before[i] = 0;
    }
  }
  Dims paddedOnes;
  Value filled = n.filled(n.constant(f32, 1), ones);
  Operand counts;
  counts.dims = poolDims(ones, *w);
  counts.value =
      pool(n, padded(n, filled, ones, counted, 0, paddedOnes), paddedOnes, *w, 0, addFloats);
  Value y = n.elementwise({&sum, &counts}, sum.dims, f32, [](B &b, ValueRange v) -> Value {
    return arith::DivFOp::create(b, v[0], v[1]);
  });
  return n.set(0, x.dtype, sum.dims, y);
}

LogicalResult importGlobalPool(Node &n) {
  Operand &x = n.in(0);
  bool average = n.proto.op_type() == "GlobalAveragePool";
  Type element = elementType(n.b, x.dtype);
  if (x.rank() < 3 || !element.isF32())
    return n.unsupported("is supported for f32 tensors of rank 3 and more");
  Dims rows{x.dims[0] * x.dims[1], product(ArrayRef(x.dims).drop_front(2))};
  Operand y;
  y.dims = {rows[0]};
  Value flat = n.reshape(n.value(x), x.dims, rows);
  Value count;
  if (average) {
    y.value = n.sum(flat, rows, 1);
    Value size = arith::IndexCastOp::create(n.b, n.b.getI64Type(), n.index(rows[1]));
    count = arith::SIToFPOp::create(n.b, element, size);
    y.value = n.elementwise({&y}, y.dims, element, [&](B &b, ValueRange v) -> Value {
      return arith::DivFOp::create(b, v[0], count);
    });
  } else {
    y.value = n.reduce(
        flat, rows, 1, n.constant(element, -std::numeric_limits<double>::infinity()),
        [](B &b, ValueRange v) -> Value { return arith::MaximumFOp::create(b, v[0], v[1]); });
  }
  Dims dims(x.rank(), DimExpr(1));
  dims[0] = x.dims[0];
  dims[1] = x.dims[1];
  return n.set(0, x.dtype, dims, n.reshape(y.value, y.dims, dims));
}

constexpr OpRow kRows[] = {
    {"AveragePool", 7, kNewestOpset, 1, 1, importAveragePool},
    {"Conv", 1, kNewestOpset, 2, 3, importConv},
    {"GlobalAveragePool", 1, kNewestOpset, 1, 1, importGlobalPool},
    {"GlobalMaxPool", 1, kNewestOpset, 1, 1, importGlobalPool},
    {"MaxPool", 1, kNewestOpset, 1, 1, importMaxPool},
};

} // namespace

ArrayRef<OpRow> convOps() { return kRows; }

} // namespace qcc::import_onnx
