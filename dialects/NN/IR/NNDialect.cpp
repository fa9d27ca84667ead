//===- NNDialect.cpp - The nn dialect: verifiers ------------------------------===//

#include "dialects/NN/IR/NN.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace qcc::nn;

#include "dialects/NN/IR/NNDialect.cpp.inc"

void NNDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/NN/IR/NNOps.cpp.inc"
      >();
}

#define GET_OP_CLASSES
#include "dialects/NN/IR/NNOps.cpp.inc"

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

void WeightOp::build(OpBuilder &b, OperationState &state, StringRef name, RankedTensorType type,
                     ArrayRef<Attribute> sources, StringRef format, StringRef order) {
  state.addAttribute("sym_name", b.getStringAttr(name));
  state.addAttribute("sym_visibility", b.getStringAttr("private"));
  state.addAttribute("source_type", TypeAttr::get(type));
  state.addAttribute("sources", b.getArrayAttr(sources));
  state.addAttribute("format", b.getStringAttr(format));
  state.addAttribute("order", b.getStringAttr(order));
}

LogicalResult WeightOp::verify() {
  auto type = dyn_cast<RankedTensorType>(getSourceType());
  if (!type || !type.hasStaticShape())
    return emitOpError("source type must be a tensor of static shape");
  if (getSources().empty())
    return emitOpError("needs at least one source tensor");
  if (getMerged() && getMerged()->size() != getSources().size())
    return emitOpError("merged must name a module for each source");
  StringRef order = getOrder();
  if (order != "natural" && order != "transposed" && order != "interleaved")
    return emitOpError("order must be natural, transposed or interleaved, found '")
           << order << "'";
  if (order == "interleaved") {
    std::optional<uint64_t> dim = getHeadDim();
    if (!dim || *dim == 0 || *dim % 2 != 0 || type.getDimSize(0) % *dim != 0)
      return emitOpError("interleaved rows need an even head_dim that divides the rows");
  }
  if (getOffset().has_value() != getComponentOffsets().has_value())
    return emitOpError("offset and component_offsets come together");
  return success();
}

LogicalResult LoadWeightOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto weight = symbols.lookupNearestSymbolFrom<WeightOp>(*this, getWeightAttr());
  if (!weight)
    return emitOpError("no nn.weight named '") << getWeight() << "'";
  if (weight.getSources().size() > 1 && !getInstance()) {
    InFlightDiagnostic diag = emitOpError("needs an instance number");
    diag.attachNote(weight.getLoc()) << "the weight has " << weight.getSources().size()
                                     << " instances";
    return diag;
  }
  SmallVector<Type> expected;
  if (ArrayAttr types = weight.getComponentTypesAttr())
    llvm::append_range(expected, types.getAsValueRange<TypeAttr>());
  else
    expected.push_back(weight.getSourceType());
  if (!llvm::equal(getComponents().getTypes(), expected)) {
    InFlightDiagnostic diag = emitOpError("result types are not those of the weight");
    diag.attachNote(weight.getLoc()) << "declared here";
    return diag;
  }
  return success();
}

LogicalResult LinearOp::verify() {
  RankedTensorType in = typeOf(getInput()), weight = typeOf(getWeight()), out = typeOf(getResult());
  if (in.getRank() != 2 || weight.getRank() != 2 || out.getRank() != 2)
    return emitOpError("takes matrices");
  if (in.getDimSize(1) != weight.getDimSize(1) || out.getDimSize(1) != weight.getDimSize(0) ||
      in.getDimSize(0) != out.getDimSize(0))
    return emitOpError("shapes must be [T, K], [N, K] -> [T, N]");
  return success();
}

LogicalResult EmbeddingOp::verify() {
  RankedTensorType ids = typeOf(getIds()), weight = typeOf(getWeight()), out = typeOf(getResult());
  if (ids.getRank() != 1 || weight.getRank() != 2 || out.getRank() != 2 ||
      out.getDimSize(0) != ids.getDimSize(0) || out.getDimSize(1) != weight.getDimSize(1))
    return emitOpError("shapes must be [T], [N, K] -> [T, K]");
  return success();
}

LogicalResult GatherColumnsOp::verify() {
  RankedTensorType in = typeOf(getInput()), from = typeOf(getColumns()), out = typeOf(getResult());
  if (in.getRank() != 2 || from.getRank() != 1 || out.getRank() != 2 || in.isDynamicDim(1) ||
      from.isDynamicDim(0) || out.getDimSize(0) != in.getDimSize(0) ||
      out.getDimSize(1) != from.getDimSize(0))
    return emitOpError("shapes must be [T, K], [P] -> [T, P] with static K and P");
  return success();
}

LogicalResult RMSNormOp::verify() {
  RankedTensorType in = typeOf(getInput()), weight = typeOf(getWeight());
  if (in.getRank() != 2 || weight.getRank() != 1 || in.getDimSize(1) != weight.getDimSize(0))
    return emitOpError("shapes must be [T, K], [K]");
  if (!getEpsilon().isFinite() || getEpsilon().isNegative())
    return emitOpError("epsilon must be finite and not negative");
  return success();
}

LogicalResult RopeTableOp::verify() {
  RankedTensorType f = typeOf(getFrequencies()), cos = typeOf(getCos()), sin = typeOf(getSin());
  if (f.getRank() != 1 || cos.getRank() != 2 || cos != sin || cos.getDimSize(1) != f.getDimSize(0))
    return emitOpError("shapes must be [D/2] -> [T, D/2], [T, D/2]");
  if (cos.isDynamicDim(0) != bool(getRows()))
    return emitOpError("rows are given exactly when T is dynamic");
  return success();
}

LogicalResult RopeOp::verify() {
  RankedTensorType in = typeOf(getInput()), cos = typeOf(getCos());
  int64_t dim = getHeadDim();
  if (dim < 2 || dim % 2 != 0 || in.getRank() != 2 || in.getDimSize(1) % dim != 0)
    return emitOpError("head_dim must be even and divide the features");
  if (cos != typeOf(getSin()) || cos.getRank() != 2 || cos.getDimSize(1) > dim / 2 ||
      cos.getDimSize(0) != in.getDimSize(0))
    return emitOpError("tables must be [T, at most head_dim / 2]");
  return success();
}

/// Caches [L, heads, C/16, D, 16] and [L, heads, C, D] that belong together, and scales
/// [L, heads, 2, C] when they are int8.
static LogicalResult verifyCaches(Operation *op, Value keys, Value values, Value scales) {
  RankedTensorType k = typeOf(keys), v = typeOf(values);
  if (k.getRank() != 5 || v.getRank() != 4 || !k.hasStaticShape() || !v.hasStaticShape() ||
      k.getDimSize(4) != 16 || k.getDimSize(0) != v.getDimSize(0) ||
      k.getDimSize(1) != v.getDimSize(1) || k.getDimSize(2) * 16 != v.getDimSize(2) ||
      k.getDimSize(3) != v.getDimSize(3) || k.getElementType() != v.getElementType())
    return op->emitOpError("caches must be keys [L, heads, C/16, D, 16] and values [L, heads, C, D]");
  if (bool(scales) != v.getElementType().isInteger(8))
    return op->emitOpError("has scales exactly when the caches are int8");
  ArrayRef<int64_t> shape = v.getShape();
  if (scales && typeOf(scales).getShape() != ArrayRef<int64_t>{shape[0], shape[1], 2, shape[2]})
    return op->emitOpError("scales must be [L, heads, 2, C] of the caches");
  return success();
}

LogicalResult KVAppendOp::verify() {
  if (failed(verifyCaches(*this, getKeyCache(), getValueCache(), getScales())))
    return failure();
  RankedTensorType k = typeOf(getKey()), cache = typeOf(getValueCache());
  if (k != typeOf(getValue()) || k.getRank() != 2 ||
      k.getDimSize(1) != cache.getDimSize(1) * cache.getDimSize(3))
    return emitOpError("key and value must be [T, heads * D] of the cache");
  if (bool(getScales()) != bool(getScalesResult()) ||
      (getScales() && getScales().getType() != getScalesResult().getType()))
    return emitOpError("scales and their result must be of the same type");
  return success();
}

LogicalResult AttentionOp::verify() {
  if (failed(verifyCaches(*this, getKeyCache(), getValueCache(), getScales())))
    return failure();
  RankedTensorType q = typeOf(getQuery()), cache = typeOf(getValueCache());
  int64_t heads = getHeads(), kvHeads = cache.getDimSize(1);
  if (heads < 1 || heads % kvHeads != 0)
    return emitOpError("heads must be a multiple of the cache's ") << kvHeads;
  if (q.getRank() != 2 || q.getDimSize(1) != heads * cache.getDimSize(3))
    return emitOpError("query must be [T, heads * D]");
  return success();
}
