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

def LowerExpandShape : Pass<"qcc-lower-expand-shape", "mlir::func::FuncOp"> {
  let summary = "expanded shapes as views with strides";
  let description = [{
    Takes any number of dynamic sizes in a group, where expand-strided-metadata takes one.

    ```mlir
    %e = memref.expand_shape %x [[0, 1], [2]] output_shape [%a, %b, 8] : memref<?x8xf32> into memref<?x?x8xf32>
    // becomes
    %base, %offset, %sizes:2, %strides:2 = memref.extract_strided_metadata %x
    %e = memref.reinterpret_cast %base to offset: [0], sizes: [%a, %b, 8], strides: [%s, 8, 1]
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::memref::MemRefDialect"];
}

#endif // QCC_PASSES_LOWERTOLLVM
