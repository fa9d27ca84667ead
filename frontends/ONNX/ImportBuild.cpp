//===- ImportBuild.cpp - IR that the handlers of ONNX operators share ---------===//

#include "dialects/NN/IR/NN.h"
#include "frontends/ONNX/ImportNode.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace qcc::import_onnx {

/// Constants of the file up to this many elements are part of the IR; larger ones are weights.
static constexpr uint64_t kMaxDenseFloats = 16, kMaxDenseIntegers = 1024;

//===--- sizes ------------------------------------------------------------------------===//

Value Node::index(int64_t value) { return index(DimExpr(value)); }

/// The value of one factor.
static Value atomValue(Node &node, const DimAtom &atom) {
  ImplicitLocOpBuilder &b = node.b;
  Value lhs = node.index(atom.lhs), rhs = node.index(atom.rhs);
  if (atom.kind == DimAtom::Kind::Min)
    return arith::MinSIOp::create(b, lhs, rhs);
  if (atom.kind == DimAtom::Kind::Max)
    return arith::MaxSIOp::create(b, lhs, rhs);
  Value quotient = arith::DivSIOp::create(b, lhs, rhs);
  if (atom.lhs.lowerBound() && *atom.lhs.lowerBound() >= 0)
    return quotient;
  Value rest = arith::RemSIOp::create(b, lhs, rhs);
  Value isNegative =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, rest, node.index(int64_t(0)));
  Value one = node.index(int64_t(1));
  return arith::SelectOp::create(b, isNegative, arith::SubIOp::create(b, quotient, one), quotient);
}

Value Node::index(const DimExpr &size) {
  DimExpr e = size.isValid() ? size : usable(size);
  std::string key = e.str();
  if (Value known = state.sizes.count(key) ? state.sizes[key] : Value())
    return known;
  Value sum;
  auto addTo = [&](Value term) { sum = sum ? arith::AddIOp::create(b, sum, term) : term; };
  if (std::optional<int64_t> c = e.constant()) {
    sum = arith::ConstantIndexOp::create(b, *c);
  } else {
    for (const auto &[monomial, coefficient] : e.terms()) {
      Value term;
      for (const auto &atom : monomial) {
        Value factor = atom->kind == DimAtom::Kind::Symbol ? state.symbols.lookup(atom->name)
                                                           : atomValue(*this, *atom);
        term = term ? arith::MulIOp::create(b, term, factor) : factor;
      }
      if (!term)
        term = index(coefficient);
      else if (coefficient != 1)
        term = arith::MulIOp::create(b, term, index(coefficient));
      addTo(term);
    }
  }
  state.sizes[key] = sum;
  return sum;
}

DimExpr Node::usable(const DimExpr &size) {
  if (size.isValid() && !(size.constant() && *size.constant() < 0))
    return size;
  if (!didFail)
    (void)unsupported("needs a size that is too large, negative, or that cannot be computed from "
                      "the sizes of the inputs");
  return 1;
}

SmallVector<OpFoldResult> Node::mixed(ArrayRef<DimExpr> dims) {
  SmallVector<OpFoldResult> sizes;
  for (const DimExpr &d : dims) {
    DimExpr size = usable(d);
    sizes.push_back(size.constant() ? OpFoldResult(b.getIndexAttr(*size.constant()))
                                    : OpFoldResult(index(size)));
  }
  return sizes;
}

RankedTensorType Node::type(Type element, ArrayRef<DimExpr> dims) {
  SmallVector<int64_t> shape;
  for (const DimExpr &d : dims)
    shape.push_back(usable(d).constant().value_or(ShapedType::kDynamic));
  return RankedTensorType::get(shape, element);
}

Value Node::empty(Type element, ArrayRef<DimExpr> dims) {
  return tensor::EmptyOp::create(b, mixed(dims), element);
}

Value Node::filled(Value scalar, ArrayRef<DimExpr> dims) {
  return linalg::FillOp::create(b, scalar, empty(scalar.getType(), dims)).getResult(0);
}

//===--- constants and weights ----------------------------------------------------------===//

Value Node::constant(Type type, double value) {
  if (auto floatType = dyn_cast<FloatType>(type))
    return arith::ConstantOp::create(b, b.getFloatAttr(floatType, value));
  return arith::ConstantOp::create(b, b.getIntegerAttr(type, static_cast<int64_t>(value)));
}

Value Node::denseConstant(const SourceTensor &tensor, DType dtype) {
  Operand view;
  view.dtype = dtype;
  view.constant = &tensor;
  Type element = elementType(b, dtype);
  auto type = RankedTensorType::get(tensor.shape, element);
  SmallVector<Attribute> values;
  if (isInteger(dtype)) {
    unsigned width = element.getIntOrFloatBitWidth();
    for (const DimExpr &e : *elements(view))
      values.push_back(
          b.getIntegerAttr(element, APInt(width, *e.constant(), false, /*implicitTrunc=*/true)));
  } else {
    std::optional<SmallVector<double>> numbers = constantFloats(view);
    for (double v : *numbers)
      values.push_back(b.getFloatAttr(element, v));
  }
  return arith::ConstantOp::create(b, DenseElementsAttr::get(type, values));
}

Value Node::loadWeight(const SourceTensor &tensor, RankedTensorType type, StringRef order,
                       StringRef role) {
  std::string name = tensor.name;
  if (order != "natural")
    name += "." + order.str();
  SymbolTable symbols(*state.module);
  auto weight = symbols.lookup<nn::WeightOp>(name);
  if (weight && weight.getSourceType() != type) {
    llvm::raw_string_ostream(name) << "." << type.getElementType();
    weight = symbols.lookup<nn::WeightOp>(name);
  }
  if (!weight) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(state.module->getBody());
    std::string format = StringRef(info(tensor.dtype).name).lower();
    weight = nn::WeightOp::create(b, name, type, {b.getStringAttr(tensor.name)}, format, order);
    if (!state.lastWeight)
      weight->moveBefore(state.module->getBody(), state.module->getBody()->begin());
    else
      weight->moveAfter(state.lastWeight);
    state.lastWeight = weight;
  }
  if (!role.empty())
    weight.setRole(role);
  return nn::LoadWeightOp::create(b, TypeRange{type}, weight.getSymNameAttr(), Value())
      .getResult(0);
}

Value Node::weightMatrix(Operand &operand, bool transposed, StringRef role) {
  const SourceTensor *tensor = operand.constant;
  if (!tensor || operand.rank() != 2 || tensor->shape.size() != 2)
    return {};
  Type element = tensor->dtype == DType::F32    ? Type(b.getF32Type())
                 : tensor->dtype == DType::F16  ? Type(b.getF16Type())
                 : tensor->dtype == DType::BF16 ? Type(b.getBF16Type())
                                                : Type();
  // A reshape that keeps the rank could have changed the rows.
  int64_t rows = tensor->shape[operand.transposed ? 1 : 0];
  if (!element || !operand.dims[0].isConstant(rows))
    return {};
  SmallVector<int64_t> shape(tensor->shape.begin(), tensor->shape.end());
  bool fileIsTransposed = transposed != operand.transposed;
  if (fileIsTransposed)
    std::swap(shape[0], shape[1]);
  return loadWeight(*tensor, RankedTensorType::get(shape, element),
                    fileIsTransposed ? "transposed" : "natural", role);
}

Value Node::fromElements(Operand &operand) {
  Type element = elementType(b, operand.dtype);
  RankedTensorType shape = type(element, operand.dims);
  SmallVector<Attribute> constants;
  unsigned width = element.getIntOrFloatBitWidth();
  for (const DimExpr &e : *operand.elements)
    if (std::optional<int64_t> c = e.constant())
      constants.push_back(
          b.getIntegerAttr(element, APInt(width, *c, false, /*implicitTrunc=*/true)));
  if (constants.size() == operand.elements->size())
    return arith::ConstantOp::create(b, DenseElementsAttr::get(shape, constants));
  SmallVector<Value> values;
  for (const DimExpr &e : *operand.elements)
    values.push_back(arith::IndexCastOp::create(b, element, index(e)));
  return tensor::FromElementsOp::create(b, shape, values);
}

Value Node::value(Operand &operand) {
  if (operand.value)
    return operand.value;
  if (!operand.constant)
    return operand.value = fromElements(operand);
  const SourceTensor &tensor = *operand.constant;
  uint64_t count = *numElements(tensor.shape);
  bool dense = count <= (isInteger(operand.dtype) ? kMaxDenseIntegers : kMaxDenseFloats);
  if (operand.transposed && !dense)
    return operand.value = loadWeight(tensor, type(elementType(b, operand.dtype), operand.dims),
                                      "transposed", "");
  Dims from;
  llvm::append_range(from, tensor.shape);
  Value loaded =
      dense ? denseConstant(tensor, operand.dtype)
            : loadWeight(tensor, RankedTensorType::get(tensor.shape, elementType(b, operand.dtype)),
                         "natural", "");
  if (operand.transposed)
    return operand.value = transpose(loaded, operand.dims, {1, 0});
  return operand.value = reshape(loaded, from, operand.dims);
}

//===--- shapes --------------------------------------------------------------------------===//

static bool isIdentity(const Groups &groups) {
  return llvm::all_of(groups, [](const auto &group) { return group.size() == 1; });
}

Value Node::collapse(Value v, const Groups &groups) {
  auto type = cast<RankedTensorType>(v.getType());
  if (isIdentity(groups) && static_cast<int64_t>(groups.size()) == type.getRank())
    return v;
  if (auto expanded = v.getDefiningOp<tensor::ExpandShapeOp>())
    if (llvm::equal(expanded.getReassociationIndices(), groups))
      return expanded.getSrc();
  SmallVector<int64_t> shape;
  for (const auto &group : groups) {
    int64_t size = 1;
    for (int64_t d : group)
      size = ShapedType::isDynamic(size) || type.isDynamicDim(d) ? ShapedType::kDynamic
                                                                 : size * type.getDimSize(d);
    shape.push_back(size);
  }
  return tensor::CollapseShapeOp::create(b, type.clone(shape), v, groups);
}

Value Node::expand(Value v, ArrayRef<DimExpr> dims, const Groups &groups) {
  if (isIdentity(groups) && groups.size() == dims.size())
    return v;
  auto element = cast<RankedTensorType>(v.getType()).getElementType();
  return tensor::ExpandShapeOp::create(b, type(element, dims), v, groups, mixed(dims));
}

/// Groups of neighbouring dimensions of two shapes of equal size that hold the same elements: as
/// many as can be told. Empty when one side has no dimension.
static void matchGroups(ArrayRef<DimExpr> from, ArrayRef<DimExpr> to, Groups &fromGroups,
                        Groups &toGroups) {
  size_t i = 0, j = 0;
  while (i < from.size() && j < to.size()) {
    ReassociationIndices a{static_cast<int64_t>(i)}, c{static_cast<int64_t>(j)};
    DimExpr left = from[i++], right = to[j++];
    while (left != right && (i < from.size() || j < to.size())) {
      bool growRight = i == from.size() || (j < to.size() && left.exactDiv(right));
      if (growRight) {
        c.push_back(j);
        right = right * to[j++];
      } else {
        a.push_back(i);
        left = left * from[i++];
      }
    }
    fromGroups.push_back(a);
    toGroups.push_back(c);
  }
  // What is left on one side are ones.
  for (; i < from.size() && !fromGroups.empty(); ++i)
    fromGroups.back().push_back(i);
  for (; j < to.size() && !toGroups.empty(); ++j)
    toGroups.back().push_back(j);
}

Value Node::reshape(Value v, ArrayRef<DimExpr> from, ArrayRef<DimExpr> to) {
  if (from.size() == to.size() && llvm::equal(from, to))
    return v;
  Groups fromGroups, toGroups;
  matchGroups(from, to, fromGroups, toGroups);
  Value collapsed = fromGroups.empty() && !from.empty() ? collapse(v, {}) : collapse(v, fromGroups);
  return expand(collapsed, to, toGroups);
}

Value Node::transpose(Value v, ArrayRef<DimExpr> dims, ArrayRef<int64_t> perm) {
  Type element = cast<RankedTensorType>(v.getType()).getElementType();
  return linalg::TransposeOp::create(b, v, empty(element, dims), perm).getResult()[0];
}

Value Node::slice(Value v, ArrayRef<DimExpr> offsets, ArrayRef<DimExpr> sizes,
                  ArrayRef<int64_t> strides) {
  Type element = cast<RankedTensorType>(v.getType()).getElementType();
  SmallVector<OpFoldResult> steps;
  for (int64_t s : strides)
    steps.push_back(b.getIndexAttr(s));
  return tensor::ExtractSliceOp::create(b, type(element, sizes), v, mixed(offsets), mixed(sizes),
                                        steps);
}

Value Node::insert(Value piece, Value into, ArrayRef<DimExpr> offsets, ArrayRef<DimExpr> sizes) {
  SmallVector<OpFoldResult> steps(offsets.size(), b.getIndexAttr(1));
  return tensor::InsertSliceOp::create(b, piece, into, mixed(offsets), mixed(sizes), steps);
}

//===--- computations -----------------------------------------------------------------------===//

Value Node::generic(ValueRange ins, Value init, ArrayRef<AffineMap> maps,
                    const Iterators &iterators, Body body) {
  auto op =
      linalg::GenericOp::create(b, TypeRange{init.getType()}, ins, ValueRange{init}, maps,
                                iterators, [&](OpBuilder &builder, Location loc, ValueRange args) {
                                  OpBuilder::InsertionGuard guard(b);
                                  b.setInsertionPointToEnd(builder.getInsertionBlock());
                                  linalg::YieldOp::create(b, body(b, args));
                                });
  return op.getResult(0);
}

namespace {

/// How an operand meets one dimension of the result.
enum class Use : uint8_t { One, Broadcast, Full };

SmallVector<Use> usesOf(const Dims &operand, const Dims &dims) {
  SmallVector<Use> uses(dims.size(), Use::Broadcast);
  size_t missing = dims.size() - operand.size();
  for (size_t d = 0; d < dims.size(); ++d) {
    if (dims[d].isConstant(1))
      uses[d] = Use::One;
    else if (d >= missing && !operand[d - missing].isConstant(1))
      uses[d] = Use::Full;
  }
  return uses;
}

/// Groups of neighbouring dimensions that every operand reads in the same way. `uses` become those
/// of the groups.
Groups mergeDims(size_t rank, SmallVectorImpl<SmallVector<Use>> &uses) {
  Groups groups;
  SmallVector<SmallVector<Use>> merged(uses.size());
  auto joins = [&](size_t d) {
    return llvm::all_of(llvm::zip(uses, merged), [&](auto pair) {
      auto &[use, group] = pair;
      return use[d] == Use::One || group.back() == Use::One || use[d] == group.back();
    });
  };
  for (size_t d = 0; d < rank; ++d) {
    bool join = d > 0 && joins(d);
    if (join)
      groups.back().push_back(d);
    else
      groups.push_back({static_cast<int64_t>(d)});
    for (auto [use, group] : llvm::zip(uses, merged)) {
      if (!join)
        group.push_back(use[d]);
      else if (group.back() == Use::One)
        group.back() = use[d];
    }
  }
  // Matrices are tiled by columns, so one long row is kept as rows.
  if (groups.size() == 1 && rank >= 2) {
    groups.front().pop_back();
    groups.push_back({static_cast<int64_t>(rank - 1)});
    for (auto [use, group] : llvm::zip(uses, merged)) {
      group.front() = llvm::is_contained(ArrayRef(use).drop_back(), Use::Full) ? Use::Full
                      : llvm::is_contained(ArrayRef(use).drop_back(), Use::Broadcast)
                          ? Use::Broadcast
                          : Use::One;
      group.push_back(use.back());
    }
  }
  uses.assign(merged.begin(), merged.end());
  return groups;
}

} // namespace

Value Node::elementwise(ArrayRef<Operand *> operands, const Dims &dims, Type element, Body body) {
  SmallVector<Operand *> read;
  SmallVector<std::optional<double>> scalars;
  SmallVector<SmallVector<Use>> uses;
  for (Operand *operand : operands) {
    scalars.push_back(constantScalar(*operand));
    if (scalars.back())
      continue;
    read.push_back(operand);
    uses.push_back(usesOf(operand->dims, dims));
  }
  Groups groups = mergeDims(dims.size(), uses);
  unsigned loops = groups.size();
  SmallVector<Value> ins;
  SmallVector<AffineMap> maps;
  for (auto [operand, use] : llvm::zip(read, uses)) {
    int64_t missing = dims.size() - operand->dims.size();
    Groups own;
    SmallVector<AffineExpr> results;
    for (auto [g, group] : llvm::enumerate(groups)) {
      ReassociationIndices part;
      for (int64_t d : group)
        if (d >= missing)
          part.push_back(d - missing);
      if (part.empty())
        continue;
      own.push_back(part);
      results.push_back(use[g] == Use::Broadcast ? b.getAffineConstantExpr(0)
                                                 : b.getAffineDimExpr(g));
    }
    ins.push_back(collapse(value(*operand), own));
    maps.push_back(AffineMap::get(loops, 0, results, b.getContext()));
  }
  maps.push_back(b.getMultiDimIdentityMap(loops));
  Dims merged;
  for (const auto &group : groups) {
    merged.push_back(1);
    for (int64_t d : group)
      merged.back() = merged.back() * dims[d];
  }
  Iterators iterators(loops, utils::IteratorType::parallel);
  Value result = generic(
      ins, empty(element, merged), maps, iterators, [&](ImplicitLocOpBuilder &b, ValueRange args) {
        SmallVector<Value> values;
        unsigned next = 0;
        for (auto [operand, scalar] : llvm::zip(operands, scalars))
          values.push_back(scalar ? constant(elementType(b, operand->dtype), *scalar)
                                  : args[next++]);
        return body(b, values);
      });
  return expand(result, dims, groups);
}

Value Node::reduce(Value v, ArrayRef<DimExpr> dims, ArrayRef<int64_t> axes, Value init, Body body) {
  Iterators iterators;
  SmallVector<AffineExpr> kept;
  Dims result;
  for (size_t d = 0; d < dims.size(); ++d) {
    bool folded = llvm::is_contained(axes, static_cast<int64_t>(d));
    iterators.push_back(folded ? utils::IteratorType::reduction : utils::IteratorType::parallel);
    if (folded)
      continue;
    kept.push_back(b.getAffineDimExpr(d));
    result.push_back(dims[d]);
  }
  SmallVector<AffineMap> maps{b.getMultiDimIdentityMap(dims.size()),
                              AffineMap::get(dims.size(), 0, kept, b.getContext())};
  return generic(v, filled(init, result), maps, iterators, body);
}

Value Node::sum(Value v, ArrayRef<DimExpr> dims, ArrayRef<int64_t> axes) {
  Type element = cast<RankedTensorType>(v.getType()).getElementType();
  return reduce(v, dims, axes, constant(element, 0),
                [](ImplicitLocOpBuilder &b, ValueRange v) -> Value {
                  return arith::AddFOp::create(b, v[0], v[1]);
                });
}

} // namespace qcc::import_onnx
