//===- Passes.td - Bufferize: memory and barriers ---------*- tablegen -*-===//
#ifndef QCC_PASSES_BUFFERIZE
#define QCC_PASSES_BUFFERIZE

include "mlir/Pass/PassBase.td"

def OutputsToDestinations : Pass<"qcc-outputs-to-destinations", "mlir::func::FuncOp"> {
  let summary = "results of entry points go to memory of the caller";
  let description = [{
    Inputs are marked as read-only: bufferization would write to them in place.

    ```mlir
    func.func @f(...) -> (tensor<1x8xf32> {nn.output = "y"}) attributes {nn.entry} { return %y }
    // becomes
    func.func @f(..., %out: memref<1x8xf32> {nn.output = "y"}) attributes {nn.entry} {
      bufferization.materialize_in_destination %y in restrict writable %out
    }
    ```
  }];
  let dependentDialects = ["mlir::bufferization::BufferizationDialect", "mlir::memref::MemRefDialect"];
}

def LowerWeights : Pass<"qcc-lower-weights", "mlir::ModuleOp"> {
  let summary = "loads of weights become views of the mapped blob";
  let description = [{
    Entry points get an argument `nn.weights`, the blob.

    ```mlir
    %c = nn.load_weight @w[%i] : tensor<2x2x4x16xi32>
    // becomes
    %o = affine.apply (i * stride + offset)
    %v = memref.view %weights[%o][] : memref<?xi8> to memref<2x2x4x16xi32>
    %c = bufferization.to_tensor %v restrict : ...
    ```
  }];
  let dependentDialects = ["mlir::affine::AffineDialect", "mlir::arith::ArithDialect",
                           "mlir::bufferization::BufferizationDialect", "mlir::memref::MemRefDialect"];
}

def LowerCopies : Pass<"qcc-lower-copies", "mlir::func::FuncOp"> {
  let summary = "copies as linalg operations";
  let description = [{
    Artifacts have no copy routine for strided memory; a copy becomes a loop like any other.

    ```mlir
    memref.copy %a, %b : memref<16xf32, strided<[16]>> to memref<16xf32>
    // becomes
    linalg.generic ... ins(%a) outs(%b) { linalg.yield %in }
    ```
  }];
  let dependentDialects = ["mlir::linalg::LinalgDialect"];
}

def PlanArena : Pass<"qcc-plan-arena", "mlir::ModuleOp"> {
  let summary = "all buffers in one arena whose size is known before the call";
  let description = [{
    Buffers written inside a forall are shared; the others belong to each thread. Every
    allocation becomes a view of the `nn.arena` argument, and a function `<entry>.sizes` of the
    symbolic dimensions and the number of threads gives the bytes needed.

    ```mlir
    %a = memref.alloc(%rows) : memref<?x64xf32>
    // becomes
    %a = memref.view %arena[%offset][%rows] : memref<?xi8> to memref<?x64xf32>
    ```
  }];
  let dependentDialects = ["mlir::affine::AffineDialect", "mlir::arith::ArithDialect",
                           "mlir::func::FuncDialect", "mlir::memref::MemRefDialect",
                           "qcc::spmd::SPMDDialect"];
}

def InsertBarriers : Pass<"qcc-insert-barriers", "mlir::func::FuncOp"> {
  let summary = "barriers where data crosses threads";
  let description = [{
    Between two accesses of a shared buffer, one of them a write, there must be a barrier, unless both
    are in foralls of the same bounds whose iterations touch the same separate pieces: then the same thread does both.
    What writes a shared buffer outside of a forall would be done by every thread: it becomes a forall of one iteration.

    ```mlir
    scf.forall (%i) in (12) { /* writes %y[.., 16 * i ..] */ }
    // reads all of %y: spmd.barrier is put here
    scf.forall (%i) in (36) { ... }
    ```
  }];
  let dependentDialects = ["mlir::scf::SCFDialect", "qcc::spmd::SPMDDialect"];
}

def SplitForalls : Pass<"qcc-split-foralls", "mlir::func::FuncOp"> {
  let summary = "each thread's share of a forall";
  let description = [{
    ```mlir
    scf.forall (%i) in (12) { ... }
    // becomes
    scf.for %i = (12 * thread / threads) to (12 * (thread + 1) / threads) step 1 { ... }
    ```
    A forall with the attribute `spmd.cyclic` is dealt out one iteration at a time instead, where iterations cost differently.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::scf::SCFDialect", "qcc::spmd::SPMDDialect"];
}

def OutlineKernels : Pass<"qcc-outline-kernels", "mlir::ModuleOp"> {
  let summary = "loops that repeat become functions";
  let description = [{
    A thread's shares of foralls (marked `spmd.share`) that differ only in the values they use from outside
    become calls of one function, when they have at least `minimum` operations.

    ```mlir
    scf.for ... { ... %w0 ... } {spmd.share}   scf.for ... { ... %w1 ... } {spmd.share}
    // becomes
    call @kernel(..., %w0)                     call @kernel(..., %w1)
    ```
  }];
  let options = [Option<"minimum", "minimum", "int64_t", "24", "operations below which a loop stays">];
  let dependentDialects = ["mlir::func::FuncDialect"];
}

#endif // QCC_PASSES_BUFFERIZE
