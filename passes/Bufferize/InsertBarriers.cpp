//===- InsertBarriers.cpp - Barriers where data crosses threads ----------------===//

#include "dialects/SPMD/IR/SPMD.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "passes/Bufferize/Passes.h"
#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_INSERTBARRIERS
#include "passes/Bufferize/Passes.h.inc"

namespace {

/// Which piece of a buffer an iteration of a forall touches: per dimension, iv * factor.
/// `factor` 0 is the whole dimension.
struct Piece {
  Type of;                                   ///< the memref that is cut
  SmallVector<std::pair<int, int64_t>> dims; ///< (number of the induction variable, factor)
  bool operator==(const Piece &o) const { return of == o.of && dims == o.dims; }
};

/// How iterations are dealt to threads: the same bounds in the same order mean the same threads.
struct Access {
  Value root;
  bool write = false;
  SmallVector<OpFoldResult> bounds; ///< of the forall; empty: every thread, all of it
  bool cyclic = false;
  std::optional<Piece> piece; ///< nothing: any part
};

/// A forall of one iteration is always the same thread's.
bool isOnce(const Access &a) {
  return !a.bounds.empty() &&
         llvm::all_of(a.bounds, [](OpFoldResult bound) { return isConstantIntValue(bound, 1); });
}

bool sameThread(const Access &a, const Access &b) {
  if (isOnce(a) && isOnce(b))
    return true;
  return a.piece && b.piece && *a.piece == *b.piece && a.bounds == b.bounds && a.cyclic == b.cyclic;
}

class Inserter {
public:
  explicit Inserter(func::FuncOp f) : f(f) {}

  LogicalResult run() {
    SmallVector<Access> pending;
    visit(f.getBody().front(), pending);
    return success(!wrong);
  }

private:
  using Pending = SmallVector<Access>;

  static void merge(Pending &into, const Pending &from) { into.append(from.begin(), from.end()); }

  void visit(Block &block, Pending &pending) {
    for (Operation &op : llvm::make_early_inc_range(block)) {
      if (isa<spmd::BarrierOp>(op)) {
        pending.clear();
      } else if (auto loop = dyn_cast<scf::ForOp>(op); loop && hasForall(loop)) {
        // The second time round the body meets what its own end left pending.
        Pending before = pending;
        for (int round = 0; round < 2; ++round)
          visit(*loop.getBody(), pending);
        merge(pending, before);
      } else if (isa<scf::IndexSwitchOp, scf::IfOp>(op) && hasForall(&op)) {
        Pending before = pending, after;
        for (Region &region : op.getRegions()) {
          Pending inside = before;
          if (!region.empty())
            visit(region.front(), inside);
          merge(after, inside);
        }
        pending = std::move(after);
      } else {
        visitPhase(&op, pending);
      }
    }
  }

  static bool hasForall(Operation *op) {
    return op->walk([](scf::ForallOp) { return WalkResult::interrupt(); }).wasInterrupted();
  }

  /// An operation between whose parts there is no barrier: a forall, or anything replicated.
  void visitPhase(Operation *op, Pending &pending) {
    Pending accesses;
    collect(op, accesses);
    if (accesses.empty())
      return;
    if (!isa<scf::ForallOp>(op) &&
        llvm::any_of(accesses, [](const Access &a) { return a.write; })) {
      op = doOnce(op);
      accesses.clear();
      collect(op, accesses);
    }
    bool conflict = llvm::any_of(accesses, [&](const Access &now) {
      return llvm::any_of(pending, [&](const Access &then) {
        return now.root == then.root && (now.write || then.write) && !sameThread(now, then);
      });
    });
    if (conflict) {
      OpBuilder b(op);
      spmd::BarrierOp::create(b, op->getLoc());
      pending.clear();
    }
    merge(pending, accesses);
  }

  /// What every thread would do to memory that all see is for one of them to do.
  Operation *doOnce(Operation *op) {
    if (op->getNumResults() != 0) {
      op->emitOpError("writes memory of all threads and has results").attachNote()
          << "qcc-tile-to-threads should have made it a forall";
      wrong = true;
      return op;
    }
    OpBuilder b(op);
    auto once = scf::ForallOp::create(b, op->getLoc(), ArrayRef<OpFoldResult>{b.getIndexAttr(1)},
                                      ValueRange(), std::nullopt);
    op->moveBefore(once.getTerminator());
    return once;
  }

  void collect(Operation *phase, Pending &accesses) {
    auto forall = dyn_cast<scf::ForallOp>(phase);
    phase->walk([&](Operation *op) {
      auto effects = dyn_cast<MemoryEffectOpInterface>(op);
      if (!effects)
        return;
      for (OpOperand &operand : op->getOpOperands()) {
        if (!isa<MemRefType>(operand.get().getType()))
          continue;
        bool write = effects.getEffectOnValue<MemoryEffects::Write>(operand.get()).has_value();
        bool read = effects.getEffectOnValue<MemoryEffects::Read>(operand.get()).has_value();
        if (!write && !read)
          continue;
        Access access;
        std::optional<Piece> piece;
        access.root = traceRoot(operand.get(), forall, piece);
        if (!isSharedMemory(access.root))
          continue;
        access.write = write;
        if (forall) {
          access.bounds = forall.getMixedUpperBound();
          access.cyclic = forall->hasAttr("spmd.cyclic");
          access.piece = piece;
        }
        accesses.push_back(access);
      }
    });
  }

  /// Follows views to the buffer; the view nearest to it that depends on the forall says which
  /// piece.
  static Value traceRoot(Value v, scf::ForallOp forall, std::optional<Piece> &piece) {
    while (true) {
      Operation *def = v.getDefiningOp();
      auto view = dyn_cast_or_null<ViewLikeOpInterface>(def);
      if (!view || isa<memref::ViewOp>(def))
        return v;
      if (auto subview = dyn_cast<memref::SubViewOp>(def); subview && forall)
        if (std::optional<Piece> p = pieceOf(subview, forall))
          piece = p;
      v = view.getViewSource();
    }
  }

  static std::optional<Piece> pieceOf(memref::SubViewOp op, scf::ForallOp forall) {
    Piece piece;
    piece.of = op.getSourceType();
    llvm::SmallBitVector used(forall.getRank());
    for (auto [offset, size] : llvm::zip(op.getMixedOffsets(), op.getMixedSizes())) {
      std::pair<int, int64_t> dim{-1, 0};
      if (auto value = dyn_cast<Value>(offset)) {
        std::optional<std::pair<int, int64_t>> found = multipleOfInduction(value, forall);
        std::optional<int64_t> extent = getConstantIntValue(size);
        if (!found || !extent || *extent > found->second)
          return std::nullopt;
        dim = *found;
        used.set(found->first);
      }
      piece.dims.push_back(dim);
    }
    // An induction variable that is not used would let several threads meet in one piece.
    for (auto [i, bound] : llvm::enumerate(forall.getMixedUpperBound()))
      if (!used.test(i) && getConstantIntValue(bound) != 1)
        return std::nullopt;
    return piece;
  }

  static std::optional<std::pair<int, int64_t>> multipleOfInduction(Value v, scf::ForallOp forall) {
    auto number = [&](Value iv) -> int {
      auto ivs = forall.getInductionVars();
      auto it = llvm::find(ivs, iv);
      return it == ivs.end() ? -1 : it - ivs.begin();
    };
    if (int n = number(v); n >= 0)
      return std::pair<int, int64_t>{n, 1};
    auto apply = v.getDefiningOp<affine::AffineApplyOp>();
    if (!apply || apply->getNumOperands() != 1)
      return std::nullopt;
    int n = number(apply.getOperand(0));
    auto mul = dyn_cast<AffineBinaryOpExpr>(apply.getAffineMap().getResult(0));
    if (n < 0 || !mul || mul.getKind() != AffineExprKind::Mul)
      return std::nullopt;
    auto factor = dyn_cast<AffineConstantExpr>(mul.getRHS());
    if (!factor || factor.getValue() <= 0)
      return std::nullopt;
    return std::pair<int, int64_t>{n, factor.getValue()};
  }

  /// Arguments but the weights are shared, and so are views of the arena at an offset that is the
  /// same for all threads.
  bool isSharedMemory(Value root) {
    if (auto arg = dyn_cast<BlockArgument>(root)) {
      if (arg.getOwner() != &f.getBody().front())
        return true;
      return !f.getArgAttr(arg.getArgNumber(), "nn.weights");
    }
    if (auto view = root.getDefiningOp<memref::ViewOp>()) {
      auto arg = dyn_cast<BlockArgument>(view.getSource());
      if (arg && f.getArgAttr(arg.getArgNumber(), "nn.weights"))
        return false;
      return !dependsOnThread(view.getByteShift());
    }
    // Constants.
    return !root.getDefiningOp<memref::GetGlobalOp>();
  }

  static bool dependsOnThread(Value v) {
    Operation *def = v.getDefiningOp();
    if (!def)
      return false;
    if (isa<spmd::ThreadIdOp>(def))
      return true;
    return llvm::any_of(def->getOperands(), dependsOnThread);
  }

  func::FuncOp f;
  bool wrong = false;
};

struct InsertBarriers final : impl::InsertBarriersBase<InsertBarriers> {
  void runOnOperation() override {
    if (getOperation()->hasAttr("nn.entry") && failed(Inserter(getOperation()).run()))
      signalPassFailure();
  }
};

} // namespace
} // namespace qcc
