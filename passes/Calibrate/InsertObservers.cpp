//===- InsertObservers.cpp - Observe what each weight is multiplied with ------===//

#include "dialects/NN/IR/NN.h"
#include "dialects/QuantExt/IR/QuantExt.h"
#include "mlir/IR/Builders.h"
#include "passes/Calibrate/Passes.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_INSERTOBSERVERS
#include "passes/Calibrate/Passes.h.inc"

namespace {
struct InsertObservers final : impl::InsertObserversBase<InsertObservers> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<nn::LinearOp> linears;
    getOperation().walk([&](nn::LinearOp op) { linears.push_back(op); });
    for (nn::LinearOp op : linears)
      if (failed(observe(op, symbols)))
        return signalPassFailure();
  }

private:
  LogicalResult observe(nn::LinearOp op, SymbolTable &symbols) {
    auto load = op.getWeight().getDefiningOp<nn::LoadWeightOp>();
    auto weight = load ? symbols.lookup<nn::WeightOp>(load.getWeight()) : nn::WeightOp();
    if (!weight || weight.getRole())
      return success();
    // Uses in one block share an observer; another block may run under another condition.
    quant_ext::ObserveOp &observer = observers[{op.getInput(), op->getBlock()}];
    if (!observer) {
      OpBuilder b(op);
      StringAttr name = weight.getObserverAttr() ? weight.getObserverAttr()
                                                 : b.getStringAttr(weight.getSymName());
      observer = quant_ext::ObserveOp::create(b, op.getLoc(), op.getInput(), name);
    }
    if (weight.getObserver() && *weight.getObserver() != observer.getName())
      return weight.emitOpError("is multiplied with values of two observers, '")
             << *weight.getObserver() << "' and '" << observer.getName() << "'";
    weight.setObserver(observer.getName());
    op.getInputMutable().assign(observer.getResult());
    return success();
  }

  llvm::DenseMap<std::pair<Value, Block *>, quant_ext::ObserveOp> observers;
};
} // namespace
} // namespace qcc
