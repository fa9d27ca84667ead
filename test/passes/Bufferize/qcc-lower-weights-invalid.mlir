// RUN: qcc-opt %s --verify-diagnostics --qcc-lower-weights

nn.weight @w : tensor<64xf32> sources ["a"] format "f32" order "natural"
func.func @no_place() -> tensor<64xf32> {
  // expected-error @+1 {{'nn.load_weight' op is of a weight without a place; qcc-place-weights gives it one}}
  %0 = nn.load_weight @w : tensor<64xf32>
  return %0 : tensor<64xf32>
}
