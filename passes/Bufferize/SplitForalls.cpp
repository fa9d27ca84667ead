//===- SplitForalls.cpp - Each thread's share of a forall ----------------------===//

#include "dialects/SPMD/IR/SPMD.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"
#include "passes/Bufferize/Passes.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_SPLITFORALLS
#include "passes/Bufferize/Passes.h.inc"

namespace {
struct SplitForalls final : impl::SplitForallsBase<SplitForalls> {
  void runOnOperation() override {
    SmallVector<scf::ForallOp> loops;
    getOperation().walk([&](scf::ForallOp op) { loops.push_back(op); });
    for (scf::ForallOp loop : loops) {
      if (loop->getNumResults() != 0) {
        loop.emitOpError("still has tensor results").attachNote() << "bufferize it first";
        return signalPassFailure();
      }
      if (!loop.isNormalized()) {
        loop.emitOpError("does not count from 0 in steps of 1");
        return signalPassFailure();
      }
      split(loop);
    }
  }

  void split(scf::ForallOp loop) {
    ImplicitLocOpBuilder b(loop.getLoc(), loop);
    SmallVector<Value> bounds;
    for (OpFoldResult bound : loop.getMixedUpperBound())
      bounds.push_back(getValueOrCreateConstantIndexOp(b, b.getLoc(), bound));
    Value total = bounds.front();
    for (Value bound : ArrayRef(bounds).drop_front())
      total = arith::MulIOp::create(b, total, bound);
    Value one = arith::ConstantIndexOp::create(b, 1);
    Value thread = spmd::ThreadIdOp::create(b, b.getIndexType());
    Value threads = spmd::NumThreadsOp::create(b, b.getIndexType());
    Value from = thread, to = total, step = threads;
    if (!loop->hasAttr("spmd.cyclic")) {
      auto share = [&](Value t) -> Value {
        return arith::DivUIOp::create(b, arith::MulIOp::create(b, total, t), threads);
      };
      from = share(thread);
      to = share(arith::AddIOp::create(b, thread, one));
      step = one;
    }
    auto inner = scf::ForOp::create(b, from, to, step);
    inner->setAttr("spmd.share", b.getUnitAttr());
    b.setInsertionPointToStart(inner.getBody());
    // The last induction variable runs fastest.
    SmallVector<Value> ivs(bounds.size());
    Value rest = inner.getInductionVar();
    for (size_t i = bounds.size(); i-- > 1;) {
      ivs[i] = arith::RemUIOp::create(b, rest, bounds[i]);
      rest = arith::DivUIOp::create(b, rest, bounds[i]);
    }
    ivs[0] = rest;
    IRRewriter rewriter(b);
    Operation *terminator = loop.getBody()->getTerminator();
    rewriter.eraseOp(terminator);
    rewriter.inlineBlockBefore(loop.getBody(), inner.getBody()->getTerminator(), ivs);
    rewriter.eraseOp(loop);
  }
};
} // namespace
} // namespace qcc
