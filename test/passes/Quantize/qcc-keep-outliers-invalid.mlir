// RUN: qcc-opt %s --split-input-file --verify-diagnostics --qcc-keep-outliers
// RUN: not qcc-opt %s --split-input-file --qcc-keep-outliers=slots=12 2>&1 | FileCheck %s
// CHECK: slots must be a positive multiple of 16, found 12

#q8 = #quant_ext.scheme<code = integer, bits = 8, group = 32, offset = 128, scale = f16, min = none>

// Scales would be chosen for columns that are not there any more.
module attributes {qcc.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v3", features = <["+avx2"]>>} {
  nn.weight @q : tensor<32x64xf32> sources ["q"] format "f32" order "natural" {observer = "q"}
  func.func @late(%x: tensor<1x64xf32>) -> tensor<1x32xf32> {
    %q = nn.load_weight @q : tensor<32x64xf32>
    // expected-error @+1 {{'quant_ext.encode' op has method 'importance' already; qcc-keep-outliers comes before what chooses scales and codes}}
    %qc:2 = quant_ext.encode %q {scheme = #q8, method = "importance"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>
    %a = quant_ext.matmul %x weight(%qc#0, %qc#1) {scheme = #q8, k = 64 : i64} : tensor<1x64xf32> weight tensor<32x64xi8>, tensor<32x2xf16> -> tensor<1x32xf32>
    return %a : tensor<1x32xf32>
  }
}

// -----

// expected-error @+1 {{target has no dot product of bytes, so activations are float and have no outliers to keep}}
module attributes {qcc.target = #llvm.target<triple = "aarch64-unknown-linux-gnu", chip = "generic", features = <["+neon"]>>} {
}
