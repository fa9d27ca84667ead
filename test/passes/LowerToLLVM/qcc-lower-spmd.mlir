// RUN: qcc-opt %s --qcc-lower-spmd | FileCheck %s

// CHECK: llvm.func @qcc_barrier(!llvm.ptr)
// CHECK-LABEL: func.func @entry
// CHECK-SAME: (%[[ID:.*]]: index {nn.thread}, %[[COUNT:.*]]: index {nn.threads}, %[[BARRIER:.*]]: !llvm.ptr {nn.barrier})
// CHECK: llvm.call @qcc_barrier(%[[BARRIER]])
// CHECK: return %[[ID]], %[[COUNT]]
func.func @entry() -> (index, index) attributes {nn.entry} {
  %id = spmd.thread_id
  spmd.barrier
  %count = spmd.num_threads
  return %id, %count : index, index
}
