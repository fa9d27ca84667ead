// RUN: qcc-opt %s --split-input-file --qcc-quantize-activations | FileCheck %s

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
#q4z = #quant_ext.scheme<code = integer, bits = 4, group = 32, scale = f16, min = zero_point>
#f32 = #quant_ext.scheme<code = f32, bits = 32, scale = none, min = none>

// vpdpbusd takes codes as they are, unsigned: a correction of -8 times the sum of the activations.
module attributes {qcc.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v4", features = <["+avx2", "+avx512bw", "+avx512vl", "+avx512vnni"]>>} {
  // CHECK-LABEL: func.func @symmetric
  // CHECK: %[[S:.*]] = quant_ext.choose_qparams %arg0 {group = 32 : i64} : tensor<?x40xf32> -> tensor<?x2xf32>
  // CHECK: %[[Q:.*]] = quant_ext.quantize %arg0, %[[S]] {group = 32 : i64} : tensor<?x40xf32>, tensor<?x2xf32> -> tensor<?x64xi8>
  // CHECK: %[[C:.*]] = quant_ext.group_sums %[[Q]] {group = 32 : i64, multiplier = -8 : i64} : tensor<?x64xi8> -> tensor<?x2xi32>
  // CHECK: quant_ext.matmul %[[Q]] scales(%[[S]]) corrections(%[[C]]) weight(%arg1, %arg2) {k = 40 : i64
  func.func @symmetric(%x: tensor<?x40xf32>, %w: tensor<32x40xi8>, %s: tensor<32x2xf16>) -> tensor<?x32xf32> {
    %y = quant_ext.matmul %x weight(%w, %s) {scheme = #q4, k = 40 : i64} : tensor<?x40xf32> weight tensor<32x40xi8>, tensor<32x2xf16> -> tensor<?x32xf32>
    return %y : tensor<?x32xf32>
  }

  // Minima multiply sums of the activations as they are after rounding.
  // CHECK-LABEL: func.func @zero_points
  // CHECK: %[[S:.*]] = quant_ext.choose_qparams
  // CHECK: %[[Q:.*]] = quant_ext.quantize
  // CHECK: %[[D:.*]] = quant_ext.dequantize %[[Q]], %[[S]]
  // CHECK: %[[M:.*]] = quant_ext.group_sums %[[D]] {group = 32 : i64} : tensor<1x64xf32> -> tensor<1x2xf32>
  // CHECK: quant_ext.matmul %[[Q]] scales(%[[S]]) sums(%[[M]])
  // CHECK-NOT: group_sums
  func.func @zero_points(%x: tensor<1x64xf32>, %w: tensor<32x64xi8>, %s: tensor<32x2xf16>, %z: tensor<32x2xi8>) -> tensor<1x32xf32> {
    %sums = quant_ext.group_sums %x {group = 32 : i64} : tensor<1x64xf32> -> tensor<1x2xf32>
    %y = quant_ext.matmul %x sums(%sums) weight(%w, %s, %z) {scheme = #q4z, k = 64 : i64} : tensor<1x64xf32> sums tensor<1x2xf32> weight tensor<32x64xi8>, tensor<32x2xf16>, tensor<32x2xi8> -> tensor<1x32xf32>
    return %y : tensor<1x32xf32>
  }

  // CHECK-LABEL: func.func @float_weight
  // CHECK-NOT: quant_ext.quantize
  func.func @float_weight(%x: tensor<1x64xf32>, %w: tensor<32x64xf32>) -> tensor<1x32xf32> {
    %y = quant_ext.matmul %x weight(%w) {scheme = #f32, k = 64 : i64} : tensor<1x64xf32> weight tensor<32x64xf32> -> tensor<1x32xf32>
    return %y : tensor<1x32xf32>
  }
}

// -----

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>

// Without a dot product of bytes activations stay float.
module attributes {qcc.target = #llvm.target<triple = "aarch64-unknown-linux-gnu", chip = "generic", features = <["+neon"]>>} {
  // CHECK-LABEL: func.func @no_dot
  // CHECK-NOT: quant_ext.quantize
  // CHECK: quant_ext.matmul %arg0 weight
  func.func @no_dot(%x: tensor<1x64xf32>, %w: tensor<32x64xi8>, %s: tensor<32x2xf16>) -> tensor<1x32xf32> {
    %y = quant_ext.matmul %x weight(%w, %s) {scheme = #q4, k = 64 : i64} : tensor<1x64xf32> weight tensor<32x64xi8>, tensor<32x2xf16> -> tensor<1x32xf32>
    return %y : tensor<1x32xf32>
  }
}

// -----

#nf4 = #quant_ext.scheme<code = float_codebook, bits = 4, group = 64, scale = f32, min = none, floatCodebook = dense<[-1.0, -0.6961928, -0.52507305, -0.3949175, -0.28444138, -0.18477343, -0.09105004, 0.0, 0.0795803, 0.1609302, 0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1.0]> : tensor<16xf32>>

// A codebook of floats has no integer dot product: its activations stay f32.
module attributes {qcc.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v4", features = <["+avx2", "+avx512bw", "+avx512vl", "+avx512vnni"]>>} {
  // CHECK-LABEL: func.func @nf4
  // CHECK-NOT: quant_ext.quantize
  // CHECK: quant_ext.matmul %arg0 weight(%arg1, %arg2)
  func.func @nf4(%x: tensor<1x64xf32>, %w: tensor<16x64xi8>, %s: tensor<16x1xf32>) -> tensor<1x16xf32> {
    %y = quant_ext.matmul %x weight(%w, %s) {scheme = #nf4, k = 64 : i64} : tensor<1x64xf32> weight tensor<16x64xi8>, tensor<16x1xf32> -> tensor<1x16xf32>
    return %y : tensor<1x16xf32>
  }
}
