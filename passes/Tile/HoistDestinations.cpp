//===- HoistDestinations.cpp - One buffer for what a choice yields -------------===//
//
// Regions of an scf.index_switch that each make a destination of their own would yield different
// buffers, of which nothing is known statically any more. Only one of them runs, so one will do.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/Tile/Passes.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_HOISTDESTINATIONS
#include "passes/Tile/Passes.h.inc"

namespace {
struct HoistDestinations final : impl::HoistDestinationsBase<HoistDestinations> {
  void runOnOperation() override {
    getOperation().walk([](scf::IndexSwitchOp choice) {
      for (unsigned i = 0; i < choice.getNumResults(); ++i)
        share(choice, i);
    });
  }

private:
  /// The destination of the forall that a region yields as result `i`, or null.
  static OpOperand *destination(Region &region, unsigned i) {
    auto result = dyn_cast<OpResult>(region.front().getTerminator()->getOperand(i));
    auto loop = result ? dyn_cast<scf::ForallOp>(result.getOwner()) : scf::ForallOp();
    if (!loop)
      return nullptr;
    OpOperand &out = loop.getOutputsMutable()[result.getResultNumber()];
    return out.get().getDefiningOp<tensor::EmptyOp>() ? &out : nullptr;
  }

  /// Moves `op`, and what it is computed from, before `choice`; false when that cannot be.
  static bool hoist(Operation *op, scf::IndexSwitchOp choice) {
    if (!choice->isAncestor(op))
      return true;
    if (!isPure(op) || op->getNumRegions() != 0)
      return false;
    for (Value operand : op->getOperands()) {
      Operation *from = operand.getDefiningOp();
      if (from ? !hoist(from, choice)
               : choice->isProperAncestor(operand.getParentBlock()->getParentOp()))
        return false;
    }
    op->moveBefore(choice);
    return true;
  }

  static void share(scf::IndexSwitchOp choice, unsigned i) {
    SmallVector<OpOperand *> outs;
    for (Region &region : choice->getRegions()) {
      outs.push_back(destination(region, i));
      if (!outs.back())
        return;
    }
    auto empty = outs.front()->get().getDefiningOp<tensor::EmptyOp>();
    if (!hoist(empty, choice))
      return;
    // A buffer of its own: an empty tensor could become one with that of another operation, and
    // bufferization does not see through the choice that both are needed.
    OpBuilder b(choice);
    Value shared = bufferization::AllocTensorOp::create(b, empty.getLoc(), empty.getType(),
                                                        empty.getDynamicSizes());
    for (OpOperand *out : outs)
      out->set(shared);
  }
};
} // namespace
} // namespace qcc
