// RUN: qcc-opt %s --pass-pipeline='builtin.module(func.func(qcc-outputs-to-destinations))' | FileCheck %s

// Outputs leave the results; what is no output (state) stays one.
// CHECK-LABEL: func.func @entry
// CHECK-SAME: (%[[X:.*]]: tensor<?x8xf32>, %[[S:.*]]: tensor<4xf32>, %[[OUT:.*]]: memref<?x8xf32> {nn.dims = ["T"], nn.output = "y"}) -> tensor<4xf32>
// CHECK: bufferization.materialize_in_destination %[[X]] in restrict writable %[[OUT]]
// CHECK: return %[[S]]
func.func @entry(%x: tensor<?x8xf32>, %s: tensor<4xf32>) -> (tensor<?x8xf32> {nn.dims = ["T"], nn.output = "y"}, tensor<4xf32>) attributes {nn.entry} {
  return %x, %s : tensor<?x8xf32>, tensor<4xf32>
}

// Inputs are not written to.
// CHECK-LABEL: func.func @input
// CHECK-SAME: bufferization.writable = false, nn.input = "x"
func.func @input(%x: tensor<8xf32> {nn.input = "x"}) attributes {nn.entry} {
  return
}

// CHECK-LABEL: func.func @helper
// CHECK-SAME: (%{{.*}}: tensor<8xf32>) -> tensor<8xf32>
func.func @helper(%x: tensor<8xf32>) -> tensor<8xf32> {
  return %x : tensor<8xf32>
}
