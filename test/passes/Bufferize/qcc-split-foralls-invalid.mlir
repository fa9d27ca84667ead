// RUN: qcc-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(func.func(qcc-split-foralls))'

func.func @tensors(%t: tensor<12xf32>) -> tensor<12xf32> {
  // expected-error @+2 {{'scf.forall' op still has tensor results}}
  // expected-note @+1 {{bufferize it first}}
  %0 = scf.forall (%i) in (12) shared_outs(%o = %t) -> (tensor<12xf32>) {
    %s = tensor.extract_slice %t[%i] [1] [1] : tensor<12xf32> to tensor<1xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %s into %o[%i] [1] [1] : tensor<1xf32> into tensor<12xf32>
    }
  }
  return %0 : tensor<12xf32>
}

// -----

func.func @steps(%m: memref<12xf32>, %x: f32) {
  // expected-error @+1 {{'scf.forall' op does not count from 0 in steps of 1}}
  scf.forall (%i) = (0) to (12) step (2) {
    memref.store %x, %m[%i] : memref<12xf32>
  }
  return
}
