// RUN: qcc-opt %s --qcc-search-scales | FileCheck %s --check-prefix=MSE
// RUN: qcc-opt %s --qcc-search-scales=importance=true | FileCheck %s --check-prefix=IMP

// Only what would be rounded to nearest gets a search; importance needs an observer.

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
#bf16 = #quant_ext.scheme<code = bf16, bits = 16, scale = none, min = none>

nn.weight @seen : tensor<32x64xf32> sources ["seen"] format "f32" order "natural" {observer = "seen"}
nn.weight @unseen : tensor<32x64xf32> sources ["unseen"] format "f32" order "natural"
nn.weight @end : tensor<32x64xf32> sources ["end"] format "f32" order "natural" {observer = "end", role = "output"}

// MSE-LABEL: func.func @weights
// MSE: encode {{.*}}method = "mse"
// MSE: encode {{.*}}method = "mse"
// MSE: encode {{.*}}method = "rtn"
// MSE: encode {{.*}}method = "keep"
// MSE: encode {{.*}}method = "rtn"
// MSE: encode {{.*}}method = "gptq"

// IMP-LABEL: func.func @weights
// IMP: encode {{.*}}method = "importance"
// IMP: encode {{.*}}method = "mse"
// IMP: encode {{.*}}method = "rtn"
// IMP: encode {{.*}}method = "keep"
// IMP: encode {{.*}}method = "rtn"
// IMP: encode {{.*}}method = "gptq"
func.func @weights(%argument: tensor<32x64xf32>) {
  %seen = nn.load_weight @seen : tensor<32x64xf32>
  %unseen = nn.load_weight @unseen : tensor<32x64xf32>
  %end = nn.load_weight @end : tensor<32x64xf32>
  %a:2 = quant_ext.encode %seen {scheme = #q4, method = "rtn"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>
  %b:2 = quant_ext.encode %unseen {scheme = #q4, method = "rtn"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>
  // A model's ends, the file's own codes, floats, and what has a method already stay as they are.
  %c:2 = quant_ext.encode %end {scheme = #q4, method = "rtn"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>
  %d:2 = quant_ext.encode %seen {scheme = #q4, method = "keep"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>
  %e = quant_ext.encode %seen {scheme = #bf16, method = "rtn"} : tensor<32x64xf32> -> tensor<32x64xbf16>
  %f:2 = quant_ext.encode %seen {scheme = #q4, method = "gptq"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>
  return
}

// What is not loaded from an nn.weight has no recipe to write into.

// MSE-LABEL: func.func @argument
// MSE: encode {{.*}}method = "rtn"
// IMP-LABEL: func.func @argument
// IMP: encode {{.*}}method = "rtn"
func.func @argument(%w: tensor<32x64xf32>) {
  %a:2 = quant_ext.encode %w {scheme = #q4, method = "rtn"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>
  return
}
