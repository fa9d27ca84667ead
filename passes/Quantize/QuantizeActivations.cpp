//===- QuantizeActivations.cpp - int8 activations for integer weights ---------===//

#include "dialects/QuantExt/IR/QuantExt.h"
#include "passes/Quantize/Passes.h"
#include "passes/Target/TargetInfo.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_QUANTIZEACTIVATIONS
#include "passes/Quantize/Passes.h.inc"

namespace {
struct QuantizeActivations final : impl::QuantizeActivationsBase<QuantizeActivations> {
  void runOnOperation() override {
    TargetInfo target = TargetInfo::of(getOperation());
    if (target.dot == TargetInfo::Dot::None)
      return;
    getOperation().walk([&](quant_ext::MatmulOp op) {
      // A codebook of floats has no integer dot product.
      Scheme scheme = op.getScheme().toScheme();
      if (!op.getActScales() && !scheme.isFloat() && scheme.code != CodeKind::FloatCodebook)
        rewrite(op, target);
    });
  }

  void rewrite(quant_ext::MatmulOp op, const TargetInfo &target) {
    ImplicitLocOpBuilder b(op.getLoc(), op);
    Scheme scheme = op.getScheme().toScheme();
    int64_t k = op.getK(), padded = llvm::alignTo(k, kUnit);
    int64_t rows = cast<RankedTensorType>(op.getActs().getType()).getDimSize(0);
    auto matrix = [&](int64_t columns, Type element) {
      return RankedTensorType::get({rows, columns}, element);
    };
    Type f32 = b.getF32Type(), i32 = b.getI32Type(), i8 = b.getI8Type();
    Value scales = quant_ext::ChooseQParamsOp::create(b, matrix(padded / kUnit, f32), op.getActs(),
                                                      kUnit);
    Value codes =
        quant_ext::QuantizeOp::create(b, matrix(padded, i8), op.getActs(), scales, kUnit);
    // The kernel's weight bytes are decode(code) - bias; the scheme wants decode(code) - offset.
    int64_t group = unitPart(scheme);
    int64_t multiplier = target.weightBias(scheme) - scheme.offset;
    Value corrections;
    if (multiplier != 0)
      corrections = quant_ext::GroupSumsOp::create(b, matrix(padded / group, i32), codes, group,
                                                   multiplier);
    Value sums;
    if (op.getSums()) {
      Value acts = quant_ext::DequantizeOp::create(b, matrix(padded, f32), codes, scales, kUnit);
      sums = quant_ext::GroupSumsOp::create(b, matrix(padded / group, f32), acts, group);
    }
    auto quantized = quant_ext::MatmulOp::create(
        b, op.getType(), codes, scales, corrections, sums,
        op.getWeight(), op.getScheme(), op.getKAttr(), op.getLanesAttr());
    Operation *oldSums = op.getSums() ? op.getSums().getDefiningOp() : nullptr;
    op.replaceAllUsesWith(quantized.getResult());
    op.erase();
    if (oldSums && oldSums->use_empty())
      oldSums->erase();
  }
};
} // namespace
} // namespace qcc
