// RUN: qcc-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(func.func(qcc-vectorize-attention))'

func.func @kv_heads(%q: tensor<1x32xf32>, %k: tensor<1x2x4x16x16xf16>, %v: tensor<1x2x64x16xf16>, %i: index) -> tensor<1x32xf32> {
  // expected-error @+2 {{'nn.attention' op is not of one token and one KV head}}
  // expected-note @+1 {{qcc-tile-to-threads cuts it into heads}}
  %0 = nn.attention %q, %k, %v layer %i at %i {heads = 2 : i64, scale = 0.25 : f32} : tensor<1x32xf32>, tensor<1x2x4x16x16xf16>, tensor<1x2x64x16xf16>
  return %0 : tensor<1x32xf32>
}

// -----

func.func @tokens(%q: tensor<?x32xf32>, %k: tensor<1x1x4x16x16xf16>, %v: tensor<1x1x64x16xf16>, %i: index) -> tensor<?x32xf32> {
  // expected-error @+2 {{'nn.attention' op is not of one token and one KV head}}
  // expected-note @+1 {{qcc-tile-to-threads cuts it into heads}}
  %0 = nn.attention %q, %k, %v layer %i at %i {heads = 2 : i64, scale = 0.25 : f32} : tensor<?x32xf32>, tensor<1x1x4x16x16xf16>, tensor<1x1x64x16xf16>
  return %0 : tensor<?x32xf32>
}
