//===- Int8Matmul.cpp - A matmul with int8 activations -------------------------===//

#include "passes/Quantize/Int8Matmul.h"
#include "dialects/QuantExt/Codec/Layout.h"

using namespace mlir;

namespace qcc {

bool takesInt8(quant_ext::MatmulOp op, const TargetInfo &target) {
  Scheme scheme = op.getScheme().toScheme();
  // A codebook of floats has no integer dot product.
  bool hasDot = !scheme.isFloat() && scheme.code != CodeKind::FloatCodebook;
  return target.dot != TargetInfo::Dot::None && !op.getActScales() && hasDot;
}

void rewriteToInt8(quant_ext::MatmulOp op, const TargetInfo &target, Value staticScale) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Scheme scheme = op.getScheme().toScheme();
  int64_t k = op.getK(), padded = llvm::alignTo(k, kUnit);
  int64_t rows = cast<RankedTensorType>(op.getActs().getType()).getDimSize(0);
  auto matrix = [&](int64_t columns, Type element) {
    return RankedTensorType::get({rows, columns}, element);
  };
  Type f32 = b.getF32Type(), i32 = b.getI32Type(), i8 = b.getI8Type();
  Value scales = staticScale;
  if (!scales)
    scales =
        quant_ext::ChooseQParamsOp::create(b, matrix(padded / kUnit, f32), op.getActs(), kUnit);
  Value codes = quant_ext::QuantizeOp::create(b, matrix(padded, i8), op.getActs(), scales, kUnit);
  // The kernel's weight bytes are decode(code) - bias; the scheme wants decode(code) - offset.
  bool oneScale =
      staticScale && cast<RankedTensorType>(staticScale.getType()).getDimSize(0) == 1;
  int64_t length = intSumLength(scheme, k, oneScale);
  int64_t multiplier = target.weightBias(scheme) - scheme.offset;
  Value corrections;
  if (multiplier != 0)
    corrections =
        quant_ext::GroupSumsOp::create(b, matrix(padded / length, i32), codes, length, multiplier);
  Value sums;
  if (op.getSums()) {
    int64_t part = unitPart(scheme);
    Value acts = quant_ext::DequantizeOp::create(b, matrix(padded, f32), codes, scales, kUnit);
    sums = quant_ext::GroupSumsOp::create(b, matrix(padded / part, f32), acts, part);
  }
  auto quantized =
      quant_ext::MatmulOp::create(b, op.getType(), codes, scales, corrections, sums, op.getWeight(),
                                  op.getScheme(), op.getKAttr(), op.getLanesAttr());
  Operation *oldSums = op.getSums() ? op.getSums().getDefiningOp() : nullptr;
  op.replaceAllUsesWith(quantized.getResult());
  op.erase();
  if (oldSums && oldSums->use_empty())
    oldSums->erase();
}

} // namespace qcc
