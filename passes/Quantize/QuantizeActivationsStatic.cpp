//===- QuantizeActivationsStatic.cpp - int8 activations with calibrated scales -===//

#include "passes/Quantize/CalibratedLoads.h"
#include "passes/Quantize/Int8Matmul.h"
#include "passes/Quantize/Passes.h"
#include "passes/Quantize/Products.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_QUANTIZEACTIVATIONSSTATIC
#include "passes/Quantize/Passes.h.inc"

namespace {
struct QuantizeActivationsStatic final
    : impl::QuantizeActivationsStaticBase<QuantizeActivationsStatic> {
  using QuantizeActivationsStaticBase::QuantizeActivationsStaticBase;

  void runOnOperation() override {
    TargetInfo target = TargetInfo::of(getOperation());
    SymbolTable symbols(getOperation());
    // Where the scale of an input is, for the other matmuls of its block.
    DenseMap<std::pair<Value, Block *>, Value> scales;
    WalkResult result = getOperation().walk([&](quant_ext::MatmulOp op) -> WalkResult {
      if (!takesInt8(op, target))
        return WalkResult::advance();
      if ((observed && !isObserved(op, symbols)) ||
          (dynamicProducts && isProductOfTensors(op.getActs()))) {
        rewriteToInt8(op, target);
        return WalkResult::advance();
      }
      Value &scale = scales[{op.getActs(), op->getBlock()}];
      if (!scale)
        scale = loadScale(op, symbols);
      if (!scale)
        return WalkResult::interrupt();
      rewriteToInt8(op, target, scale);
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

  /// The scale of a matmul's input: a weight beside its own, of the same instance.
  Value loadScale(quant_ext::MatmulOp op, SymbolTable &symbols) {
    nn::LoadWeightOp load = weightLoadOf(op);
    if (!load) {
      op.emitOpError("has no weight that a calibrated scale could be named after");
      return {};
    }
    int64_t scales = groups ? llvm::divideCeil(op.getK(), kUnit) : 1;
    auto type = RankedTensorType::get({scales}, Float32Type::get(&getContext()));
    OpBuilder b(op);
    return loadBeside(b, load, nn::kInputScale, type, symbols);
  }
};
} // namespace
} // namespace qcc
