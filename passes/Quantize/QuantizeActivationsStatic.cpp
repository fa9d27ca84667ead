//===- QuantizeActivationsStatic.cpp - int8 activations with calibrated scales -===//

#include "dialects/NN/IR/NN.h"
#include "passes/Quantize/Int8Matmul.h"
#include "passes/Quantize/Passes.h"

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
      if (observed && !isObserved(op, symbols)) {
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

  static nn::LoadWeightOp loadOf(quant_ext::MatmulOp op) {
    auto encode = op.getWeight().front().getDefiningOp<quant_ext::EncodeOp>();
    return encode ? encode.getSource().getDefiningOp<nn::LoadWeightOp>() : nullptr;
  }

  static bool isObserved(quant_ext::MatmulOp op, SymbolTable &symbols) {
    nn::LoadWeightOp load = loadOf(op);
    return load && symbols.lookup<nn::WeightOp>(load.getWeight()).getObserver();
  }

  /// The scale of a matmul's input: a weight beside its own, of the same instance.
  Value loadScale(quant_ext::MatmulOp op, SymbolTable &symbols) {
    nn::LoadWeightOp load = loadOf(op);
    if (!load) {
      op.emitOpError("has no weight that a calibrated scale could be named after");
      return {};
    }
    auto weight = symbols.lookup<nn::WeightOp>(load.getWeight());
    std::string name = (weight.getSymName() + ".input_scale").str();
    int64_t scales = groups ? llvm::divideCeil(op.getK(), kUnit) : 1;
    auto type = RankedTensorType::get({scales}, Float32Type::get(&getContext()));
    if (!symbols.lookup(name)) {
      ImplicitLocOpBuilder b(weight.getLoc(), &getContext());
      b.setInsertionPointAfter(weight);
      SmallVector<Attribute> sources;
      for (auto source : weight.getSources().getAsRange<StringAttr>())
        sources.push_back(b.getStringAttr("calibration:" + source.getValue() + ":input_scale"));
      symbols.insert(nn::WeightOp::create(b, name, type, sources, "f32"));
    }
    OpBuilder b(op);
    return nn::LoadWeightOp::create(b, op.getLoc(), TypeRange{type},
                                    FlatSymbolRefAttr::get(&getContext(), name), load.getInstance())
        .getResult(0);
  }
};
} // namespace
} // namespace qcc
