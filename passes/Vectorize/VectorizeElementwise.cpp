//===- VectorizeElementwise.cpp - Elementwise strips, a row at a time ----------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/PatternMatch.h"
#include "passes/Target/TargetInfo.h"
#include "passes/Vectorize/Passes.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_VECTORIZEELEMENTWISE
#include "passes/Vectorize/Passes.h.inc"

namespace {
struct VectorizeElementwise final : impl::VectorizeElementwiseBase<VectorizeElementwise> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<linalg::GenericOp> ops;
    getOperation().walk([&](linalg::GenericOp op) {
      auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
      if (type && type.getRank() == 2 && op.getNumParallelLoops() == 2 &&
          op.getNumLoops() == 2 && type.getDimSize(1) == kLanes)
        ops.push_back(op);
    });
    for (linalg::GenericOp op : ops)
      if (failed(vectorizeRows(rewriter, op)))
        return signalPassFailure();
  }

  static LogicalResult vectorizeRows(IRRewriter &rewriter, linalg::GenericOp op) {
    if (cast<RankedTensorType>(op->getResult(0).getType()).getDimSize(0) != 1) {
      scf::SCFTilingOptions options;
      options.setTileSizes({rewriter.getIndexAttr(1), rewriter.getIndexAttr(0)});
      rewriter.setInsertionPoint(op);
      auto tiled = scf::tileUsingSCF(rewriter, cast<TilingInterface>(op.getOperation()), options);
      if (failed(tiled))
        return op.emitOpError("could not be cut into rows");
      rewriter.replaceOp(op, tiled->replacements);
      op = cast<linalg::GenericOp>(tiled->tiledOps.front());
    }
    rewriter.setInsertionPoint(op);
    auto vectorized = linalg::vectorize(rewriter, op);
    if (failed(vectorized))
      return op.emitOpError("could not be vectorized");
    rewriter.replaceOp(op, vectorized->replacements);
    return success();
  }
};
} // namespace
} // namespace qcc
