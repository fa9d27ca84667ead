// RUN: qcc-opt %s --qcc-place-weights | FileCheck %s

// Each component begins at a multiple of 64; instances follow one another.

// CHECK: module attributes {nn.weight_bytes = 2560 : i64}
// CHECK: nn.weight @w {{.*}}component_offsets = array<i64: 0, 1024>{{.*}}offset = 0 : i64{{.*}}stride = 1152 : i64
nn.weight @w : tensor<32x64xf16> sources ["a", "b"] format "f16" order "natural"
    {component_types = [tensor<2x2x4x16xi32>, tensor<2x2x16xf16>]}
// CHECK: nn.weight @small {{.*}}component_offsets = array<i64: 0>{{.*}}offset = 2304 : i64{{.*}}stride = 64 : i64
nn.weight @small : tensor<3xf32> sources ["c"] format "f32" order "natural" {component_types = [tensor<3xf32>]}
// CHECK: nn.weight @next {{.*}}offset = 2368 : i64
nn.weight @next : tensor<48xf32> sources ["d"] format "f32" order "natural" {component_types = [tensor<48xf32>]}
