// RUN: qcc-opt %s --verify-diagnostics --qcc-plan-arena

func.func @data_dependent(%x: memref<1xindex> {nn.input = "x"}) attributes {nn.entry} {
  %c0 = arith.constant 0 : index
  %n = memref.load %x[%c0] : memref<1xindex>
  // expected-error @+1 {{'memref.alloc' op has a size that is not known when the entry point is called}}
  %m = memref.alloc(%n) : memref<?xf32>
  memref.store %n, %x[%c0] : memref<1xindex>
  return
}
