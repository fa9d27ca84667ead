//===- LowerWeights.cpp - Loads of weights become views of the mapped blob ----===//

#include "dialects/NN/IR/NN.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Bufferize/Passes.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_LOWERWEIGHTS
#include "passes/Bufferize/Passes.h.inc"

namespace {
struct LowerWeights final : impl::LowerWeightsBase<LowerWeights> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (auto f : getOperation().getOps<func::FuncOp>()) {
      SmallVector<nn::LoadWeightOp> loads;
      f.walk([&](nn::LoadWeightOp op) { loads.push_back(op); });
      if (loads.empty())
        continue;
      Builder b(&getContext());
      auto blobType = MemRefType::get(ShapedType::kDynamic, b.getI8Type());
      auto attrs = b.getDictionaryAttr(b.getNamedAttr("nn.weights", b.getUnitAttr()));
      if (failed(f.insertArgument(f.getNumArguments(), blobType, attrs, f.getLoc())))
        return signalPassFailure();
      Value blob = f.getArgument(f.getNumArguments() - 1);
      for (nn::LoadWeightOp load : loads)
        if (failed(lower(load, symbols.lookup<nn::WeightOp>(load.getWeight()), blob)))
          return signalPassFailure();
    }
  }

  LogicalResult lower(nn::LoadWeightOp load, nn::WeightOp weight, Value blob) {
    if (!weight.getOffset())
      return load.emitOpError("is of a weight without a place; qcc-place-weights gives it one");
    ImplicitLocOpBuilder b(load.getLoc(), load);
    SmallVector<Value> results;
    for (auto [result, inComponent] :
         llvm::zip(load.getComponents(), *weight.getComponentOffsets())) {
      int64_t offset = *weight.getOffset() + inComponent;
      OpFoldResult at = b.getIndexAttr(offset);
      if (Value instance = load.getInstance())
        at = affine::makeComposedFoldedAffineApply(
            b, b.getLoc(),
            AffineMap::get(1, 0, b.getAffineDimExpr(0) * int64_t(*weight.getStride()) + offset),
            {instance});
      auto type = cast<RankedTensorType>(result.getType());
      auto memref = MemRefType::get(type.getShape(), type.getElementType());
      Value view = memref::ViewOp::create(
          b, memref, blob, getValueOrCreateConstantIndexOp(b, b.getLoc(), at), ValueRange());
      results.push_back(bufferization::ToTensorOp::create(b, type, view, /*restrict=*/true));
    }
    load.replaceAllUsesWith(results);
    load.erase();
    return success();
  }
};
} // namespace
} // namespace qcc
