// RUN: qcc-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(qcc-vectorize-row-ops))' | FileCheck %s

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>

// Vectors of 16 and a shorter last one.
// CHECK-LABEL: func.func @norm
// CHECK: scf.for {{.*}} -> (vector<16xf32>)
// CHECK: math.fma
// CHECK: vector.reduction <add>, %{{.*}} : vector<16xf32> into f32
// CHECK: vector.reduction <add>, %{{.*}} : vector<8xf32> into f32
// CHECK: math.sqrt
// CHECK: vector.transfer_write %{{.*}} : vector<16xf32>
// CHECK: vector.transfer_write %{{.*}} : vector<8xf32>
// CHECK-NOT: nn.rms_norm
func.func @norm(%x: tensor<1x40xf32>, %w: tensor<40xf32>) -> tensor<1x40xf32> {
  %y = nn.rms_norm %x, %w {epsilon = 1.0e-05 : f32} : tensor<1x40xf32>, tensor<40xf32>
  return %y : tensor<1x40xf32>
}

// -----

// CHECK-LABEL: func.func @quantize
// CHECK: math.absf %{{.*}} : vector<32xf32>
// CHECK: vector.reduction <maxnumf>
// CHECK: math.roundeven %{{.*}} : vector<32xf32>
// CHECK: arith.fptosi
// CHECK: arith.trunci {{.*}} to vector<32xi8>
// The last, short group, and the padding.
// CHECK: math.roundeven %{{.*}} : vector<8xf32>
// CHECK: vector.transfer_write %{{.*}} : vector<24xi8>, tensor<1x64xi8>
func.func @quantize(%x: tensor<1x40xf32>) -> (tensor<1x64xi8>, tensor<1x2xf32>) {
  %s = quant_ext.choose_qparams %x {group = 32 : i64} : tensor<1x40xf32> -> tensor<1x2xf32>
  %q = quant_ext.quantize %x, %s {group = 32 : i64} : tensor<1x40xf32>, tensor<1x2xf32> -> tensor<1x64xi8>
  return %q, %s : tensor<1x64xi8>, tensor<1x2xf32>
}

// -----

// CHECK-LABEL: func.func @sums
// CHECK: arith.sitofp %{{.*}} : vector<32xi8> to vector<32xf32>
// CHECK: vector.reduction <add>, %{{.*}} into i32
// CHECK: arith.muli
// CHECK-NOT: quant_ext
func.func @sums(%q: tensor<1x64xi8>, %s: tensor<1x2xf32>) -> (tensor<1x64xf32>, tensor<1x2xi32>) {
  %d = quant_ext.dequantize %q, %s {group = 32 : i64} : tensor<1x64xi8>, tensor<1x2xf32> -> tensor<1x64xf32>
  %c = quant_ext.group_sums %q {group = 32 : i64, multiplier = -8 : i64} : tensor<1x64xi8> -> tensor<1x2xi32>
  return %d, %c : tensor<1x64xf32>, tensor<1x2xi32>
}

// -----

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>

// An id outside of the table is clamped into it.
// CHECK-LABEL: func.func @gather
// CHECK: arith.maxsi
// CHECK: arith.minsi
// CHECK: arith.divui
// CHECK: scf.for
// CHECK-NOT: quant_ext.gather_rows
func.func @gather(%ids: tensor<1xi32>, %w: tensor<2x2x4x16xi32>, %s: tensor<2x2x16xf16>) -> tensor<1x64xf32> {
  %y = quant_ext.gather_rows %ids weight(%w, %s) {scheme = #q4, rows = 32 : i64, k = 64 : i64, lanes = 16 : i64} : tensor<1xi32> weight tensor<2x2x4x16xi32>, tensor<2x2x16xf16> -> tensor<1x64xf32>
  return %y : tensor<1x64xf32>
}

// -----

// CHECK-LABEL: func.func @permute
// CHECK: scf.for
// CHECK: %[[FROM:.*]] = vector.transfer_read %arg1{{.*}} vector<16xi32>
// CHECK: %[[V:.*]] = vector.gather %arg0[%{{.*}}, %{{.*}}] [%[[FROM]]]
// CHECK: vector.transfer_write %[[V]]
// The rest.
// CHECK: vector.gather {{.*}} into vector<8xf32>
// CHECK-NOT: nn.gather_columns
func.func @permute(%x: tensor<1x40xf32>, %order: tensor<40xi32>) -> tensor<1x40xf32> {
  %y = nn.gather_columns %x, %order : tensor<1x40xf32>, tensor<40xi32> -> tensor<1x40xf32>
  return %y : tensor<1x40xf32>
}

// -----

#nf4 = #quant_ext.scheme<code = float_codebook, bits = 4, group = 64, scale = f32, min = none, floatCodebook = dense<[-1.0, -0.6961928, -0.52507305, -0.3949175, -0.28444138, -0.18477343, -0.09105004, 0.0, 0.0795803, 0.1609302, 0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1.0]> : tensor<16xf32>>

// A row of a codebook of floats: each element is loaded from the table.
// CHECK-LABEL: func.func @gather_floats
// CHECK: %[[BOOK:.*]] = arith.constant dense<{{.*}}> : tensor<16xf32>
// CHECK: tensor.extract %[[BOOK]]
// CHECK: arith.mulf
func.func @gather_floats(%ids: tensor<1xi32>, %w: tensor<2x2x4x16xi32>, %s: tensor<2x1x16xf32>) -> tensor<1x64xf32> {
  %y = quant_ext.gather_rows %ids weight(%w, %s) {scheme = #nf4, rows = 32 : i64, k = 64 : i64, lanes = 16 : i64} : tensor<1xi32> weight tensor<2x2x4x16xi32>, tensor<2x1x16xf32> -> tensor<1x64xf32>
  return %y : tensor<1x64xf32>
}

// -----

// A static scale: codes saturate. Sums of long groups go by 16.
// CHECK-LABEL: func.func @static_scale
// CHECK: tensor.extract %arg1[%{{.*}}] : tensor<1xf32>
// CHECK: math.roundeven
// CHECK: arith.maxnumf %{{.*}} fastmath<nnan> : vector<32xf32>
// CHECK: arith.minnumf %{{.*}} fastmath<nnan> : vector<32xf32>
// CHECK: arith.fptosi
// CHECK: scf.for {{.*}} -> (vector<16xi32>)
// CHECK: vector.reduction <add>, %{{.*}} : vector<16xi32> into i32
func.func @static_scale(%x: tensor<1x96xf32>, %s: tensor<1xf32>) -> (tensor<1x96xi8>, tensor<1x1xi32>) {
  %q = quant_ext.quantize %x, %s {group = 32 : i64} : tensor<1x96xf32>, tensor<1xf32> -> tensor<1x96xi8>
  %c = quant_ext.group_sums %q {group = 96 : i64, multiplier = -128 : i64} : tensor<1x96xi8> -> tensor<1x1xi32>
  return %q, %c : tensor<1x96xi8>, tensor<1x1xi32>
}
