// RUN: qcc-opt %s --qcc-plan-arena | FileCheck %s

// The buffer written in a forall is shared and comes first; the other belongs to each thread.
// CHECK-LABEL: func.func @run
// CHECK-SAME: %[[ARENA:[a-z0-9]+]]: memref<?xi8> {nn.arena})
// CHECK-SAME: nn.dim_names = ["T"]
// CHECK: %[[ID:.*]] = spmd.thread_id
// CHECK: %[[MINE:.*]] = arith.muli %{{.*}}, %[[ID]]
// CHECK: memref.view %[[ARENA]][%{{.*}}][%{{.*}}] : memref<?xi8> to memref<?x16xf32>
// CHECK: memref.view %[[ARENA]][%{{.*}}][] : memref<?xi8> to memref<16xf32>
// CHECK-NOT: memref.alloc
// CHECK-LABEL: func.func @run.sizes
// CHECK-SAME: (%[[T:[a-z0-9]+]]: index, %[[THREADS:[a-z0-9]+]]: index) -> index attributes {nn.sizes_of = @run}
// CHECK: arith.muli %{{.*}}, %[[T]]
// CHECK: %[[OWN:.*]] = arith.muli %{{.*}}, %[[THREADS]]
// CHECK: arith.addi %{{.*}}, %[[OWN]]
func.func @run(%x: memref<?x16xf32> {nn.dims = ["T"], nn.input = "x"}, %v: f32) attributes {nn.entry} {
  %c0 = arith.constant 0 : index
  %t = memref.dim %x, %c0 : memref<?x16xf32>
  %shared = memref.alloc(%t) : memref<?x16xf32>
  %own = memref.alloc() : memref<16xf32>
  memref.store %v, %own[%c0] : memref<16xf32>
  scf.forall (%i) in (%t) {
    memref.store %v, %shared[%i, %c0] : memref<?x16xf32>
  }
  return
}
