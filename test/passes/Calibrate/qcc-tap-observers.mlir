// RUN: qcc-opt %s --pass-pipeline='builtin.module(func.func(qcc-tap-observers))' | FileCheck %s

// In the loop, an observer's value is copied out of the last iteration; outside of it, it is a result as it is.

// CHECK-LABEL: func.func @layers
// CHECK-SAME: (%[[X:.*]]: tensor<?x64xf32> {nn.dims = ["T"], nn.input = "hidden"}
// CHECK-SAME: tensor<?x64xf32> {nn.dims = ["T"], nn.output = "hidden"}, tensor<?x64xf32> {nn.dims = ["T"], nn.output = "tap:after"}, tensor<?x64xf32> {nn.dims = ["T"], nn.output = "tap:q"})
// CHECK: %[[ROWS:.*]] = tensor.dim %[[X]],
// CHECK: %[[EMPTY:.*]] = tensor.empty(%[[ROWS]]) : tensor<?x64xf32>
// CHECK: %[[LOOP:.*]]:2 = scf.for {{.*}} iter_args(%[[H:.*]] = %[[X]], %[[T:.*]] = %[[EMPTY]])
// CHECK-NOT: quant_ext.observe
// CHECK: %[[NEG:.*]] = linalg.negf ins(%[[H]]
// CHECK: %[[COPY:.*]] = linalg.copy ins(%[[H]] : tensor<?x64xf32>) outs(%[[T]] : tensor<?x64xf32>)
// CHECK: scf.yield %[[NEG]], %[[COPY]]
// CHECK-NOT: quant_ext.observe
// CHECK: return %[[LOOP]]#0, %[[LOOP]]#0, %[[LOOP]]#1
func.func @layers(%x: tensor<?x64xf32> {nn.dims = ["T"], nn.input = "hidden"}, %first: index, %last: index) -> (tensor<?x64xf32> {nn.dims = ["T"], nn.output = "hidden"}) attributes {nn.entry} {
  %c1 = arith.constant 1 : index
  %y = scf.for %layer = %first to %last step %c1 iter_args(%h = %x) -> (tensor<?x64xf32>) {
    %o = quant_ext.observe %h "q" : tensor<?x64xf32>
    %n = linalg.negf ins(%o : tensor<?x64xf32>) outs(%h : tensor<?x64xf32>) -> tensor<?x64xf32>
    scf.yield %n : tensor<?x64xf32>
  }
  %z = quant_ext.observe %y "after" : tensor<?x64xf32>
  return %z : tensor<?x64xf32>
}

// A fixed number of rows needs no dimension.

// CHECK-LABEL: func.func @fixed
// CHECK-SAME: tensor<4x64xf32> {nn.output = "tap:q"}
// CHECK: return %arg0, %arg0
func.func @fixed(%x: tensor<4x64xf32>) -> (tensor<4x64xf32> {nn.output = "y"}) attributes {nn.entry} {
  %o = quant_ext.observe %x "q" : tensor<4x64xf32>
  return %o : tensor<4x64xf32>
}

// What is no entry point is left alone.

// CHECK-LABEL: func.func @helper
// CHECK: quant_ext.observe
func.func @helper(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %o = quant_ext.observe %x "q" : tensor<?x64xf32>
  return %o : tensor<?x64xf32>
}
