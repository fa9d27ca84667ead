// RUN: qcc-opt %s --qcc-lower-weights | FileCheck %s

nn.weight @w : tensor<32x64xf16> sources ["a", "b"] format "f16" order "natural"
    {component_types = [tensor<2x2x4x16xi32>, tensor<2x2x16xf16>], offset = 64 : i64, stride = 1152 : i64, component_offsets = array<i64: 0, 1024>}
nn.weight @norm : tensor<64xf32> sources ["n"] format "f32" order "natural"
    {component_types = [tensor<64xf32>], offset = 2368 : i64, stride = 256 : i64, component_offsets = array<i64: 0>}

// CHECK-DAG: #[[CODES:.*]] = affine_map<()[s0] -> (s0 * 1152 + 64)>
// CHECK-DAG: #[[SCALES:.*]] = affine_map<()[s0] -> (s0 * 1152 + 1088)>
// CHECK-LABEL: func.func @layer
// CHECK-SAME: (%[[I:.*]]: index, %[[BLOB:.*]]: memref<?xi8> {nn.weights})
// CHECK: %[[AT:.*]] = affine.apply #[[CODES]]()[%[[I]]]
// CHECK: %[[VIEW:.*]] = memref.view %[[BLOB]][%[[AT]]][] : memref<?xi8> to memref<2x2x4x16xi32>
// CHECK: bufferization.to_tensor %[[VIEW]] restrict
// CHECK: affine.apply #[[SCALES]]()[%[[I]]]
func.func @layer(%i: index) -> (tensor<2x2x4x16xi32>, tensor<2x2x16xf16>) {
  %0:2 = nn.load_weight @w[%i] : tensor<2x2x4x16xi32>, tensor<2x2x16xf16>
  return %0#0, %0#1 : tensor<2x2x4x16xi32>, tensor<2x2x16xf16>
}

// CHECK-LABEL: func.func @single
// CHECK: %[[AT:.*]] = arith.constant 2368 : index
// CHECK: memref.view %{{.*}}[%[[AT]]][] : memref<?xi8> to memref<64xf32>
func.func @single() -> tensor<64xf32> {
  %0 = nn.load_weight @norm : tensor<64xf32>
  return %0 : tensor<64xf32>
}

// CHECK-LABEL: func.func @none
// CHECK-SAME: ()
func.func @none() {
  return
}
