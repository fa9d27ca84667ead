//===- Passes.td - Vectorize: tiles as vector code --------*- tablegen -*-===//
#ifndef QCC_PASSES_VECTORIZE
#define QCC_PASSES_VECTORIZE

include "mlir/Pass/PassBase.td"

class QCC_VectorizePass<string flag> : Pass<flag, "mlir::func::FuncOp"> {
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::bufferization::BufferizationDialect",
                           "mlir::linalg::LinalgDialect",
                           "mlir::LLVM::LLVMDialect", "mlir::math::MathDialect",
                           "mlir::scf::SCFDialect", "mlir::tensor::TensorDialect",
                           "mlir::vector::VectorDialect"];
}

def VectorizeMatmul : QCC_VectorizePass<"qcc-vectorize-matmul"> {
  let summary = "matmul tiles as loops over K with accumulators in registers";
  let description = [{
    A tile is 16 output features. Codes are unpacked once for as many tokens as the target's registers hold; a
    word of a lane is multiplied with a broadcast word of activations (int8), or each code with a
    broadcast activation (float).

    ```mlir
    %t = quant_ext.matmul %q scales(%s) corrections(%c) weight(%codes, %scales) ... -> tensor<1x16xf32>
    // becomes
    %acc = scf.for %unit = %c0 to %units ... -> (vector<16xf32>) {
      // 8 x vpdpbusd, one fma with the product of the scales
    }
    %t = vector.transfer_write %acc, %empty[...]
    ```
  }];
}

def VectorizeRowOps : QCC_VectorizePass<"qcc-vectorize-row-ops"> {
  let summary = "norms, activation quantization and embedding lookups of one row";
  let description = [{
    `nn.rms_norm`, `quant_ext.choose_qparams`, `quantize`, `dequantize`, `group_sums` and `gather_rows` on a
    single row become loops over vectors of 16.

    ```mlir
    %y = nn.rms_norm %x, %w {epsilon = 1.0e-05 : f32} : tensor<1x64xf32>, tensor<64xf32>
    // becomes
    %squares = scf.for ... { vector.transfer_read, math.fma }
    %y = scf.for ... { vector.transfer_write }
    ```
  }];
}

def VectorizeRope : QCC_VectorizePass<"qcc-vectorize-rope"> {
  let summary = "rotary tables and the rotation of one head";
  let description = [{
    `nn.rope_table` of one position (angles reduced in f64) and `nn.rope` of one head.

    ```mlir
    %y = nn.rope %x, %cos, %sin {head_dim = 64 : i64} : tensor<1x64xf32>, tensor<1x32xf32>
    // becomes vector.transfer_read, arith.mulf, math.fma, vector.transfer_write
    ```
  }];
}

def VectorizeAttention : QCC_VectorizePass<"qcc-vectorize-attention"> {
  let summary = "attention of the heads that share keys, as one loop over blocks of 16 positions";
  let description = [{
    Scores have 16 positions as lanes, outputs have features as lanes, so only the maximum of a block
    is a horizontal operation. Maximum, sum and output of each head are carried in registers.

    ```mlir
    %y = nn.attention %q, %k, %v layer %c0 at %p {heads = 3, ...} : tensor<1x192xf32>, ...
    // becomes
    scf.for %block = %first to %last iter_args(%max, %sum, %out ...) { ... math.exp ... }
    ```
  }];
}

def VectorizeElementwise : QCC_VectorizePass<"qcc-vectorize-elementwise"> {
  let summary = "elementwise strips, a row at a time";
  let description = [{
    A linalg operation on [T, 16] becomes a loop over rows of vector<16>; others stay loops for LLVM's vectorizer.

    ```mlir
    %y = linalg.generic ... ins(%a, %b : tensor<?x16xf32>, ...) outs(%o : tensor<?x16xf32>)
    // becomes
    scf.for %t = %c0 to %rows { vector.transfer_read ... arith.addf ... vector.transfer_write }
    ```
  }];
}

def ExpandMath : QCC_VectorizePass<"qcc-expand-math"> {
  let summary = "exp, log, erf and tanh as polynomials";
  let description = [{
    Artifacts have no vector math library; what LLVM would call one for becomes arithmetic.

    ```mlir
    %y = math.exp %x : vector<16xf32>
    // becomes range reduction, a polynomial and bit operations
    ```
  }];
}

#endif // QCC_PASSES_VECTORIZE
