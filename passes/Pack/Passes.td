//===- Passes.td - Pack: layout and place of weights ------*- tablegen -*-===//
#ifndef QCC_PASSES_PACK
#define QCC_PASSES_PACK

include "mlir/Pass/PassBase.td"

def PackWeights : Pass<"qcc-pack-weights", "mlir::ModuleOp"> {
  let summary = "put weights in the order that kernels read";
  let description = [{
    ```mlir
    %y = quant_ext.matmul %x weight(%codes, %scales) {scheme = #q4, ...} : ...
    // becomes
    %p:2 = quant_ext.repack %codes, %scales {scheme = #q4, lanes = 16 : i64} : ...
    %y = quant_ext.matmul %x weight(%p#0, %p#1) {scheme = #q4, lanes = 16 : i64, ...} : ...
    ```
  }];
}

def FoldWeightRecipes : Pass<"qcc-fold-weight-recipes", "mlir::ModuleOp"> {
  let summary = "move encode and repack into the weights' recipes";
  let description = [{
    What is done to a weight is done at compile time: the chain load, encode, repack becomes a load of
    packed components, and scheme, method and lanes become part of the symbol.

    ```mlir
    nn.weight @w : tensor<32x64xf16> ...
    %w = nn.load_weight @w : tensor<32x64xf16>
    %c:2 = quant_ext.encode %w ...
    %p:2 = quant_ext.repack %c#0, %c#1 ...
    // becomes
    nn.weight @w : tensor<32x64xf16> ... {scheme = #q4, method = "rtn", lanes = 16 : i64, ...}
    %p:2 = nn.load_weight @w : tensor<2x2x4x16xi32>, tensor<2x2x16xf16>
    ```
  }];
}

def PlaceWeights : Pass<"qcc-place-weights", "mlir::ModuleOp"> {
  let summary = "give every weight its place in the blob";
  let description = [{
    Assigns `offset`, `stride` and `component_offsets` (bytes, multiples of 64) and the module's
    `nn.weight_bytes`.

    ```mlir
    nn.weight @w ... {component_types = [tensor<2x2x4x16xi32>, tensor<2x2x16xf16>]}
    // becomes
    nn.weight @w ... {offset = 0 : i64, stride = 1152 : i64, component_offsets = array<i64: 0, 1024>, ...}
    ```
  }];
}

#endif // QCC_PASSES_PACK
