// RUN: qcc-opt %s --pass-pipeline='builtin.module(func.func(qcc-split-foralls))' | FileCheck %s

// CHECK-LABEL: func.func @contiguous
// CHECK-DAG: %[[N:.*]] = arith.constant 12 : index
// CHECK-DAG: %[[ID:.*]] = spmd.thread_id
// CHECK-DAG: %[[COUNT:.*]] = spmd.num_threads
// CHECK: %[[A:.*]] = arith.muli %[[N]], %[[ID]]
// CHECK: %[[FROM:.*]] = arith.divui %[[A]], %[[COUNT]]
// CHECK: %[[NEXT:.*]] = arith.addi %[[ID]]
// CHECK: %[[B:.*]] = arith.muli %[[N]], %[[NEXT]]
// CHECK: %[[TO:.*]] = arith.divui %[[B]], %[[COUNT]]
// CHECK: scf.for %[[I:.*]] = %[[FROM]] to %[[TO]]
// CHECK: memref.store %{{.*}}, %arg0[%[[I]]]
func.func @contiguous(%m: memref<12xf32>, %x: f32) {
  scf.forall (%i) in (12) {
    memref.store %x, %m[%i] : memref<12xf32>
  }
  return
}

// Several bounds are one range; the last varies fastest.
// CHECK-LABEL: func.func @nested
// CHECK: %[[TOTAL:.*]] = arith.muli %arg2, %{{.*}}
// CHECK: scf.for %[[I:.*]] =
// CHECK: %[[COLUMN:.*]] = arith.remui %[[I]]
// CHECK: %[[ROW:.*]] = arith.divui %[[I]]
// CHECK: memref.store %{{.*}}, %arg0[%[[ROW]], %[[COLUMN]]]
func.func @nested(%m: memref<?x4xf32>, %x: f32, %rows: index) {
  scf.forall (%i, %j) in (%rows, 4) {
    memref.store %x, %m[%i, %j] : memref<?x4xf32>
  }
  return
}

// Dealt out one by one.
// CHECK-LABEL: func.func @cyclic
// CHECK: %[[ID:.*]] = spmd.thread_id
// CHECK: %[[COUNT:.*]] = spmd.num_threads
// CHECK: scf.for %{{.*}} = %[[ID]] to %{{.*}} step %[[COUNT]]
func.func @cyclic(%m: memref<12xf32>, %x: f32) {
  scf.forall (%i) in (12) {
    memref.store %x, %m[%i] : memref<12xf32>
  } {spmd.cyclic}
  return
}
