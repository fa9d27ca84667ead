//===- OutputsToDestinations.cpp - Results go to memory of the caller ---------===//

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/Bufferize/Passes.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_OUTPUTSTODESTINATIONS
#include "passes/Bufferize/Passes.h.inc"

namespace {
struct OutputsToDestinations final : impl::OutputsToDestinationsBase<OutputsToDestinations> {
  void runOnOperation() override {
    func::FuncOp f = getOperation();
    if (!f->hasAttr("nn.entry"))
      return;
    auto ret = cast<func::ReturnOp>(f.getBody().front().getTerminator());
    OpBuilder b(ret);
    // Inputs are the caller's; bufferization would write to any argument.
    for (unsigned i = 0; i < f.getNumArguments(); ++i)
      if (f.getArgAttr(i, "nn.input"))
        f.setArgAttr(i, bufferization::BufferizationDialect::kWritableAttrName,
                     b.getBoolAttr(false));
    llvm::BitVector moved(f.getNumResults());
    for (unsigned i = 0; i < f.getNumResults(); ++i) {
      DictionaryAttr attrs = f.getResultAttrDict(i);
      if (!attrs || !attrs.contains("nn.output"))
        continue;
      auto tensor = cast<RankedTensorType>(f.getResultTypes()[i]);
      auto memref = MemRefType::get(tensor.getShape(), tensor.getElementType());
      if (failed(f.insertArgument(f.getNumArguments(), memref, attrs, f.getLoc())))
        return signalPassFailure();
      bufferization::MaterializeInDestinationOp::create(
          b, f.getLoc(), /*result=*/Type(), ret.getOperand(i),
          f.getArgument(f.getNumArguments() - 1), /*restrict=*/true, /*writable=*/true);
      moved.set(i);
    }
    ret->eraseOperands(moved);
    if (failed(f.eraseResults(moved)))
      signalPassFailure();
  }
};
} // namespace
} // namespace qcc
