// RUN: qcc-opt %s --split-input-file --verify-diagnostics --qcc-verify-contract=stage=pack

// A fold needs its other half, and a recipe that knows of it.
module {
  nn.weight @gain : tensor<64xf32> sources ["n"] format "f32" order "natural" {row_divisors = "q", method = "keep", offset = 0 : i64, stride = 256 : i64, component_offsets = array<i64: 0>}
  nn.weight @q : tensor<32x64xf32> sources ["q"] format "f32" order "natural" {column_factors = "q", method = "awq+gptq", offset = 256 : i64, stride = 64 : i64, component_offsets = array<i64: 0>}
}

// -----

module {
  // expected-error @+1 {{'nn.weight' op has rows to be divided by factors 'q' that no weight is multiplied by}}
  nn.weight @gain : tensor<64xf32> sources ["n"] format "f32" order "natural" {row_divisors = "q", method = "keep", offset = 0 : i64, stride = 256 : i64, component_offsets = array<i64: 0>}
}

// -----

module {
  // expected-error @+2 {{'nn.weight' op has columns to be multiplied, and method 'gptq' that has no factors for them}}
  // expected-error @+1 {{'nn.weight' op has columns to be multiplied by factors 'q' that nothing is divided by}}
  nn.weight @q : tensor<32x64xf32> sources ["q"] format "f32" order "natural" {column_factors = "q", method = "gptq", offset = 256 : i64, stride = 64 : i64, component_offsets = array<i64: 0>}
}
