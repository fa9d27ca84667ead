//===- FoldWeightRecipes.cpp - Encode and repack become the weight's recipe ---===//

#include "dialects/NN/IR/NN.h"
#include "dialects/QuantExt/IR/QuantExt.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Iterators.h"
#include "passes/Pack/Passes.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_FOLDWEIGHTRECIPES
#include "passes/Pack/Passes.h.inc"

namespace {
struct FoldWeightRecipes final : impl::FoldWeightRecipesBase<FoldWeightRecipes> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<quant_ext::RepackOp> repacks;
    getOperation().walk([&](quant_ext::RepackOp op) { repacks.push_back(op); });
    for (quant_ext::RepackOp repack : repacks)
      if (failed(fold(repack, symbols)))
        return signalPassFailure();
    // What is left of the chains, users first.
    getOperation().walk<WalkOrder::PostOrder, ReverseIterator>([](Operation *op) {
      if (isa<quant_ext::EncodeOp, nn::LoadWeightOp>(op) && op->use_empty())
        op->erase();
    });
    // Weights without a scheme need no recipe but a conversion to f32.
    getOperation().walk([&](nn::WeightOp weight) {
      if (weight.getComponentTypes())
        return;
      weight.setMethod("keep");
      weight.setComponentTypesAttr(typesAttr(TypeRange(weight.getSourceType())));
    });
  }

  ArrayAttr typesAttr(TypeRange types) {
    Builder b(&getContext());
    return b.getTypeArrayAttr(SmallVector<Type>(types));
  }

  LogicalResult fold(quant_ext::RepackOp repack, SymbolTable &symbols) {
    auto encode = repack.getComponents().front().getDefiningOp<quant_ext::EncodeOp>();
    auto load = encode ? encode.getSource().getDefiningOp<nn::LoadWeightOp>() : nullptr;
    if (!load)
      return repack.emitOpError("is not of a weight that can be prepared at compile time");
    auto weight = symbols.lookup<nn::WeightOp>(load.getWeight());
    ArrayAttr types = typesAttr(repack.getPacked().getTypes());
    if (weight.getComponentTypesAttr() &&
        (weight.getComponentTypesAttr() != types || weight.getSchemeAttr() != encode.getScheme()))
      return encode.emitOpError("gives '") << load.getWeight() << "' a second scheme";
    weight.setSchemeAttr(encode.getScheme());
    weight.setMethod(encode.getMethod());
    weight.setLanes(repack.getLanes());
    weight.setComponentTypesAttr(types);
    OpBuilder b(repack);
    auto packed = nn::LoadWeightOp::create(b, load.getLoc(), repack.getPacked().getTypes(),
                                           load.getWeightAttr(), load.getInstance());
    repack.replaceAllUsesWith(packed.getComponents());
    repack.erase();
    return success();
  }
};
} // namespace
} // namespace qcc
