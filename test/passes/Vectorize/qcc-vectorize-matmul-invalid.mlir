// RUN: qcc-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(func.func(qcc-vectorize-matmul))'

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>

func.func @not_packed(%x: tensor<1x64xf32>, %w: tensor<16x64xi8>, %s: tensor<16x2xf16>) -> tensor<1x16xf32> {
  // expected-error @+2 {{'quant_ext.matmul' op is not a packed tile of 16 output features}}
  // expected-note @+1 {{qcc-pack-weights and qcc-tile-to-threads make it one}}
  %y = quant_ext.matmul %x weight(%w, %s) {scheme = #q4, k = 64 : i64} : tensor<1x64xf32> weight tensor<16x64xi8>, tensor<16x2xf16> -> tensor<1x16xf32>
  return %y : tensor<1x16xf32>
}

// -----

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>

func.func @not_a_tile(%x: tensor<1x64xf32>, %w: tensor<2x2x4x16xi32>, %s: tensor<2x2x16xf16>) -> tensor<1x32xf32> {
  // expected-error @+2 {{'quant_ext.matmul' op is not a packed tile of 16 output features}}
  // expected-note @+1 {{qcc-pack-weights and qcc-tile-to-threads make it one}}
  %y = quant_ext.matmul %x weight(%w, %s) {scheme = #q4, k = 64 : i64, lanes = 16 : i64} : tensor<1x64xf32> weight tensor<2x2x4x16xi32>, tensor<2x2x16xf16> -> tensor<1x32xf32>
  return %y : tensor<1x32xf32>
}
