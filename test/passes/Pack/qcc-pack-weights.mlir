// RUN: qcc-opt %s --qcc-pack-weights | FileCheck %s

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
#f16 = #quant_ext.scheme<code = f16, bits = 16, scale = none, min = none>

// CHECK-LABEL: func.func @matmul
// CHECK: %[[P:.*]]:2 = quant_ext.repack %arg1, %arg2 {lanes = 16 : i64{{.*}} : tensor<40x64xi8>, tensor<40x2xf16> -> tensor<3x2x4x16xi32>, tensor<3x2x16xf16>
// CHECK: quant_ext.matmul %arg0 weight(%[[P]]#0, %[[P]]#1) {k = 64 : i64, lanes = 16 : i64
func.func @matmul(%x: tensor<1x64xf32>, %w: tensor<40x64xi8>, %s: tensor<40x2xf16>) -> tensor<1x40xf32> {
  %y = quant_ext.matmul %x weight(%w, %s) {scheme = #q4, k = 64 : i64} : tensor<1x64xf32> weight tensor<40x64xi8>, tensor<40x2xf16> -> tensor<1x40xf32>
  return %y : tensor<1x40xf32>
}

// CHECK-LABEL: func.func @gather
// CHECK: %[[P:.*]] = quant_ext.repack %arg1 {lanes = 16 : i64{{.*}} -> tensor<2x64x16xf16>
// CHECK: quant_ext.gather_rows %arg0 weight(%[[P]]) {k = 64 : i64, lanes = 16 : i64, rows = 32 : i64
func.func @gather(%ids: tensor<3xi32>, %w: tensor<32x64xf16>) -> tensor<3x64xf32> {
  %y = quant_ext.gather_rows %ids weight(%w) {scheme = #f16, rows = 32 : i64, k = 64 : i64} : tensor<3xi32> weight tensor<32x64xf16> -> tensor<3x64xf32>
  return %y : tensor<3x64xf32>
}
