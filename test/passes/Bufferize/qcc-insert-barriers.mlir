// RUN: qcc-opt %s --pass-pipeline='builtin.module(func.func(qcc-insert-barriers))' | FileCheck %s

#strip = affine_map<(d0) -> (d0 * 16)>

// The same strips of the same loop bounds are the same thread's: no barrier. Then all is read.
// CHECK-LABEL: func.func @strips
// CHECK: scf.forall
// CHECK-NOT: spmd.barrier
// CHECK: scf.forall
// CHECK: spmd.barrier
// CHECK-NEXT: scf.forall (%{{.*}}) in (3)
func.func @strips(%m: memref<64xf32>, %n: memref<3xf32>, %x: vector<16xf32>) attributes {nn.entry} {
  %c0 = arith.constant 0 : index
  %c40 = arith.constant 40 : index
  scf.forall (%i) in (4) {
    %at = affine.apply #strip(%i)
    %v = memref.subview %m[%at] [16] [1] : memref<64xf32> to memref<16xf32, strided<[1], offset: ?>>
    vector.store %x, %v[%c0] : memref<16xf32, strided<[1], offset: ?>>, vector<16xf32>
  }
  scf.forall (%i) in (4) {
    %at = affine.apply #strip(%i)
    %v = memref.subview %m[%at] [16] [1] : memref<64xf32> to memref<16xf32, strided<[1], offset: ?>>
    %y = vector.load %v[%c0] : memref<16xf32, strided<[1], offset: ?>>, vector<16xf32>
    vector.store %y, %v[%c0] : memref<16xf32, strided<[1], offset: ?>>, vector<16xf32>
  }
  scf.forall (%i) in (3) {
    %y = memref.load %m[%c40] : memref<64xf32>
    memref.store %y, %n[%i] : memref<3xf32>
  }
  return
}

// Reads alone need none.
// CHECK-LABEL: func.func @reads
// CHECK-NOT: spmd.barrier
func.func @reads(%m: memref<4xf32>) attributes {nn.entry} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (4) {
    %y = memref.load %m[%i] : memref<4xf32>
  }
  %z = memref.load %m[%c0] : memref<4xf32>
  return
}

// The end of a loop's body meets its beginning.
// CHECK-LABEL: func.func @loop
// CHECK: scf.for
// CHECK: spmd.barrier
// CHECK: memref.load
// CHECK: spmd.barrier
// CHECK: scf.forall
func.func @loop(%m: memref<4xf32>, %n: index) attributes {nn.entry} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    %y = memref.load %m[%c0] : memref<4xf32>
    scf.forall (%j) in (4) {
      memref.store %y, %m[%j] : memref<4xf32>
    }
  }
  return
}

// What every thread would write to memory that all see is for one of them; two such need no barrier.
// CHECK-LABEL: func.func @once
// CHECK: scf.forall (%{{.*}}) in (1)
// CHECK-NEXT: memref.store
// CHECK-NOT: spmd.barrier
// CHECK: scf.forall (%{{.*}}) in (1)
// CHECK-NEXT: memref.store
func.func @once(%m: memref<4xf32>, %x: f32) attributes {nn.entry} {
  %c0 = arith.constant 0 : index
  memref.store %x, %m[%c0] : memref<4xf32>
  memref.store %x, %m[%c0] : memref<4xf32>
  return
}

// Memory of each thread, and weights, are nobody else's business.
// CHECK-LABEL: func.func @own
// CHECK-NOT: spmd.barrier
// CHECK-NOT: scf.forall (%{{.*}}) in (1)
// CHECK: return
func.func @own(%arena: memref<?xi8> {nn.arena}, %weights: memref<?xi8> {nn.weights}, %x: f32) attributes {nn.entry} {
  %c0 = arith.constant 0 : index
  %id = spmd.thread_id
  %c64 = arith.constant 64 : index
  %at = arith.muli %id, %c64 : index
  %mine = memref.view %arena[%at][] : memref<?xi8> to memref<16xf32>
  memref.store %x, %mine[%c0] : memref<16xf32>
  %w = memref.view %weights[%c0][] : memref<?xi8> to memref<16xf32>
  %y = memref.load %w[%c0] : memref<16xf32>
  memref.store %y, %mine[%c0] : memref<16xf32>
  return
}
