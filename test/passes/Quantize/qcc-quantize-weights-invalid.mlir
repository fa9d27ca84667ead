// RUN: qcc-opt %s --split-input-file --verify-diagnostics --qcc-quantize-weights

// expected-error @+1 {{'nn.weight' op has format 'iq1_s', which no scheme holds exactly; use -bits to requantize it}}
nn.weight @w : tensor<32x256xf32> sources ["w"] format "iq1_s" order "natural"
func.func @unknown_format(%x: tensor<1x256xf32>) -> tensor<1x32xf32> {
  %w = nn.load_weight @w : tensor<32x256xf32>
  %y = nn.linear %x, %w : tensor<1x256xf32>, tensor<32x256xf32> -> tensor<1x32xf32>
  return %y : tensor<1x32xf32>
}

// -----

func.func @no_weight(%x: tensor<1x64xf32>, %w: tensor<32x64xf32>) -> tensor<1x32xf32> {
  // expected-error @+1 {{'nn.linear' op takes a weight that is not loaded from an nn.weight}}
  %y = nn.linear %x, %w : tensor<1x64xf32>, tensor<32x64xf32> -> tensor<1x32xf32>
  return %y : tensor<1x32xf32>
}

// -----

func.func @no_table(%ids: tensor<1xi32>, %w: tensor<32x64xf32>) -> tensor<1x64xf32> {
  // expected-error @+1 {{'nn.embedding' op takes a weight that is not loaded from an nn.weight}}
  %y = nn.embedding %ids, %w : tensor<1xi32>, tensor<32x64xf32> -> tensor<1x64xf32>
  return %y : tensor<1x64xf32>
}

// -----

// expected-error @+1 {{'nn.weight' op source_scheme must be a #quant_ext.scheme, found "int4"}}
nn.weight @w : tensor<32x256xf32> sources ["m.q_proj"] format "gptq" order "natural" {source_scheme = "int4"}
func.func @no_scheme(%x: tensor<1x256xf32>) -> tensor<1x32xf32> {
  %w = nn.load_weight @w : tensor<32x256xf32>
  %y = nn.linear %x, %w : tensor<1x256xf32>, tensor<32x256xf32> -> tensor<1x32xf32>
  return %y : tensor<1x32xf32>
}
