// RUN: qcc-opt %s --verify-diagnostics --qcc-gptaq

// Codes are chosen for the weights as they were.

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>

nn.weight @w : tensor<32x64xf32> sources ["w"] format "f32" order "natural" {observer = "w"}
func.func @late() {
  %w = nn.load_weight @w : tensor<32x64xf32>
  // expected-error @+1 {{'quant_ext.encode' op has chosen its codes already; qcc-gptaq comes before qcc-gptq}}
  %a:2 = quant_ext.encode %w {scheme = #q4, method = "importance+gptq"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>
  return
}
