// RUN: qcc-opt %s --verify-diagnostics --qcc-fold-scales
// RUN: not qcc-opt %s --qcc-fold-scales=method=origami 2>&1 | FileCheck %s

// CHECK: error: no method of channel factors is called 'origami'

#q8 = #quant_ext.scheme<code = integer, bits = 8, group = 32, offset = 128, scale = f16, min = none>

nn.weight @norm : tensor<64xf32> sources ["n"] format "f32" order "natural"
nn.weight @q : tensor<32x64xf32> sources ["q"] format "f32" order "natural" {observer = "q"}
func.func @late(%x: tensor<?x64xf32>) -> tensor<?x32xf32> {
  %norm = nn.load_weight @norm : tensor<64xf32>
  %q = nn.load_weight @q : tensor<32x64xf32>
  // expected-error @+1 {{'quant_ext.encode' op has method 'importance+gptq' already; qcc-fold-scales comes before what chooses scales and codes}}
  %qw:2 = quant_ext.encode %q {scheme = #q8, method = "importance+gptq"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>
  %h = nn.rms_norm %x, %norm {epsilon = 1.0e-05 : f32} : tensor<?x64xf32>, tensor<64xf32>
  %o = quant_ext.observe %h "q" : tensor<?x64xf32>
  %y = quant_ext.matmul %o weight(%qw#0, %qw#1) {scheme = #q8, k = 64 : i64} : tensor<?x64xf32> weight tensor<32x64xi8>, tensor<32x2xf16> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
