//===- OutlineKernels.cpp - Loops that repeat become functions --------------------------===//
//
// An ONNX graph has its layers one after another. Their loops differ only in the memory they
// work on, so each distinct loop is compiled once: code size and compile time grow with the number of
// layer shapes, not with depth.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"
#include "passes/Bufferize/Passes.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_OUTLINEKERNELS
#include "passes/Bufferize/Passes.h.inc"

namespace {

/// A thread's share of a forall, as a function of what it uses from outside.
struct Kernel {
  scf::ForOp loop;
  OwningOpRef<func::FuncOp> function;
  SmallVector<Value> arguments;
};

struct OutlineKernels final : impl::OutlineKernelsBase<OutlineKernels> {
  using OutlineKernelsBase::OutlineKernelsBase;

  void runOnOperation() override {
    // The text of a function is the same exactly when what it does is.
    llvm::MapVector<StringAttr, SmallVector<Kernel>> kernels;
    getOperation().walk<WalkOrder::PreOrder>([&](scf::ForOp loop) {
      if (!loop->hasAttr("spmd.share"))
        return WalkResult::advance();
      loop->removeAttr("spmd.share");
      if (size(loop) >= minimum) {
        Kernel kernel = outline(loop);
        std::string text;
        llvm::raw_string_ostream os(text);
        kernel.function.get()->print(os);
        kernels[StringAttr::get(&getContext(), text)].push_back(std::move(kernel));
      }
      return WalkResult::skip();
    });
    SymbolTable symbols(getOperation());
    for (auto &[text, same] : kernels)
      if (same.size() > 1)
        share(same, symbols);
  }

  static int64_t size(Operation *op) {
    int64_t count = 0;
    op->walk([&](Operation *) { ++count; });
    return count;
  }

  static Kernel outline(scf::ForOp loop) {
    OpBuilder b(loop.getContext());
    SetVector<Value> used;
    for (Value operand : loop->getOperands())
      used.insert(operand);
    getUsedValuesDefinedAbove(loop.getRegion(), used);
    Kernel kernel;
    kernel.loop = loop;
    SmallVector<Operation *> constants;
    for (Value v : used) {
      Operation *def = v.getDefiningOp();
      if (def && matchPattern(def, m_Constant()))
        constants.push_back(def);
      else
        kernel.arguments.push_back(v);
    }
    kernel.function = func::FuncOp::create(
        loop.getLoc(), "kernel",
        b.getFunctionType(TypeRange(ValueRange(kernel.arguments)), {}));
    Block *body = kernel.function->addEntryBlock();
    b.setInsertionPointToStart(body);
    IRMapping map;
    map.map(kernel.arguments, body->getArguments());
    for (Operation *constant : constants)
      b.clone(*constant, map);
    b.clone(*loop, map);
    func::ReturnOp::create(b, loop.getLoc());
    return kernel;
  }

  void share(MutableArrayRef<Kernel> same, SymbolTable &symbols) {
    func::FuncOp function = same.front().function.release();
    function.setPrivate();
    function->setAttr("passthrough",
                      ArrayAttr::get(&getContext(), StringAttr::get(&getContext(), "noinline")));
    symbols.insert(function);
    for (Kernel &kernel : same) {
      OpBuilder b(kernel.loop);
      func::CallOp::create(b, kernel.loop.getLoc(), function, kernel.arguments);
      kernel.loop.erase();
    }
  }
};

} // namespace
} // namespace qcc
