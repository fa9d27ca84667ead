// RUN: qcc-opt %s --pass-pipeline='builtin.module(func.func(qcc-lower-copies))' | FileCheck %s

// CHECK-LABEL: func.func @strided
// CHECK: linalg.generic {{.*}} ins(%arg0 : memref<?xf32, strided<[16]>>) outs(%arg1 : memref<?xf32>)
// CHECK-NOT: memref.copy
func.func @strided(%a: memref<?xf32, strided<[16]>>, %b: memref<?xf32>) {
  memref.copy %a, %b : memref<?xf32, strided<[16]>> to memref<?xf32>
  return
}
