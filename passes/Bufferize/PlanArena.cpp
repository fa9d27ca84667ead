//===- PlanArena.cpp - All buffers in one arena --------------------------------===//
//
// The arena is: shared buffers, then for each thread its own buffers. Sizes are expressions of the
// symbolic dimensions; the same expressions, cloned, are the `<entry>.sizes` function.
//
//===----------------------------------------------------------------------===//

#include "dialects/SPMD/IR/SPMD.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "passes/Bufferize/Passes.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_PLANARENA
#include "passes/Bufferize/Passes.h.inc"

namespace {
constexpr int64_t kAlignment = 64;

/// Whether a forall writes the buffer that `alloc` made outside of it.
bool isShared(Value buffer) {
  for (OpOperand &use : buffer.getUses()) {
    Operation *user = use.getOwner();
    if (isa<ViewLikeOpInterface>(user)) {
      if (isShared(user->getResult(0)))
        return true;
      continue;
    }
    if (user->getParentOfType<scf::ForallOp>() && !isa<memref::DimOp>(user)) {
      auto effects = dyn_cast<MemoryEffectOpInterface>(user);
      if (!effects || effects.getEffectOnValue<MemoryEffects::Write>(use.get()))
        return true;
    }
  }
  return false;
}

class EntryPlanner {
public:
  explicit EntryPlanner(func::FuncOp f) : f(f), b(f.getLoc(), f.getContext()) {}

  LogicalResult run() {
    SmallVector<memref::AllocOp> allocs;
    f.walk([&](memref::AllocOp op) { allocs.push_back(op); });
    for (memref::AllocOp alloc : allocs) {
      bool inForall = alloc->getParentOfType<scf::ForallOp>() != nullptr;
      (inForall || !isShared(alloc) ? own : shared).push_back(alloc);
    }
    auto type = MemRefType::get(ShapedType::kDynamic, b.getI8Type());
    auto attrs = b.getDictionaryAttr(b.getNamedAttr("nn.arena", b.getUnitAttr()));
    if (failed(f.insertArgument(f.getNumArguments(), type, attrs, f.getLoc())))
      return failure();
    arena = f.getArgument(f.getNumArguments() - 1);

    b.setInsertionPointToStart(&f.getBody().front());
    if (failed(place()))
      return failure();
    emitSizes();
    // Not sooner: the first operation, where the sizes are computed, may be one of them.
    for (memref::AllocOp alloc : allocs)
      alloc.erase();
    return success();
  }

private:
  Value constant(int64_t v) { return arith::ConstantIndexOp::create(b, v); }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulIOp::create(b, x, y); }

  /// Bytes of a buffer rounded up to the alignment; its dynamic sizes recomputed at the entry.
  FailureOr<Value> bytes(memref::AllocOp alloc, SmallVectorImpl<Value> &sizes) {
    MemRefType type = alloc.getType();
    int64_t fixed = type.getElementTypeBitWidth() / 8;
    if (type.getElementTypeBitWidth() == 1)
      fixed = 1;
    for (int64_t d : type.getShape())
      if (!ShapedType::isDynamic(d))
        fixed *= d;
    if (alloc.getDynamicSizes().empty())
      return constant(llvm::alignTo(fixed, kAlignment));
    Value total = constant(fixed);
    for (Value size : alloc.getDynamicSizes()) {
      FailureOr<Value> atEntry = hoist(size);
      if (failed(atEntry)) {
        alloc.emitOpError("has a size that is not known when the entry point is called");
        return failure();
      }
      sizes.push_back(*atEntry);
      total = mul(total, *atEntry);
    }
    Value padded = add(total, constant(kAlignment - 1));
    return mul(arith::DivUIOp::create(b, padded, constant(kAlignment)), constant(kAlignment));
  }

  /// The size that a dimension of what an scf.index_switch yields was allocated with, or null. All of
  /// its regions yield the same size.
  static Value sizeOfChosen(memref::DimOp dim) {
    auto choice = dim.getSource().getDefiningOp<scf::IndexSwitchOp>();
    std::optional<int64_t> index = dim.getConstantIndex();
    if (!choice || !index)
      return {};
    unsigned number = cast<OpResult>(dim.getSource()).getResultNumber();
    Value yielded = choice.getDefaultBlock().getTerminator()->getOperand(number);
    auto alloc = yielded.getDefiningOp<memref::AllocOp>();
    if (!alloc || !alloc.getType().isDynamicDim(*index))
      return {};
    return alloc.getDynamicSizes()[alloc.getType().getDynamicDimIndex(*index)];
  }

  /// `v` computed from the arguments, at the insertion point.
  FailureOr<Value> hoist(Value v) {
    if (Value known = hoisted.lookupOrNull(v))
      return known;
    if (auto arg = dyn_cast<BlockArgument>(v)) {
      if (arg.getOwner() == &f.getBody().front())
        return v;
      return failure();
    }
    Operation *op = v.getDefiningOp();
    if (auto dim = dyn_cast<memref::DimOp>(op))
      if (Value size = sizeOfChosen(dim))
        return hoist(size);
    if (!isPure(op) || op->getNumRegions() != 0)
      return failure();
    for (Value operand : op->getOperands()) {
      FailureOr<Value> atEntry = hoist(operand);
      if (failed(atEntry))
        return failure();
      hoisted.map(operand, *atEntry);
    }
    Operation *clone = b.clone(*op, hoisted);
    for (auto [from, to] : llvm::zip(op->getResults(), clone->getResults()))
      hoisted.map(from, to);
    return hoisted.lookup(v);
  }

  LogicalResult place() {
    struct Place {
      memref::AllocOp alloc;
      Value offset;
      SmallVector<Value> sizes;
    };
    SmallVector<Place> places;
    auto placeAll = [&](ArrayRef<memref::AllocOp> allocs, Value &at) -> LogicalResult {
      for (memref::AllocOp alloc : allocs) {
        Place p{alloc, at, {}};
        FailureOr<Value> size = bytes(alloc, p.sizes);
        if (failed(size))
          return failure();
        at = add(at, *size);
        places.push_back(std::move(p));
      }
      return success();
    };
    sharedBytes = constant(0);
    ownBytes = constant(0);
    if (failed(placeAll(shared, sharedBytes)))
      return failure();
    size_t firstOwn = places.size();
    if (failed(placeAll(own, ownBytes)))
      return failure();
    Value mine = add(sharedBytes, mul(ownBytes, spmd::ThreadIdOp::create(b, b.getIndexType())));
    for (auto [i, p] : llvm::enumerate(places)) {
      Value offset = i < firstOwn ? p.offset : add(mine, p.offset);
      Value view = memref::ViewOp::create(b, p.alloc.getType(), arena, offset, p.sizes);
      for (Operation *user : llvm::make_early_inc_range(p.alloc->getUsers()))
        if (isa<memref::DeallocOp>(user))
          user->erase();
      p.alloc.replaceAllUsesWith(view);
    }
    return success();
  }

  /// func @f.sizes(dims..., threads) -> bytes, over clones of the size expressions.
  void emitSizes() {
    SmallVector<StringAttr> names = dimNames();
    SmallVector<Type> inputs(names.size() + 1, b.getIndexType());
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointAfter(f);
    auto sizes = func::FuncOp::create(b, (f.getName() + ".sizes").str(),
                                      b.getFunctionType(inputs, b.getIndexType()));
    sizes->setAttr("nn.sizes_of", FlatSymbolRefAttr::get(f));
    Block *body = sizes.addEntryBlock();
    b.setInsertionPointToStart(body);
    IRMapping map;
    llvm::SetVector<Operation *> slice;
    BackwardSliceOptions options;
    options.inclusive = true;
    options.omitUsesFromAbove = false;
    for (Value v : {sharedBytes, ownBytes})
      (void)getBackwardSlice(v, &slice, options);
    auto argument = [&](StringAttr name) {
      return body->getArgument(llvm::find(names, name) - names.begin());
    };
    for (BlockArgument arg : f.getArguments())
      if (auto name = f.getArgAttrOfType<StringAttr>(arg.getArgNumber(), "nn.dim"))
        map.map(arg, argument(name));
    for (Operation *op : topologicalSort(slice)) {
      if (auto dim = dyn_cast<memref::DimOp>(op))
        map.map(dim.getResult(), argument(symbolOf(dim)));
      else
        b.clone(*op, map);
    }
    Value threads = body->getArguments().back();
    Value own = mul(map.lookup(ownBytes), threads);
    func::ReturnOp::create(b, add(map.lookup(sharedBytes), own));
  }

  /// The symbolic dimension that a memref.dim of an argument is.
  StringAttr symbolOf(memref::DimOp dim) {
    auto arg = cast<BlockArgument>(dim.getSource());
    auto names = f.getArgAttrOfType<ArrayAttr>(arg.getArgNumber(), "nn.dims");
    auto type = cast<MemRefType>(arg.getType());
    unsigned position = 0;
    for (int64_t d = 0; d < *dim.getConstantIndex(); ++d)
      position += type.isDynamicDim(d);
    return cast<StringAttr>(names[position]);
  }

  /// Names of the symbolic dimensions in order of appearance; also left on the function.
  SmallVector<StringAttr> dimNames() {
    llvm::SetVector<StringAttr> names;
    for (unsigned i = 0; i < f.getNumArguments(); ++i) {
      if (auto dims = f.getArgAttrOfType<ArrayAttr>(i, "nn.dims"))
        for (auto name : dims.getAsRange<StringAttr>())
          names.insert(name);
      if (auto name = f.getArgAttrOfType<StringAttr>(i, "nn.dim"))
        names.insert(name);
    }
    f->setAttr("nn.dim_names", b.getArrayAttr(SmallVector<Attribute>(names.begin(), names.end())));
    return names.takeVector();
  }

  func::FuncOp f;
  ImplicitLocOpBuilder b;
  SmallVector<memref::AllocOp> shared, own;
  Value arena, sharedBytes, ownBytes;
  IRMapping hoisted;
};

struct PlanArena final : impl::PlanArenaBase<PlanArena> {
  void runOnOperation() override {
    SmallVector<func::FuncOp> entries;
    for (auto f : getOperation().getOps<func::FuncOp>())
      if (f->hasAttr("nn.entry"))
        entries.push_back(f);
    for (func::FuncOp f : entries)
      if (failed(EntryPlanner(f).run()))
        return signalPassFailure();
  }
};

} // namespace
} // namespace qcc
