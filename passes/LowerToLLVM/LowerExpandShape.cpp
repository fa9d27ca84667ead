//===- LowerExpandShape.cpp - Expanded shapes as views with strides ------------===//
//
// Upstream's expand-strided-metadata infers the sizes of a group and so takes one dynamic size in each.
// Here all are at hand, as [T] becomes [batch, seq].
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/LowerToLLVM/Passes.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_LOWEREXPANDSHAPE
#include "passes/LowerToLLVM/Passes.h.inc"

namespace {

/// Sizes are those of the operation; strides are products of the sizes behind them in their group.
void lower(memref::ExpandShapeOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  auto source = memref::ExtractStridedMetadataOp::create(b, op.getSrc());
  SmallVector<OpFoldResult> sizes = op.getMixedOutputShape();
  int64_t staticOffset;
  SmallVector<int64_t> staticStrides;
  (void)op.getResultType().getStridesAndOffset(staticStrides, staticOffset);
  SmallVector<OpFoldResult> strides(sizes.size());
  for (auto [group, stride] : llvm::zip(op.getReassociationIndices(), source.getStrides())) {
    Value behind = stride;
    for (int64_t d : llvm::reverse(group)) {
      strides[d] = ShapedType::isDynamic(staticStrides[d])
                       ? OpFoldResult(behind)
                       : OpFoldResult(b.getIndexAttr(staticStrides[d]));
      Value size = getValueOrCreateConstantIndexOp(b, b.getLoc(), sizes[d]);
      behind = arith::MulIOp::create(b, behind, size);
    }
  }
  // A scalar is expanded to ones.
  for (auto [d, stride] : llvm::enumerate(strides))
    if (!stride)
      stride = b.getIndexAttr(ShapedType::isDynamic(staticStrides[d]) ? 1 : staticStrides[d]);
  OpFoldResult offset = ShapedType::isDynamic(staticOffset)
                            ? OpFoldResult(source.getOffset())
                            : OpFoldResult(b.getIndexAttr(staticOffset));
  Value view = memref::ReinterpretCastOp::create(b, op.getResultType(), source.getBaseBuffer(),
                                                 offset, sizes, strides);
  op.replaceAllUsesWith(view);
  op.erase();
}

struct LowerExpandShape final : impl::LowerExpandShapeBase<LowerExpandShape> {
  void runOnOperation() override {
    SmallVector<memref::ExpandShapeOp> ops;
    getOperation().walk([&](memref::ExpandShapeOp op) { ops.push_back(op); });
    for (memref::ExpandShapeOp op : ops)
      lower(op);
  }
};

} // namespace
} // namespace qcc
