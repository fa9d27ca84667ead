// RUN: qcc-opt %s --split-input-file --verify-diagnostics --qcc-emit-entry-points

// expected-error @+2 {{'func.func' op has no size function}}
// expected-note @+1 {{qcc-plan-arena makes it}}
func.func @no_sizes() attributes {nn.entry} {
  return
}

// -----

// expected-error @+1 {{'func.func' op argument 0 has no source in the frame}}
func.func @argument(%x: memref<4xf32>) attributes {nn.entry, nn.dim_names = []} {
  return
}
func.func @argument.sizes(%threads: index) -> index {
  return %threads : index
}
