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
