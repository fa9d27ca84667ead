// RUN: qcc-opt %s --verify-roundtrip | FileCheck %s
// RUN: qcc-opt %s --mlir-print-op-generic | qcc-opt | FileCheck %s

// CHECK-LABEL: func.func @threads
func.func @threads() -> (index, index) {
  // CHECK: %[[ID:.*]] = spmd.thread_id
  %id = spmd.thread_id
  // CHECK: %[[COUNT:.*]] = spmd.num_threads
  %count = spmd.num_threads
  // CHECK: spmd.barrier
  spmd.barrier
  // CHECK: return %[[ID]], %[[COUNT]]
  return %id, %count : index, index
}
