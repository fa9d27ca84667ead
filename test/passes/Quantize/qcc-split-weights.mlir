// RUN: qcc-opt %s --split-input-file --qcc-split-weights | FileCheck %s

// Layers 0 and 2 have one scheme, layer 1 another: two weights, and the layer's number finds which.

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
#q5 = #quant_ext.scheme<code = integer, bits = 5, group = 32, offset = 16, scale = f16, min = none>

// CHECK: nn.weight @q.0 : tensor<32x64xf32> sources ["q.0", "q.2"] {{.*}}{choices = [{{.*}}bits = 4, {{.*}}bits = 4, {{.*}}], observer = "q"}
// CHECK: nn.weight @q.1 : tensor<32x64xf32> sources ["q.1"] {{.*}}{choices = [#quant_ext.scheme<code = integer, bits = 5, {{.*}}>], observer = "q"}
// CHECK-NOT: nn.weight @q :
nn.weight @q : tensor<32x64xf32> sources ["q.0", "q.1", "q.2"] format "f32" order "natural" {choices = [#q4, #q5, #q4], observer = "q"}

// CHECK-LABEL: func.func @layer
// CHECK-SAME: (%[[X:.*]]: tensor<?x64xf32>, %[[LAYER:.*]]: index)
// CHECK: %[[KINDS:.*]] = arith.constant dense<[0, 1, 0]> : tensor<3xindex>
// CHECK: %[[KIND:.*]] = tensor.extract %[[KINDS]][%[[LAYER]]]
// CHECK: %[[INSTANCES:.*]] = arith.constant dense<[0, 0, 1]> : tensor<3xindex>
// CHECK: %[[INSTANCE:.*]] = tensor.extract %[[INSTANCES]][%[[LAYER]]]
// CHECK: %[[Y:.*]] = scf.index_switch %[[KIND]] -> tensor<?x32xf32>
// CHECK-NEXT: case 1 {
// CHECK-NEXT: %[[W1:.*]] = nn.load_weight @q.1[%[[INSTANCE]]] : tensor<32x64xf32>
// CHECK-NEXT: %[[Y1:.*]] = nn.linear %[[X]], %[[W1]]
// CHECK-NEXT: scf.yield %[[Y1]]
// CHECK: default {
// CHECK-NEXT: %[[W0:.*]] = nn.load_weight @q.0[%[[INSTANCE]]] : tensor<32x64xf32>
// CHECK-NEXT: %[[Y0:.*]] = nn.linear %[[X]], %[[W0]]
// CHECK-NEXT: scf.yield %[[Y0]]
// CHECK: return %[[Y]]
func.func @layer(%x: tensor<?x64xf32>, %layer: index) -> tensor<?x32xf32> {
  %w = nn.load_weight @q[%layer] : tensor<32x64xf32>
  %y = nn.linear %x, %w : tensor<?x64xf32>, tensor<32x64xf32> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// -----

// The same choice for all layers, or none at all: nothing to do.

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>

// CHECK: nn.weight @same
// CHECK: nn.weight @free
nn.weight @same : tensor<32x64xf32> sources ["s.0", "s.1"] format "f32" order "natural" {choices = [#q4, #q4]}
nn.weight @free : tensor<32x64xf32> sources ["f.0", "f.1"] format "f32" order "natural"

// CHECK-LABEL: func.func @unchanged
// CHECK-NOT: scf.index_switch
// CHECK: nn.load_weight @same[%arg1]
// CHECK: nn.load_weight @free[%arg1]
func.func @unchanged(%x: tensor<?x64xf32>, %layer: index) -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  %s = nn.load_weight @same[%layer] : tensor<32x64xf32>
  %f = nn.load_weight @free[%layer] : tensor<32x64xf32>
  %a = nn.linear %x, %s : tensor<?x64xf32>, tensor<32x64xf32> -> tensor<?x32xf32>
  %b = nn.linear %x, %f : tensor<?x64xf32>, tensor<32x64xf32> -> tensor<?x32xf32>
  return %a, %b : tensor<?x32xf32>, tensor<?x32xf32>
}
