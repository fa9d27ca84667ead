// RUN: qcc-opt %s --verify-diagnostics --qcc-place-weights

// expected-error @+2 {{'nn.weight' op has no recipe yet}}
// expected-note @+1 {{qcc-fold-weight-recipes gives it one}}
nn.weight @w : tensor<32x64xf16> sources ["a"] format "f16" order "natural"
