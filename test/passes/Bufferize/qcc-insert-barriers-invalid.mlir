// RUN: qcc-opt %s --verify-diagnostics --pass-pipeline='builtin.module(func.func(qcc-insert-barriers))'

func.func @result(%m: memref<4xf32>, %n: index, %x: f32) -> f32 attributes {nn.entry} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-error @+2 {{'scf.for' op writes memory of all threads and has results}}
  // expected-note @+1 {{qcc-tile-to-threads should have made it a forall}}
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%s = %x) -> (f32) {
    memref.store %s, %m[%c0] : memref<4xf32>
    scf.yield %s : f32
  }
  return %y : f32
}
