// RUN: qcc-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(func.func(qcc-vectorize-rope))'

func.func @heads(%x: tensor<1x64xf32>, %t: tensor<1x8xf32>) -> tensor<1x64xf32> {
  // expected-error @+2 {{'nn.rope' op is not of one position and head}}
  // expected-note @+1 {{qcc-tile-to-threads cuts it into heads}}
  %y = nn.rope %x, %t, %t {head_dim = 16 : i64} : tensor<1x64xf32>, tensor<1x8xf32>
  return %y : tensor<1x64xf32>
}

// -----

func.func @positions(%p: index, %f: tensor<8xf32>) -> (tensor<2x8xf32>, tensor<2x8xf32>) {
  // expected-error @+2 {{'nn.rope_table' op is not of one position and head}}
  // expected-note @+1 {{qcc-tile-to-threads cuts it into heads}}
  %cos, %sin = nn.rope_table %p, %f {scale = 1.0 : f32} : tensor<8xf32> -> tensor<2x8xf32>, tensor<2x8xf32>
  return %cos, %sin : tensor<2x8xf32>, tensor<2x8xf32>
}
