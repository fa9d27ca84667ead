// RUN: qcc-opt %s --qcc-expose-layers | FileCheck %s

// prefill becomes embed and layers; decode goes, head stays.

nn.weight @table : tensor<32x64xf32> sources ["table"] format "f32" order "natural" {role = "embedding"}
nn.weight @q : tensor<64x64xf32> sources ["q.0", "q.1"] format "f32" order "natural"

// CHECK-LABEL: func.func @embed
// CHECK-SAME: (%[[IDS:.*]]: tensor<?xi32> {nn.dims = ["T"], nn.input = "tokens"})
// CHECK-SAME: -> (tensor<?x64xf32> {nn.dims = ["T"], nn.output = "hidden"}) attributes {nn.entry}
// CHECK: %[[TABLE:.*]] = nn.load_weight @table
// CHECK: %[[H:.*]] = nn.embedding %[[IDS]], %[[TABLE]]
// CHECK: return %[[H]]

// CHECK-LABEL: func.func @layers
// CHECK-SAME: (%[[X:.*]]: tensor<?x64xf32> {nn.dims = ["T"], nn.input = "hidden"}, %[[FIRST:.*]]: index {nn.dim = "first"}, %[[LAST:.*]]: index {nn.dim = "last"}, %{{.*}}: index {nn.dim = "position"})
// CHECK-NOT: nn.embedding
// CHECK: tensor.dim %[[X]],
// CHECK: scf.for %[[LAYER:.*]] = %[[FIRST]] to %[[LAST]] step %{{.*}} iter_args(%{{.*}} = %[[X]])
// CHECK: nn.load_weight @q[%[[LAYER]]]
// CHECK: return %{{.*}} : tensor<?x64xf32>
func.func @prefill(%ids: tensor<?xi32> {nn.dims = ["T"], nn.input = "tokens"}, %position: index {nn.dim = "position"}) -> (tensor<?x64xf32> {nn.dims = ["T"], nn.output = "hidden"}) attributes {nn.entry} {
  %table = nn.load_weight @table : tensor<32x64xf32>
  %x = nn.embedding %ids, %table : tensor<?xi32>, tensor<32x64xf32> -> tensor<?x64xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %rows = tensor.dim %ids, %c0 : tensor<?xi32>
  %frequencies = arith.constant dense<1.0> : tensor<8xf32>
  %cos, %sin = nn.rope_table %position, %frequencies rows %rows {scale = 1.000000e+00 : f32} : tensor<8xf32> -> tensor<?x8xf32>, tensor<?x8xf32>
  %y = scf.for %layer = %c0 to %c2 step %c1 iter_args(%h = %x) -> (tensor<?x64xf32>) {
    %w = nn.load_weight @q[%layer] : tensor<64x64xf32>
    %q = nn.linear %h, %w : tensor<?x64xf32>, tensor<64x64xf32> -> tensor<?x64xf32>
    %r = nn.rope %q, %cos, %sin {head_dim = 16 : i64} : tensor<?x64xf32>, tensor<?x8xf32>
    scf.yield %r : tensor<?x64xf32>
  }
  return %y : tensor<?x64xf32>
}

// CHECK-NOT: @decode
func.func @decode(%ids: tensor<1xi32>) -> tensor<1x64xf32> attributes {nn.entry} {
  %table = nn.load_weight @table : tensor<32x64xf32>
  %x = nn.embedding %ids, %table : tensor<1xi32>, tensor<32x64xf32> -> tensor<1x64xf32>
  return %x : tensor<1x64xf32>
}

// CHECK-LABEL: func.func @head
// CHECK-SAME: (%{{.*}}: tensor<?x64xf32>)
func.func @head(%x: tensor<?x64xf32>) -> tensor<?x64xf32> attributes {nn.entry} {
  return %x : tensor<?x64xf32>
}
