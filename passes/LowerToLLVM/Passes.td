//===- Passes.td - LowerToLLVM: the interface to the runtime -*- tablegen -*-===//
#ifndef QCC_PASSES_LOWERTOLLVM
#define QCC_PASSES_LOWERTOLLVM

include "mlir/Pass/PassBase.td"

def LowerSPMD : Pass<"qcc-lower-spmd", "mlir::ModuleOp"> {
  let summary = "thread number, number of threads and barriers";
  let description = [{
    Entry points get the arguments `nn.thread`, `nn.threads` and `nn.barrier`; `spmd.barrier` calls the runtime's `qcc_barrier`.

    ```mlir
    %t = spmd.thread_id
    spmd.barrier
    // becomes
    llvm.call @qcc_barrier(%barrier) : (!llvm.ptr) -> ()
    ```
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect"];
}

def EmitEntryPoints : Pass<"qcc-emit-entry-points", "mlir::ModuleOp"> {
  let summary = "functions that take the runtime's frame";
  let description = [{
    For each entry point `f`, `qcc_f(frame, thread)` takes memrefs and dimensions from the frame of
    runtime/include/qcc/abi.h and calls it, and `qcc_f_sizes(dims, threads, out)` writes the arena's size and the outputs' dimensions.

    ```mlir
    func.func private @f(%x: memref<?xi32>, ...)
    func.func @qcc_f(%frame: !llvm.ptr, %thread: i64) { ... call @f(...) }
    ```
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect", "mlir::arith::ArithDialect", "mlir::func::FuncDialect"];
}

#endif // QCC_PASSES_LOWERTOLLVM
