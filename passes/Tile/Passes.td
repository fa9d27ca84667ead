//===- Passes.td - Tile: what threads do in any order -----*- tablegen -*-===//
#ifndef QCC_PASSES_TILE
#define QCC_PASSES_TILE

include "mlir/Pass/PassBase.td"

def TileToThreads : Pass<"qcc-tile-to-threads", "mlir::func::FuncOp"> {
  let summary = "split operations into independent tiles";
  let description = [{
    Every operation becomes an `scf.forall` over pieces that may be done in any order: 16 output
    features of a matmul or of an elementwise operation, a row of a normalization, a head of an
    attention. Row operations on a single row stay as they are: each thread does them for itself.

    ```mlir
    %y = quant_ext.matmul %x weight(%c, %s) ... -> tensor<1x192xf32>
    // becomes
    %y = scf.forall (%n) in (12) shared_outs(%o = %empty) -> (tensor<1x192xf32>) {
      %ct = tensor.extract_slice %c[%n, 0, 0, 0] ...
      %t = quant_ext.matmul %x weight(%ct, %st) ... -> tensor<1x16xf32>
      scf.forall.in_parallel { tensor.parallel_insert_slice %t into %o[0, %n * 16] [1, 16] [1, 1] }
    }
    ```
  }];
  let dependentDialects = ["mlir::affine::AffineDialect", "mlir::arith::ArithDialect",
                           "mlir::linalg::LinalgDialect", "mlir::scf::SCFDialect",
                           "mlir::tensor::TensorDialect", "qcc::quant_ext::QuantExtDialect"];
}

def HoistDestinations : Pass<"qcc-hoist-destinations", "mlir::func::FuncOp"> {
  let summary = "one buffer for what the regions of a choice yield";
  let description = [{
    The empty tensors that the loops in the regions of an `scf.index_switch` write become one buffer, before it.

    ```mlir
    %y = scf.index_switch %kind -> tensor<?x64xf32>
      case 1 { %a = tensor.empty(%t), %r = scf.forall ... shared_outs(%o = %a), scf.yield %r }
      default { %b = tensor.empty(%t), %r = scf.forall ... shared_outs(%o = %b), scf.yield %r }
    // becomes
    %a = bufferization.alloc_tensor(%t)
    %y = scf.index_switch %kind -> tensor<?x64xf32>
      case 1 { %r = scf.forall ... shared_outs(%o = %a), scf.yield %r }
      default { %r = scf.forall ... shared_outs(%o = %a), scf.yield %r }
    ```
  }];
  let dependentDialects = ["mlir::bufferization::BufferizationDialect", "mlir::scf::SCFDialect",
                           "mlir::tensor::TensorDialect"];
}

#endif // QCC_PASSES_TILE
