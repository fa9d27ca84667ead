// RUN: qcc-opt %s --verify-roundtrip | FileCheck %s
// RUN: qcc-opt %s --mlir-print-op-generic | qcc-opt | FileCheck %s

// CHECK: nn.weight @single : tensor<32x64xf16> sources ["a"] format "f16" order "natural"
nn.weight @single : tensor<32x64xf16> sources ["a"] format "f16" order "natural"
// CHECK: nn.weight @layers : tensor<32x64xf32> sources ["l0", "l1"] format "q4_0" order "interleaved" {head_dim = 16 : i64, role = "output"}
nn.weight @layers : tensor<32x64xf32> sources ["l0", "l1"] format "q4_0" order "interleaved" {head_dim = 16 : i64, role = "output"}
// CHECK: nn.weight @packed {{.*}}component_offsets = array<i64: 0, 1024>, component_types = [tensor<2x2x4x16xi32>, tensor<2x2x16xf16>], {{.*}}stride = 1152 : i64
nn.weight @packed : tensor<32x64xf16> sources ["p"] format "f16" order "transposed"
    {lanes = 16 : i64, method = "rtn", offset = 64 : i64, stride = 1152 : i64, component_offsets = array<i64: 0, 1024>,
     component_types = [tensor<2x2x4x16xi32>, tensor<2x2x16xf16>]}

// CHECK-LABEL: func.func @weights
func.func @weights(%layer: index) {
  // CHECK: nn.load_weight @single : tensor<32x64xf16>
  %0 = nn.load_weight @single : tensor<32x64xf16>
  // CHECK: nn.load_weight @layers[%{{.*}}] : tensor<32x64xf32>
  %1 = nn.load_weight @layers[%layer] : tensor<32x64xf32>
  // CHECK: nn.load_weight @packed : tensor<2x2x4x16xi32>, tensor<2x2x16xf16>
  %2:2 = nn.load_weight @packed : tensor<2x2x4x16xi32>, tensor<2x2x16xf16>
  return
}

// CHECK-LABEL: func.func @matrices
func.func @matrices(%x: tensor<?x64xf32>, %w: tensor<32x64xf16>, %ids: tensor<?xi32>, %norm: tensor<64xf32>) {
  // CHECK: nn.linear %{{.*}}, %{{.*}} : tensor<?x64xf32>, tensor<32x64xf16> -> tensor<?x32xf32>
  %0 = nn.linear %x, %w : tensor<?x64xf32>, tensor<32x64xf16> -> tensor<?x32xf32>
  // CHECK: nn.embedding %{{.*}}, %{{.*}} : tensor<?xi32>, tensor<32x64xf16> -> tensor<?x64xf32>
  %1 = nn.embedding %ids, %w : tensor<?xi32>, tensor<32x64xf16> -> tensor<?x64xf32>
  // CHECK: nn.rms_norm %{{.*}}, %{{.*}} {epsilon = 9.99999974E-6 : f32} : tensor<?x64xf32>, tensor<64xf32>
  %2 = nn.rms_norm %x, %norm {epsilon = 1.0e-05 : f32} : tensor<?x64xf32>, tensor<64xf32>
  return
}

// CHECK-LABEL: func.func @rotary
func.func @rotary(%p: index, %t: index, %f: tensor<8xf32>, %x: tensor<?x64xf32>) {
  // CHECK: %[[COS:.*]], %[[SIN:.*]] = nn.rope_table %{{.*}}, %{{.*}} rows %{{.*}} {scale = 1.000000e+00 : f32} : tensor<8xf32> -> tensor<?x8xf32>, tensor<?x8xf32>
  %cos, %sin = nn.rope_table %p, %f rows %t {scale = 1.0 : f32} : tensor<8xf32> -> tensor<?x8xf32>, tensor<?x8xf32>
  // CHECK: nn.rope_table %{{.*}}, %{{.*}} {scale = 2.000000e+00 : f32} : tensor<8xf32> -> tensor<1x8xf32>, tensor<1x8xf32>
  %one:2 = nn.rope_table %p, %f {scale = 2.0 : f32} : tensor<8xf32> -> tensor<1x8xf32>, tensor<1x8xf32>
  // CHECK: nn.rope %{{.*}}, %[[COS]], %[[SIN]] {head_dim = 16 : i64} : tensor<?x64xf32>, tensor<?x8xf32>
  %0 = nn.rope %x, %cos, %sin {head_dim = 16 : i64} : tensor<?x64xf32>, tensor<?x8xf32>
  return
}

// CHECK-LABEL: func.func @attention
func.func @attention(%q: tensor<?x64xf32>, %kv: tensor<?x32xf32>, %k: tensor<2x2x4x16x16xf16>, %v: tensor<2x2x64x16xf16>,
                     %layer: index, %p: index, %window: index) {
  // CHECK: nn.kv_append %{{.*}}, %{{.*}} into %{{.*}}, %{{.*}} layer %{{.*}} at %{{.*}} : tensor<?x32xf32>, tensor<?x32xf32> into tensor<2x2x4x16x16xf16>, tensor<2x2x64x16xf16>
  %k1, %v1 = nn.kv_append %kv, %kv into %k, %v layer %layer at %p : tensor<?x32xf32>, tensor<?x32xf32> into tensor<2x2x4x16x16xf16>, tensor<2x2x64x16xf16>
  // CHECK: nn.attention %{{.*}}, %{{.*}}, %{{.*}} layer %{{.*}} at %{{.*}} {heads = 4 : i64, scale = 2.500000e-01 : f32}
  %0 = nn.attention %q, %k1, %v1 layer %layer at %p {heads = 4 : i64, scale = 0.25 : f32} : tensor<?x64xf32>, tensor<2x2x4x16x16xf16>, tensor<2x2x64x16xf16>
  // CHECK: nn.attention {{.*}} window %{{.*}} {heads
  %1 = nn.attention %q, %k1, %v1 layer %layer at %p window %window {heads = 4 : i64, scale = 0.25 : f32} : tensor<?x64xf32>, tensor<2x2x4x16x16xf16>, tensor<2x2x64x16xf16>
  return
}

// CHECK: nn.weight @other_tool : tensor<32x64xf32> sources ["m.q_proj"] format "gptq" order "natural" {source_scheme = #quant_ext.scheme<code = integer
nn.weight @other_tool : tensor<32x64xf32> sources ["m.q_proj"] format "gptq" order "natural" {source_scheme = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>}
nn.weight @other_tool_order : tensor<64xi32> sources ["m.q_proj"] format "column_order" order "natural"
nn.weight @few : tensor<16xi32> sources ["calibration:q.0:outliers"] format "i32" order "natural"

// CHECK-LABEL: func.func @permute
func.func @permute(%x: tensor<?x64xf32>) {
  %order = nn.load_weight @other_tool_order : tensor<64xi32>
  // CHECK: nn.gather_columns %{{.*}}, %{{.*}} : tensor<?x64xf32>, tensor<64xi32> -> tensor<?x64xf32>
  %0 = nn.gather_columns %x, %order : tensor<?x64xf32>, tensor<64xi32> -> tensor<?x64xf32>
  %few = nn.load_weight @few : tensor<16xi32>
  // CHECK: nn.gather_columns %{{.*}}, %{{.*}} : tensor<?x64xf32>, tensor<16xi32> -> tensor<?x16xf32>
  %1 = nn.gather_columns %x, %few : tensor<?x64xf32>, tensor<16xi32> -> tensor<?x16xf32>
  return
}

// CHECK-LABEL: func.func @int8_cache
func.func @int8_cache(%q: tensor<?x64xf32>, %kv: tensor<?x32xf32>, %k: tensor<2x2x4x16x16xi8>, %v: tensor<2x2x64x16xi8>,
                      %s: tensor<2x2x2x64xf32>, %layer: index, %p: index, %window: index) {
  // CHECK: %[[K:.*]], %[[V:.*]], %[[S:.*]] = nn.kv_append %{{.*}}, %{{.*}} into %{{.*}}, %{{.*}} scales(%{{.*}}) layer %{{.*}} at %{{.*}} scales tensor<2x2x2x64xf32> -> tensor<2x2x2x64xf32>
  %c:3 = nn.kv_append %kv, %kv into %k, %v scales(%s) layer %layer at %p : tensor<?x32xf32>, tensor<?x32xf32> into tensor<2x2x4x16x16xi8>, tensor<2x2x64x16xi8> scales tensor<2x2x2x64xf32> -> tensor<2x2x2x64xf32>
  // CHECK: nn.attention %{{.*}}, %[[K]], %[[V]] scales(%[[S]]) layer %{{.*}} at %{{.*}} window %{{.*}} {heads = 4
  %0 = nn.attention %q, %c#0, %c#1 scales(%c#2) layer %layer at %p window %window {heads = 4 : i64, scale = 0.25 : f32} : tensor<?x64xf32>, tensor<2x2x4x16x16xi8>, tensor<2x2x64x16xi8> scales tensor<2x2x2x64xf32>
  return
}
