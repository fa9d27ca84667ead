// RUN: qcc-opt %s --qcc-emit-entry-points | FileCheck %s

// Everything an entry point takes comes from the words of QccFrame (runtime/include/qcc/abi.h).
// CHECK-LABEL: func.func private @run
// CHECK-LABEL: func.func @qcc_run_sizes(%{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: !llvm.ptr)
// CHECK: %[[BYTES:.*]] = call @run.sizes
// CHECK: llvm.store
// CHECK-LABEL: func.func @qcc_run(
// CHECK-SAME: %[[FRAME:[a-z0-9]+]]: !llvm.ptr, %[[THREAD:[a-z0-9]+]]: i64)
// CHECK: llvm.getelementptr %[[FRAME]][3]
// CHECK: llvm.getelementptr %[[FRAME]][4]
// CHECK: llvm.getelementptr %[[FRAME]][0]
// CHECK: llvm.getelementptr %[[FRAME]][1]
// CHECK: arith.index_cast %[[THREAD]] : i64 to index
// CHECK: llvm.getelementptr %[[FRAME]][6]
// CHECK: llvm.getelementptr %[[FRAME]][7]
// CHECK: call @run(
// CHECK: return
func.func @run(%x: memref<?x8xf32> {nn.dims = ["T"], nn.input = "x"}, %y: memref<?x4xf32> {nn.dims = ["T"], nn.output = "y"},
               %w: memref<?xi8> {nn.weights}, %a: memref<?xi8> {nn.arena}, %t: index {nn.thread}, %n: index {nn.threads},
               %b: !llvm.ptr {nn.barrier}) attributes {nn.entry, nn.dim_names = ["T"]} {
  return
}
func.func @run.sizes(%T: index, %threads: index) -> index attributes {nn.sizes_of = @run} {
  return %T : index
}
