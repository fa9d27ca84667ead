// RUN: qcc-opt %s --verify-roundtrip | FileCheck %s
// RUN: qcc-opt %s --mlir-print-op-generic | qcc-opt | FileCheck %s

#f16 = #quant_ext.scheme<code = f16, bits = 16, scale = none, min = none>
#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
#q3z = #quant_ext.scheme<code = integer, bits = 3, group = 32, scale = f16, min = zero_point>
#q4k = #quant_ext.scheme<code = integer, bits = 4, group = 32, scale = super, min = super, superSize = 256>
#book = #quant_ext.scheme<code = codebook, bits = 4, group = 32, scale = f32, min = none, codebook = -8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7>

#nf4 = #quant_ext.scheme<code = float_codebook, bits = 4, group = 64, scale = f32, min = none, floatCodebook = dense<[-1.0, -0.6961928, -0.52507305, -0.3949175, -0.28444138, -0.18477343, -0.09105004, 0.0, 0.0795803, 0.1609302, 0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1.0]> : tensor<16xf32>>

// CHECK-LABEL: func.func @encode
func.func @encode(%w: tensor<32x64xf32>, %w256: tensor<32x256xf16>) {
  // CHECK: quant_ext.encode %{{.*}} {method = "keep", scheme = #quant_ext.scheme<code = f16, bits = 16, scale = none, min = none>} : tensor<32x64xf32> -> tensor<32x64xf16>
  %f = quant_ext.encode %w {scheme = #f16, method = "keep"} : tensor<32x64xf32> -> tensor<32x64xf16>
  // CHECK: quant_ext.encode {{.*}}bits = 4, group = 32, offset = 8, scale = f16, min = none{{.*}} -> tensor<32x64xi8>, tensor<32x2xf16>
  %a:2 = quant_ext.encode %w {scheme = #q4, method = "rtn"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>
  // CHECK: quant_ext.encode {{.*}}min = zero_point{{.*}} -> tensor<32x64xi8>, tensor<32x2xf16>, tensor<32x2xi8>
  %b:3 = quant_ext.encode %w {scheme = #q3z, method = "rtn"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>, tensor<32x2xi8>
  // CHECK: quant_ext.encode {{.*}}superSize = 256{{.*}} -> tensor<32x256xi8>, tensor<32x1xf16>, tensor<32x8xi8>, tensor<32x1xf16>, tensor<32x8xi8>
  %c:5 = quant_ext.encode %w256 {scheme = #q4k, method = "keep"} : tensor<32x256xf16> -> tensor<32x256xi8>, tensor<32x1xf16>, tensor<32x8xi8>, tensor<32x1xf16>, tensor<32x8xi8>
  // CHECK: quant_ext.encode {{.*}}codebook = -8, -7, {{.*}} -> tensor<32x64xi8>, tensor<32x2xf32>
  %d:2 = quant_ext.encode %w {scheme = #book, method = "keep"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf32>
  // CHECK: quant_ext.encode {{.*}}code = float_codebook, bits = 4, group = 64, scale = f32, min = none, floatCodebook = dense<[-1.000000e+00, -0.6961928, -0.525073051, {{.*}}, 1.000000e+00]> : tensor<16xf32>{{.*}} -> tensor<32x64xi8>, tensor<32x1xf32>
  %n:2 = quant_ext.encode %w {scheme = #nf4, method = "keep"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x1xf32>
  // CHECK: quant_ext.repack %{{.*}}, %{{.*}} {lanes = 16 : i64, {{.*}} : tensor<32x64xi8>, tensor<32x2xf16> -> tensor<2x2x4x16xi32>, tensor<2x2x16xf16>
  %p:2 = quant_ext.repack %a#0, %a#1 {scheme = #q4, lanes = 16 : i64} : tensor<32x64xi8>, tensor<32x2xf16> -> tensor<2x2x4x16xi32>, tensor<2x2x16xf16>
  return
}

// CHECK-LABEL: func.func @activations
func.func @activations(%x: tensor<?x40xf32>) {
  // CHECK: %[[S:.*]] = quant_ext.choose_qparams %{{.*}} {group = 32 : i64} : tensor<?x40xf32> -> tensor<?x2xf32>
  %s = quant_ext.choose_qparams %x {group = 32 : i64} : tensor<?x40xf32> -> tensor<?x2xf32>
  // CHECK: %[[Q:.*]] = quant_ext.quantize %{{.*}}, %[[S]] {group = 32 : i64} : tensor<?x40xf32>, tensor<?x2xf32> -> tensor<?x64xi8>
  %q = quant_ext.quantize %x, %s {group = 32 : i64} : tensor<?x40xf32>, tensor<?x2xf32> -> tensor<?x64xi8>
  // CHECK: quant_ext.dequantize %[[Q]], %[[S]] {group = 32 : i64} : tensor<?x64xi8>, tensor<?x2xf32> -> tensor<?x64xf32>
  %d = quant_ext.dequantize %q, %s {group = 32 : i64} : tensor<?x64xi8>, tensor<?x2xf32> -> tensor<?x64xf32>
  // CHECK: quant_ext.group_sums %[[Q]] {group = 32 : i64, multiplier = -8 : i64} : tensor<?x64xi8> -> tensor<?x2xi32>
  %i = quant_ext.group_sums %q {group = 32 : i64, multiplier = -8 : i64} : tensor<?x64xi8> -> tensor<?x2xi32>
  // CHECK: quant_ext.group_sums %{{.*}} {group = 16 : i64} : tensor<?x40xf32> -> tensor<?x3xf32>
  %f = quant_ext.group_sums %x {group = 16 : i64} : tensor<?x40xf32> -> tensor<?x3xf32>
  // CHECK: quant_ext.observe %{{.*}} "layer.0.input" : tensor<?x40xf32>
  %o = quant_ext.observe %x "layer.0.input" : tensor<?x40xf32>
  return
}

// CHECK-LABEL: func.func @products
func.func @products(%x: tensor<?x64xf32>, %q: tensor<?x64xi8>, %s: tensor<?x2xf32>, %c: tensor<?x2xi32>, %ids: tensor<?xi32>,
                    %w: tensor<32x64xi8>, %ws: tensor<32x2xf16>, %wz: tensor<32x2xi8>,
                    %p: tensor<2x2x4x16xi32>, %ps: tensor<2x2x16xf16>) {
  // CHECK: quant_ext.matmul %{{.*}} weight(%{{.*}}, %{{.*}}) {k = 64 : i64, scheme = {{.*}}} : tensor<?x64xf32> weight tensor<32x64xi8>, tensor<32x2xf16> -> tensor<?x32xf32>
  %0 = quant_ext.matmul %x weight(%w, %ws) {scheme = #q4, k = 64 : i64} : tensor<?x64xf32> weight tensor<32x64xi8>, tensor<32x2xf16> -> tensor<?x32xf32>
  // CHECK: quant_ext.matmul %{{.*}} scales(%{{.*}}) corrections(%{{.*}}) weight(%{{.*}}, %{{.*}}) {k = 64 : i64, lanes = 16 : i64
  %1 = quant_ext.matmul %q scales(%s) corrections(%c) weight(%p, %ps) {scheme = #q4, k = 64 : i64, lanes = 16 : i64}
      : tensor<?x64xi8> scales tensor<?x2xf32> corrections tensor<?x2xi32> weight tensor<2x2x4x16xi32>, tensor<2x2x16xf16> -> tensor<?x32xf32>
  // CHECK: quant_ext.matmul %{{.*}} sums(%{{.*}}) weight(%{{.*}}, %{{.*}}, %{{.*}})
  %2 = quant_ext.matmul %x sums(%s) weight(%w, %ws, %wz) {scheme = #q3z, k = 64 : i64} : tensor<?x64xf32> sums tensor<?x2xf32> weight tensor<32x64xi8>, tensor<32x2xf16>, tensor<32x2xi8> -> tensor<?x32xf32>
  // CHECK: quant_ext.gather_rows %{{.*}} weight(%{{.*}}, %{{.*}}) {k = 64 : i64, lanes = 16 : i64, rows = 32 : i64, {{.*}} : tensor<?xi32> weight tensor<2x2x4x16xi32>, tensor<2x2x16xf16> -> tensor<?x64xf32>
  %3 = quant_ext.gather_rows %ids weight(%p, %ps) {scheme = #q4, rows = 32 : i64, k = 64 : i64, lanes = 16 : i64} : tensor<?xi32> weight tensor<2x2x4x16xi32>, tensor<2x2x16xf16> -> tensor<?x64xf32>
  return
}
