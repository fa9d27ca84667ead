// RUN: qcc-opt %s -qcc-quantize-pipeline | FileCheck %s

// Upstream's quantized types are taken at the boundary and are arithmetic on storage types afterwards.
!q = !quant.uniform<i8:f32, 0.5:3>

// CHECK-LABEL: func.func @dequantize
// CHECK-SAME: %[[X:.*]]: tensor<4xi8>
// CHECK: %[[F:.*]] = arith.sitofp %[[X]]
// CHECK: %[[S:.*]] = arith.subf %[[F]]
// CHECK: arith.mulf %[[S]]
// CHECK-NOT: quant.
func.func @dequantize(%x: tensor<4x!q>) -> tensor<4xf32> {
  %0 = quant.dcast %x : tensor<4x!q> to tensor<4xf32>
  return %0 : tensor<4xf32>
}
