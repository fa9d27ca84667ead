//===- TapObservers.cpp - What observers see, as results of the entry point ----===//

#include "dialects/QuantExt/IR/QuantExt.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "passes/Calibrate/Passes.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_TAPOBSERVERS
#include "passes/Calibrate/Passes.h.inc"

namespace {
struct TapObservers final : impl::TapObserversBase<TapObservers> {
  void runOnOperation() override {
    func::FuncOp f = getOperation();
    if (!f->hasAttr("nn.entry"))
      return;
    SmallVector<quant_ext::ObserveOp> straight;
    llvm::MapVector<Operation *, SmallVector<quant_ext::ObserveOp>> looped;
    WalkResult result = f.walk([&](quant_ext::ObserveOp op) -> WalkResult {
      Operation *parent = op->getParentOp();
      if (parent == f)
        straight.push_back(op);
      else if (isa<scf::ForOp>(parent) && parent->getParentOp() == f)
        looped[parent].push_back(op);
      else
        return op.emitOpError("is neither in an entry point nor in its loop over layers; models "
                              "with layers of several kinds cannot be calibrated");
      return WalkResult::advance();
    });
    if (result.wasInterrupted() || failed(findRows(f)))
      return signalPassFailure();
    for (quant_ext::ObserveOp op : straight)
      addResult(f, op.getSource(), op.getName());
    for (auto &[loop, ops] : looped)
      tapLoop(f, cast<scf::ForOp>(loop), ops);
    f.walk([](quant_ext::ObserveOp op) {
      op.replaceAllUsesWith(op.getSource());
      op.erase();
    });
  }

private:
  /// The argument whose rows are the rows of everything that is observed.
  LogicalResult findRows(func::FuncOp f) {
    for (BlockArgument arg : f.getArguments())
      if (auto dims = f.getArgAttrOfType<ArrayAttr>(arg.getArgNumber(), "nn.dims"))
        if (auto type = dyn_cast<RankedTensorType>(arg.getType());
            type && dims.size() == 1 && type.isDynamicDim(0)) {
          rows = arg;
          rowsName = dims;
          return success();
        }
    auto observed = f.walk([](quant_ext::ObserveOp op) {
      return op.getType().hasStaticShape() ? WalkResult::advance() : WalkResult::interrupt();
    });
    if (observed.wasInterrupted())
      return f.emitOpError("observes values of a size that no argument has; fix it with -shape");
    return success();
  }

  void addResult(func::FuncOp f, Value value, StringRef name) {
    OpBuilder b(f.getContext());
    SmallVector<NamedAttribute> attrs{
        b.getNamedAttr("nn.output", b.getStringAttr("tap:" + name.str()))};
    if (!cast<RankedTensorType>(value.getType()).hasStaticShape())
      attrs.push_back(b.getNamedAttr("nn.dims", rowsName));
    (void)f.insertResult(f.getNumResults(), value.getType(), b.getDictionaryAttr(attrs));
    auto ret = cast<func::ReturnOp>(f.getBody().front().getTerminator());
    ret.getOperandsMutable().append(value);
  }

  void tapLoop(func::FuncOp f, scf::ForOp loop, ArrayRef<quant_ext::ObserveOp> ops) {
    IRRewriter b(loop);
    SmallVector<Value> inits;
    for (quant_ext::ObserveOp op : ops) {
      SmallVector<Value> sizes;
      if (!op.getType().hasStaticShape())
        sizes.push_back(tensor::DimOp::create(b, loop.getLoc(), rows, 0));
      inits.push_back(tensor::EmptyOp::create(b, loop.getLoc(), op.getType(), sizes));
    }
    unsigned before = loop.getNumResults();
    FailureOr<LoopLikeOpInterface> tapped = loop.replaceWithAdditionalYields(
        b, inits, /*replaceInitOperandUsesInLoop=*/false,
        [&](OpBuilder &b, Location loc, ArrayRef<BlockArgument> args) {
          // A copy: what is observed belongs to the layer, and may be overwritten there.
          SmallVector<Value> yields;
          for (auto [op, arg] : llvm::zip(ops, args))
            yields.push_back(linalg::CopyOp::create(b, loc, TypeRange{arg.getType()},
                                                    quant_ext::ObserveOp(op).getSource(),
                                                    Value(arg))
                                 .getResult(0));
          return yields;
        });
    for (quant_ext::ObserveOp op : ops)
      addResult(f, (*tapped)->getResult(before++), op.getName());
  }

  Value rows;
  ArrayAttr rowsName;
};
} // namespace
} // namespace qcc
