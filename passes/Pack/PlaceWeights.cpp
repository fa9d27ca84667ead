//===- PlaceWeights.cpp - Give every weight its place in the blob --------------===//

#include "dialects/NN/IR/NN.h"
#include "mlir/IR/Builders.h"
#include "passes/Pack/Passes.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_PLACEWEIGHTS
#include "passes/Pack/Passes.h.inc"

namespace {
constexpr int64_t kAlignment = 64;

struct PlaceWeights final : impl::PlaceWeightsBase<PlaceWeights> {
  void runOnOperation() override {
    Builder b(&getContext());
    int64_t at = 0;
    for (auto weight : getOperation().getOps<nn::WeightOp>()) {
      ArrayAttr types = weight.getComponentTypesAttr();
      if (!types) {
        weight.emitOpError("has no recipe yet").attachNote()
            << "qcc-fold-weight-recipes gives it one";
        return signalPassFailure();
      }
      SmallVector<int64_t> offsets;
      int64_t size = 0;
      for (Type type : types.getAsValueRange<TypeAttr>()) {
        auto tensor = cast<RankedTensorType>(type);
        offsets.push_back(size);
        size += llvm::alignTo(tensor.getNumElements() * (tensor.getElementTypeBitWidth() / 8),
                              kAlignment);
      }
      weight.setOffset(at);
      weight.setStride(size);
      weight.setComponentOffsets(offsets);
      at += size * weight.getSources().size();
    }
    getOperation()->setAttr("nn.weight_bytes", b.getI64IntegerAttr(at));
  }
};
} // namespace
} // namespace qcc
