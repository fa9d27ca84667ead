// RUN: qcc-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{'nn.weight' op source type must be a tensor of static shape}}
nn.weight @w : tensor<?x64xf16> sources ["a"] format "f16" order "natural"

// -----

// expected-error @+1 {{'nn.weight' op source type must be a tensor of static shape}}
nn.weight @w : f32 sources ["a"] format "f16" order "natural"

// -----

// expected-error @+1 {{'nn.weight' op needs at least one source tensor}}
nn.weight @w : tensor<32x64xf16> sources [] format "f16" order "natural"

// -----

// expected-error @+1 {{'nn.weight' op order must be natural, transposed or interleaved, found 'diagonal'}}
nn.weight @w : tensor<32x64xf16> sources ["a"] format "f16" order "diagonal"

// -----

// expected-error @+1 {{'nn.weight' op interleaved rows need an even head_dim that divides the rows}}
nn.weight @w : tensor<32x64xf16> sources ["a"] format "f16" order "interleaved"

// -----

// expected-error @+1 {{'nn.weight' op interleaved rows need an even head_dim that divides the rows}}
nn.weight @w : tensor<32x64xf16> sources ["a"] format "f16" order "interleaved" {head_dim = 15 : i64}

// -----

// expected-error @+1 {{'nn.weight' op interleaved rows need an even head_dim that divides the rows}}
nn.weight @w : tensor<32x64xf16> sources ["a"] format "f16" order "interleaved" {head_dim = 24 : i64}

// -----

// expected-error @+1 {{'nn.weight' op offset and component_offsets come together}}
nn.weight @w : tensor<32x64xf16> sources ["a"] format "f16" order "natural" {offset = 0 : i64}

// -----

func.func @absent() {
  // expected-error @+1 {{'nn.load_weight' op no nn.weight named 'w'}}
  %0 = nn.load_weight @w : tensor<32x64xf16>
  return
}

// -----

// expected-note @+1 {{the weight has 2 instances}}
nn.weight @w : tensor<32x64xf16> sources ["a", "b"] format "f16" order "natural"
func.func @no_instance() {
  // expected-error @+1 {{'nn.load_weight' op needs an instance number}}
  %0 = nn.load_weight @w : tensor<32x64xf16>
  return
}

// -----

// expected-note @+1 {{declared here}}
nn.weight @w : tensor<32x64xf16> sources ["a"] format "f16" order "natural"
func.func @other_type() {
  // expected-error @+1 {{'nn.load_weight' op result types are not those of the weight}}
  %0 = nn.load_weight @w : tensor<32x64xf32>
  return
}

// -----

func.func @linear_rank(%x: tensor<64xf32>, %w: tensor<32x64xf32>) {
  // expected-error @+1 {{'nn.linear' op takes matrices}}
  %0 = nn.linear %x, %w : tensor<64xf32>, tensor<32x64xf32> -> tensor<32xf32>
  return
}

// -----

func.func @linear_shape(%x: tensor<1x64xf32>, %w: tensor<32x65xf32>) {
  // expected-error @+1 {{'nn.linear' op shapes must be [T, K], [N, K] -> [T, N]}}
  %0 = nn.linear %x, %w : tensor<1x64xf32>, tensor<32x65xf32> -> tensor<1x32xf32>
  return
}

// -----

func.func @embedding(%ids: tensor<3xi32>, %w: tensor<32x64xf32>) {
  // expected-error @+1 {{'nn.embedding' op shapes must be [T], [N, K] -> [T, K]}}
  %0 = nn.embedding %ids, %w : tensor<3xi32>, tensor<32x64xf32> -> tensor<4x64xf32>
  return
}

// -----

func.func @norm_shape(%x: tensor<1x64xf32>, %w: tensor<32xf32>) {
  // expected-error @+1 {{'nn.rms_norm' op shapes must be [T, K], [K]}}
  %0 = nn.rms_norm %x, %w {epsilon = 1.0e-05 : f32} : tensor<1x64xf32>, tensor<32xf32>
  return
}

// -----

func.func @norm_epsilon(%x: tensor<1x64xf32>, %w: tensor<64xf32>) {
  // expected-error @+1 {{'nn.rms_norm' op epsilon must be finite and not negative}}
  %0 = nn.rms_norm %x, %w {epsilon = -1.0 : f32} : tensor<1x64xf32>, tensor<64xf32>
  return
}

// -----

func.func @table_shape(%p: index, %f: tensor<8xf32>) {
  // expected-error @+1 {{'nn.rope_table' op shapes must be [D/2] -> [T, D/2], [T, D/2]}}
  %0:2 = nn.rope_table %p, %f {scale = 1.0 : f32} : tensor<8xf32> -> tensor<1x8xf32>, tensor<1x16xf32>
  return
}

// -----

func.func @table_rows(%p: index, %f: tensor<8xf32>) {
  // expected-error @+1 {{'nn.rope_table' op rows are given exactly when T is dynamic}}
  %0:2 = nn.rope_table %p, %f {scale = 1.0 : f32} : tensor<8xf32> -> tensor<?x8xf32>, tensor<?x8xf32>
  return
}

// -----

func.func @rope_head(%x: tensor<1x64xf32>, %t: tensor<1x8xf32>) {
  // expected-error @+1 {{'nn.rope' op head_dim must be even and divide the features}}
  %0 = nn.rope %x, %t, %t {head_dim = 24 : i64} : tensor<1x64xf32>, tensor<1x8xf32>
  return
}

// -----

func.func @rope_table(%x: tensor<1x64xf32>, %t: tensor<1x16xf32>) {
  // expected-error @+1 {{'nn.rope' op tables must be [T, at most head_dim / 2]}}
  %0 = nn.rope %x, %t, %t {head_dim = 16 : i64} : tensor<1x64xf32>, tensor<1x16xf32>
  return
}

// -----

func.func @caches(%q: tensor<1x64xf32>, %k: tensor<2x2x4x16x16xf16>, %v: tensor<2x2x63x16xf16>, %i: index) {
  // expected-error @+1 {{'nn.attention' op caches must be keys [L, heads, C/16, D, 16] and values [L, heads, C, D]}}
  %0 = nn.attention %q, %k, %v layer %i at %i {heads = 4 : i64, scale = 0.25 : f32} : tensor<1x64xf32>, tensor<2x2x4x16x16xf16>, tensor<2x2x63x16xf16>
  return
}

// -----

func.func @cache_types(%kv: tensor<1x32xf32>, %k: tensor<2x2x4x16x16xf16>, %v: tensor<2x2x64x16xf32>, %i: index) {
  // expected-error @+1 {{'nn.kv_append' op caches must be keys [L, heads, C/16, D, 16] and values [L, heads, C, D]}}
  %0:2 = nn.kv_append %kv, %kv into %k, %v layer %i at %i : tensor<1x32xf32>, tensor<1x32xf32> into tensor<2x2x4x16x16xf16>, tensor<2x2x64x16xf32>
  return
}

// -----

func.func @append_width(%kv: tensor<1x64xf32>, %k: tensor<2x2x4x16x16xf16>, %v: tensor<2x2x64x16xf16>, %i: index) {
  // expected-error @+1 {{'nn.kv_append' op key and value must be [T, heads * D] of the cache}}
  %0:2 = nn.kv_append %kv, %kv into %k, %v layer %i at %i : tensor<1x64xf32>, tensor<1x64xf32> into tensor<2x2x4x16x16xf16>, tensor<2x2x64x16xf16>
  return
}

// -----

func.func @heads(%q: tensor<1x48xf32>, %k: tensor<2x2x4x16x16xf16>, %v: tensor<2x2x64x16xf16>, %i: index) {
  // expected-error @+1 {{'nn.attention' op heads must be a multiple of the cache's 2}}
  %0 = nn.attention %q, %k, %v layer %i at %i {heads = 3 : i64, scale = 0.25 : f32} : tensor<1x48xf32>, tensor<2x2x4x16x16xf16>, tensor<2x2x64x16xf16>
  return
}

// -----

func.func @query(%q: tensor<1x32xf32>, %k: tensor<2x2x4x16x16xf16>, %v: tensor<2x2x64x16xf16>, %i: index) {
  // expected-error @+1 {{'nn.attention' op query must be [T, heads * D]}}
  %0 = nn.attention %q, %k, %v layer %i at %i {heads = 4 : i64, scale = 0.25 : f32} : tensor<1x32xf32>, tensor<2x2x4x16x16xf16>, tensor<2x2x64x16xf16>
  return
}

// -----

func.func @permute_shape(%x: tensor<1x64xf32>, %order: tensor<32xi32>) {
  // expected-error @+1 {{'nn.gather_columns' op shapes must be [T, K], [P] -> [T, P] with static K and P}}
  %0 = nn.gather_columns %x, %order : tensor<1x64xf32>, tensor<32xi32> -> tensor<1x64xf32>
  return
}

// -----

func.func @no_scales(%q: tensor<1x64xf32>, %k: tensor<2x2x4x16x16xi8>, %v: tensor<2x2x64x16xi8>, %i: index) {
  // expected-error @+1 {{'nn.attention' op has scales exactly when the caches are int8}}
  %0 = nn.attention %q, %k, %v layer %i at %i {heads = 4 : i64, scale = 0.25 : f32} : tensor<1x64xf32>, tensor<2x2x4x16x16xi8>, tensor<2x2x64x16xi8>
  return
}

// -----

func.func @permute_dynamic(%x: tensor<1x?xf32>, %order: tensor<?xi32>) {
  // expected-error @+1 {{'nn.gather_columns' op shapes must be [T, K], [P] -> [T, P] with static K and P}}
  %0 = nn.gather_columns %x, %order : tensor<1x?xf32>, tensor<?xi32> -> tensor<1x?xf32>
  return
}

// -----

func.func @scales_of_halves(%kv: tensor<1x32xf32>, %k: tensor<2x2x4x16x16xf16>, %v: tensor<2x2x64x16xf16>, %s: tensor<2x2x2x64xf32>, %i: index) {
  // expected-error @+1 {{'nn.kv_append' op has scales exactly when the caches are int8}}
  %0:3 = nn.kv_append %kv, %kv into %k, %v scales(%s) layer %i at %i : tensor<1x32xf32>, tensor<1x32xf32> into tensor<2x2x4x16x16xf16>, tensor<2x2x64x16xf16> scales tensor<2x2x2x64xf32> -> tensor<2x2x2x64xf32>
  return
}

// -----

// expected-error @+1 {{'nn.weight' op merged must name a module for each source}}
nn.weight @w : tensor<32x64xf32> sources ["a", "b"] format "f32" order "natural" {merged = ["m.q_proj"]}

// -----

func.func @scales_shape(%q: tensor<1x64xf32>, %k: tensor<2x2x4x16x16xi8>, %v: tensor<2x2x64x16xi8>, %s: tensor<2x2x64xf32>, %i: index) {
  // expected-error @+1 {{'nn.attention' op scales must be [L, heads, 2, C] of the caches}}
  %0 = nn.attention %q, %k, %v scales(%s) layer %i at %i {heads = 4 : i64, scale = 0.25 : f32} : tensor<1x64xf32>, tensor<2x2x4x16x16xi8>, tensor<2x2x64x16xi8> scales tensor<2x2x64xf32>
  return
}

// -----

func.func @scales_result(%kv: tensor<1x32xf32>, %k: tensor<2x2x4x16x16xi8>, %v: tensor<2x2x64x16xi8>, %s: tensor<2x2x2x64xf32>, %i: index) {
  // expected-error @+1 {{'nn.kv_append' op scales and their result must be of the same type}}
  %0:3 = nn.kv_append %kv, %kv into %k, %v scales(%s) layer %i at %i : tensor<1x32xf32>, tensor<1x32xf32> into tensor<2x2x4x16x16xi8>, tensor<2x2x64x16xi8> scales tensor<2x2x2x64xf32> -> tensor<2x2x64xf32>
  return
}
