// RUN: qcc-opt %s --qcc-gptaq | FileCheck %s

// Weights with an observer get the step, after what was there before.

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
#bf16 = #quant_ext.scheme<code = bf16, bits = 16, scale = none, min = none>

nn.weight @seen : tensor<32x64xf32> sources ["seen"] format "f32" order "natural" {observer = "seen"}
nn.weight @unseen : tensor<32x64xf32> sources ["unseen"] format "f32" order "natural"
nn.weight @end : tensor<32x64xf32> sources ["end"] format "f32" order "natural" {observer = "end", role = "output"}

// CHECK-LABEL: func.func @weights
// CHECK: encode {{.*}}method = "gptaq"
// CHECK: encode {{.*}}method = "importance+gptaq"
// CHECK: encode {{.*}}method = "mse"
// CHECK: encode {{.*}}method = "rtn"
// CHECK: encode {{.*}}method = "keep"
// CHECK: encode {{.*}}method = "rtn"
func.func @weights() {
  %seen = nn.load_weight @seen : tensor<32x64xf32>
  %unseen = nn.load_weight @unseen : tensor<32x64xf32>
  %end = nn.load_weight @end : tensor<32x64xf32>
  %a:2 = quant_ext.encode %seen {scheme = #q4, method = "rtn"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>
  %b:2 = quant_ext.encode %seen {scheme = #q4, method = "importance"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>
  // Nothing was observed; a model's end; the file's own codes; floats.
  %c:2 = quant_ext.encode %unseen {scheme = #q4, method = "mse"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>
  %d:2 = quant_ext.encode %end {scheme = #q4, method = "rtn"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>
  %e:2 = quant_ext.encode %seen {scheme = #q4, method = "keep"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>
  %f = quant_ext.encode %seen {scheme = #bf16, method = "rtn"} : tensor<32x64xf32> -> tensor<32x64xbf16>
  return
}
