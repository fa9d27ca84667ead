// RUN: qcc-opt %s --split-input-file --qcc-insert-observers | FileCheck %s

// Linear operations of one value share an observer, named after the first weight; the weights know it.

// CHECK: nn.weight @q {{.*}}{observer = "q"}
// CHECK: nn.weight @k {{.*}}{observer = "q"}
// CHECK: nn.weight @o {{.*}}{observer = "o"}
nn.weight @q : tensor<64x64xf32> sources ["q"] format "f32" order "natural"
nn.weight @k : tensor<32x64xf32> sources ["k"] format "f32" order "natural"
nn.weight @o : tensor<64x64xf32> sources ["o"] format "f32" order "natural"

// CHECK-LABEL: func.func @shared
// CHECK-SAME: (%[[X:.*]]: tensor<?x64xf32>)
// CHECK: %[[OX:.*]] = quant_ext.observe %[[X]] "q" : tensor<?x64xf32>
// CHECK: %[[Q:.*]] = nn.linear %[[OX]],
// CHECK-NOT: quant_ext.observe
// CHECK: nn.linear %[[OX]],
// CHECK: %[[OQ:.*]] = quant_ext.observe %[[Q]] "o" : tensor<?x64xf32>
// CHECK: nn.linear %[[OQ]],
func.func @shared(%x: tensor<?x64xf32>) -> (tensor<?x32xf32>, tensor<?x64xf32>) {
  %wq = nn.load_weight @q : tensor<64x64xf32>
  %wk = nn.load_weight @k : tensor<32x64xf32>
  %wo = nn.load_weight @o : tensor<64x64xf32>
  %q = nn.linear %x, %wq : tensor<?x64xf32>, tensor<64x64xf32> -> tensor<?x64xf32>
  %k = nn.linear %x, %wk : tensor<?x64xf32>, tensor<32x64xf32> -> tensor<?x32xf32>
  %o = nn.linear %q, %wo : tensor<?x64xf32>, tensor<64x64xf32> -> tensor<?x64xf32>
  return %k, %o : tensor<?x32xf32>, tensor<?x64xf32>
}

// -----

// Prefill and decode have the same weights: observers of the same names.

// CHECK: nn.weight @q {{.*}}{observer = "q"}
nn.weight @q : tensor<64x64xf32> sources ["q.0", "q.1"] format "f32" order "natural"

// CHECK-LABEL: func.func @prefill
// CHECK: quant_ext.observe %{{.*}} "q" : tensor<?x64xf32>
func.func @prefill(%x: tensor<?x64xf32>, %layer: index) -> tensor<?x64xf32> {
  %w = nn.load_weight @q[%layer] : tensor<64x64xf32>
  %y = nn.linear %x, %w : tensor<?x64xf32>, tensor<64x64xf32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @decode
// CHECK: quant_ext.observe %{{.*}} "q" : tensor<1x64xf32>
func.func @decode(%x: tensor<1x64xf32>, %layer: index) -> tensor<1x64xf32> {
  %w = nn.load_weight @q[%layer] : tensor<64x64xf32>
  %y = nn.linear %x, %w : tensor<1x64xf32>, tensor<64x64xf32> -> tensor<1x64xf32>
  return %y : tensor<1x64xf32>
}

// -----

// A model's ends, and weights that are no symbols, are not observed.

// CHECK-NOT: observer =
nn.weight @head : tensor<128x64xf32> sources ["head"] format "f32" order "natural" {role = "output"}

// CHECK-LABEL: func.func @ends
// CHECK-NOT: quant_ext.observe
// CHECK: return
func.func @ends(%x: tensor<?x64xf32>, %w: tensor<32x64xf32>) -> (tensor<?x128xf32>, tensor<?x32xf32>) {
  %h = nn.load_weight @head : tensor<128x64xf32>
  %y = nn.linear %x, %h : tensor<?x64xf32>, tensor<128x64xf32> -> tensor<?x128xf32>
  %z = nn.linear %x, %w : tensor<?x64xf32>, tensor<32x64xf32> -> tensor<?x32xf32>
  return %y, %z : tensor<?x128xf32>, tensor<?x32xf32>
}
