// RUN: qcc-opt %s --split-input-file --verify-diagnostics --qcc-split-weights

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>

// expected-error @+1 {{'nn.weight' op has 1 choices for 2 instances}}
nn.weight @few : tensor<32x64xf32> sources ["a.0", "a.1"] format "f32" order "natural" {choices = [#q4]}

// -----

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
#q5 = #quant_ext.scheme<code = integer, bits = 5, group = 32, offset = 16, scale = f16, min = none>

// expected-error @+1 {{'nn.weight' op has choices and is not read by the layer's number}}
nn.weight @w : tensor<32x64xf32> sources ["a.0", "a.1"] format "f32" order "natural" {choices = [#q4, #q5]}
func.func @reference() attributes {weight = @w} {
  return
}

// -----

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
#q5 = #quant_ext.scheme<code = integer, bits = 5, group = 32, offset = 16, scale = f16, min = none>

nn.weight @w : tensor<32x64xf32> sources ["a.0", "a.1"] format "f32" order "natural" {choices = [#q4, #q5]}
func.func @table(%ids: tensor<?xi32>, %layer: index) -> tensor<?x64xf32> {
  %w = nn.load_weight @w[%layer] : tensor<32x64xf32>
  // expected-error @+1 {{'nn.embedding' op reads a weight whose layers have different schemes; only nn.linear can}}
  %y = nn.embedding %ids, %w : tensor<?xi32>, tensor<32x64xf32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
