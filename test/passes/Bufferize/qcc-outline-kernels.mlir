// RUN: qcc-opt %s -qcc-outline-kernels="minimum=1" | FileCheck %s
// RUN: qcc-opt %s -qcc-outline-kernels="minimum=100" | FileCheck %s --check-prefix=LARGE

// Two shares that differ in the memory they work on become calls of one function; one that is alone stays.
// CHECK-LABEL: func.func @twice
// CHECK-SAME: (%[[A:.*]]: memref<8xf32>, %[[B:.*]]: memref<8xf32>, %[[N:.*]]: index)
// CHECK: call @[[KERNEL:.*]]({{.*}}%[[A]]
// CHECK-NEXT: call @[[KERNEL]]({{.*}}%[[B]]
// CHECK: scf.for
// CHECK: arith.mulf
// CHECK-NOT: spmd.share
// CHECK: func.func private @[[KERNEL]]
// CHECK-SAME: noinline
// CHECK: scf.for
// CHECK: arith.addf

// LARGE-LABEL: func.func @twice
// LARGE-NOT: call
func.func @twice(%a: memref<8xf32>, %b: memref<8xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    %x = memref.load %a[%i] : memref<8xf32>
    %y = arith.addf %x, %x : f32
    memref.store %y, %a[%i] : memref<8xf32>
  } {spmd.share}
  scf.for %i = %c0 to %n step %c1 {
    %x = memref.load %b[%i] : memref<8xf32>
    %y = arith.addf %x, %x : f32
    memref.store %y, %b[%i] : memref<8xf32>
  } {spmd.share}
  scf.for %i = %c0 to %n step %c1 {
    %x = memref.load %b[%i] : memref<8xf32>
    %y = arith.mulf %x, %x : f32
    memref.store %y, %b[%i] : memref<8xf32>
  } {spmd.share}
  return
}
