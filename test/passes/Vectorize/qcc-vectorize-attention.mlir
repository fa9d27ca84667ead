// RUN: qcc-opt %s --pass-pipeline='builtin.module(func.func(qcc-vectorize-attention))' | FileCheck %s

// Maximum, sum and output of both heads are carried through one loop over blocks of 16 positions.
// CHECK-LABEL: func.func @attention
// CHECK: scf.for {{.*}} -> (f32, vector<16xf32>, vector<16xf32>, f32, vector<16xf32>, vector<16xf32>)
// CHECK: vector.reduction <{{max.*}}>
// CHECK: math.exp %{{.*}} : vector<16xf32>
// CHECK: vector.transfer_write
// CHECK-NOT: nn.attention
func.func @attention(%q: tensor<1x32xf32>, %k: tensor<1x1x4x16x16xf16>, %v: tensor<1x1x64x16xf16>, %layer: index, %p: index) -> tensor<1x32xf32> {
  %0 = nn.attention %q, %k, %v layer %layer at %p {heads = 2 : i64, scale = 0.25 : f32} : tensor<1x32xf32>, tensor<1x1x4x16x16xf16>, tensor<1x1x64x16xf16>
  return %0 : tensor<1x32xf32>
}

// Int8 caches: the scales of 16 keys multiply their scores, those of the values the weights.
// CHECK-LABEL: func.func @attention_int8
// CHECK: vector.transfer_read %arg1{{.*}} : tensor<1x1x4x16x16xi8>, vector<16xi8>
// CHECK: arith.sitofp %{{.*}} : vector<16xi8> to vector<16xf32>
// CHECK: %[[KS:.*]] = vector.transfer_read %arg3[%{{.*}}, %{{.*}}, %c0{{.*}} : tensor<1x1x2x64xf32>, vector<16xf32>
// CHECK: %[[SCALE:.*]] = arith.mulf %{{.*}}, %[[KS]]
// CHECK: %[[VS:.*]] = vector.transfer_read %arg3[%{{.*}}, %{{.*}}, %c1{{.*}} : tensor<1x1x2x64xf32>, vector<16xf32>
// CHECK: arith.mulf %{{.*}}, %[[SCALE]]
// CHECK: %[[P:.*]] = math.exp
// CHECK: arith.mulf %[[P]], %[[VS]]
// CHECK-NOT: nn.attention
func.func @attention_int8(%q: tensor<1x32xf32>, %k: tensor<1x1x4x16x16xi8>, %v: tensor<1x1x64x16xi8>, %s: tensor<1x1x2x64xf32>, %layer: index, %p: index) -> tensor<1x32xf32> {
  %0 = nn.attention %q, %k, %v scales(%s) layer %layer at %p {heads = 2 : i64, scale = 0.25 : f32} : tensor<1x32xf32>, tensor<1x1x4x16x16xi8>, tensor<1x1x64x16xi8> scales tensor<1x1x2x64xf32>
  return %0 : tensor<1x32xf32>
}
