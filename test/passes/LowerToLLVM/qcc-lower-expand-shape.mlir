// RUN: qcc-opt %s --pass-pipeline='builtin.module(func.func(qcc-lower-expand-shape))' | FileCheck %s

// Several dynamic sizes in a group are those of the operation.
// CHECK-LABEL: func.func @expand
// CHECK: %[[BASE:.*]], %{{.*}}, %{{.*}}:2, %{{.*}}:2 = memref.extract_strided_metadata %arg0
// CHECK: memref.reinterpret_cast %[[BASE]] to offset: [0], sizes: [%arg1, %arg2, 8], strides: [%{{.*}}, 8, 1] : memref<f32> to memref<?x?x8xf32>
// CHECK-NOT: memref.expand_shape
func.func @expand(%x: memref<?x8xf32>, %batch: index, %seq: index) -> memref<?x?x8xf32> {
  %0 = memref.expand_shape %x [[0, 1], [2]] output_shape [%batch, %seq, 8] : memref<?x8xf32> into memref<?x?x8xf32>
  return %0 : memref<?x?x8xf32>
}
