//===- ExposeLayers.cpp - Entry points that run a model layer by layer ---------===//
//
// Calibration quantizes a layer, then runs the next one on what the quantized layers before it made of
// the text. So hidden states are handed in and out, and the range of layers is an argument.
//
//===----------------------------------------------------------------------===//

#include "dialects/NN/IR/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Calibrate/Passes.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_EXPOSELAYERS
#include "passes/Calibrate/Passes.h.inc"

namespace {
struct ExposeLayers final : impl::ExposeLayersBase<ExposeLayers> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto prefill = module.lookupSymbol<func::FuncOp>("prefill");
    if (!prefill) {
      module.emitError("has no entry point 'prefill': layers can be exposed of language models only");
      return signalPassFailure();
    }
    auto embeddings = llvm::to_vector(prefill.getOps<nn::EmbeddingOp>());
    auto loops = llvm::to_vector(prefill.getOps<scf::ForOp>());
    if (embeddings.size() != 1 || loops.size() != 1 || prefill.getNumResults() == 0) {
      prefill.emitOpError("is not one embedding and one loop over layers");
      return signalPassFailure();
    }
    makeEmbed(prefill, embeddings.front());
    makeLayers(prefill, embeddings.front(), loops.front());
    if (Operation *decode = module.lookupSymbol("decode"))
      decode->erase();
  }

private:
  static DictionaryAttr named(OpBuilder &b, StringRef kind, StringRef name, bool rows) {
    SmallVector<NamedAttribute> attrs{b.getNamedAttr(kind, b.getStringAttr(name))};
    if (rows)
      attrs.push_back(b.getNamedAttr("nn.dims", b.getStrArrayAttr({"T"})));
    return b.getDictionaryAttr(attrs);
  }

  /// tokens -> hidden states
  static void makeEmbed(func::FuncOp prefill, nn::EmbeddingOp embedding) {
    ImplicitLocOpBuilder b(prefill.getLoc(), prefill);
    Type ids = embedding.getIds().getType(), hidden = embedding.getType();
    auto embed = func::FuncOp::create(b, "embed", b.getFunctionType({ids}, {hidden}));
    embed->setAttr("nn.entry", b.getUnitAttr());
    embed.setArgAttrs(0, named(b, "nn.input", "tokens", true));
    embed.setResultAttrs(0, named(b, "nn.output", "hidden", true));
    b.setInsertionPointToStart(embed.addEntryBlock());
    IRMapping map;
    map.map(embedding.getIds(), embed.getArgument(0));
    if (Operation *load = embedding.getWeight().getDefiningOp())
      b.clone(*load, map);
    Operation *clone = b.clone(*embedding, map);
    func::ReturnOp::create(b, clone->getResults());
  }

  /// prefill itself, with hidden states instead of tokens and bounds of the loop.
  static void makeLayers(func::FuncOp prefill, nn::EmbeddingOp embedding, scf::ForOp loop) {
    ImplicitLocOpBuilder b(prefill.getLoc(), prefill.getContext());
    prefill.setName("layers");
    Value tokens = embedding.getIds();
    (void)prefill.insertArgument(1, embedding.getType(), named(b, "nn.input", "hidden", true),
                                 b.getLoc());
    (void)prefill.insertArgument(2, b.getIndexType(), named(b, "nn.dim", "first", false),
                                 b.getLoc());
    (void)prefill.insertArgument(3, b.getIndexType(), named(b, "nn.dim", "last", false),
                                 b.getLoc());
    Value hidden = prefill.getArgument(1);
    embedding.replaceAllUsesWith(hidden);
    Operation *load = embedding.getWeight().getDefiningOp();
    embedding.erase();
    if (load && load->use_empty())
      load->erase();
    // What is left of the tokens is their number.
    tokens.replaceAllUsesWith(hidden);
    (void)prefill.eraseArgument(0);
    loop.setLowerBound(prefill.getArgument(1));
    loop.setUpperBound(prefill.getArgument(2));
  }
};
} // namespace
} // namespace qcc
