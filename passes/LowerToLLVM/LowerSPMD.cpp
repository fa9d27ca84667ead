//===- LowerSPMD.cpp - Thread number, number of threads and barriers -----------===//

#include "dialects/SPMD/IR/SPMD.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "passes/LowerToLLVM/Passes.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_LOWERSPMD
#include "passes/LowerToLLVM/Passes.h.inc"

namespace {
struct LowerSPMD final : impl::LowerSPMDBase<LowerSPMD> {
  void runOnOperation() override {
    OpBuilder b(getOperation().getBodyRegion());
    auto pointer = LLVM::LLVMPointerType::get(&getContext());
    auto barrierType =
        LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(&getContext()), {pointer});
    auto barrier =
        LLVM::LLVMFuncOp::create(b, getOperation().getLoc(), "qcc_barrier", barrierType);
    for (auto f : getOperation().getOps<func::FuncOp>()) {
      if (!f->hasAttr("nn.entry"))
        continue;
      auto argument = [&](Type type, StringRef name) {
        (void)f.insertArgument(
            f.getNumArguments(), type,
            b.getDictionaryAttr(b.getNamedAttr(name, b.getUnitAttr())), f.getLoc());
        return f.getArgument(f.getNumArguments() - 1);
      };
      Value thread = argument(b.getIndexType(), "nn.thread");
      Value threads = argument(b.getIndexType(), "nn.threads");
      Value handle = argument(pointer, "nn.barrier");
      f.walk([&](Operation *op) {
        if (isa<spmd::ThreadIdOp>(op)) {
          op->replaceAllUsesWith(ValueRange(thread));
        } else if (isa<spmd::NumThreadsOp>(op)) {
          op->replaceAllUsesWith(ValueRange(threads));
        } else if (isa<spmd::BarrierOp>(op)) {
          OpBuilder at(op);
          LLVM::CallOp::create(at, op->getLoc(), barrier, ValueRange(handle));
        } else {
          return;
        }
        op->erase();
      });
    }
  }
};
} // namespace
} // namespace qcc
