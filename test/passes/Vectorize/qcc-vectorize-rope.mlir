// RUN: qcc-opt %s --pass-pipeline='builtin.module(func.func(qcc-vectorize-rope))' | FileCheck %s

// Angles are rounded to f32 as in training, then reduced in f64.
// CHECK-LABEL: func.func @table
// CHECK: scf.for
// CHECK: %[[ANGLE:.*]] = arith.mulf %{{.*}} : f32
// CHECK: arith.extf %[[ANGLE]] : f32 to f64
// CHECK-NOT: nn.rope_table
func.func @table(%p: index, %f: tensor<8xf32>) -> (tensor<1x8xf32>, tensor<1x8xf32>) {
  %cos, %sin = nn.rope_table %p, %f {scale = 1.0 : f32} : tensor<8xf32> -> tensor<1x8xf32>, tensor<1x8xf32>
  return %cos, %sin : tensor<1x8xf32>, tensor<1x8xf32>
}

// CHECK-LABEL: func.func @rope
// CHECK-COUNT-4: vector.transfer_read {{.*}} vector<8xf32>
// CHECK: arith.mulf
// CHECK-COUNT-2: vector.transfer_write %{{.*}} : vector<8xf32>, tensor<1x16xf32>
// CHECK-NOT: nn.rope
func.func @rope(%x: tensor<1x16xf32>, %c: tensor<1x8xf32>, %s: tensor<1x8xf32>) -> tensor<1x16xf32> {
  %y = nn.rope %x, %c, %s {head_dim = 16 : i64} : tensor<1x16xf32>, tensor<1x8xf32>
  return %y : tensor<1x16xf32>
}

// With a table shorter than half a head the rest of the head does not turn.
// CHECK-LABEL: func.func @partial
// CHECK: %[[REST:.*]] = vector.transfer_read %arg0{{.*}} vector<8xf32>
// CHECK: vector.transfer_write %[[REST]]
func.func @partial(%x: tensor<1x16xf32>, %c: tensor<1x4xf32>, %s: tensor<1x4xf32>) -> tensor<1x16xf32> {
  %y = nn.rope %x, %c, %s {head_dim = 16 : i64} : tensor<1x16xf32>, tensor<1x4xf32>
  return %y : tensor<1x16xf32>
}
