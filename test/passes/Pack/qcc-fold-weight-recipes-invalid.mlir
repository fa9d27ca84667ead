// RUN: qcc-opt %s --split-input-file --verify-diagnostics --qcc-fold-weight-recipes

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>

func.func @no_weight(%c: tensor<32x64xi8>, %s: tensor<32x2xf16>) {
  // expected-error @+1 {{'quant_ext.repack' op is not of a weight that can be prepared at compile time}}
  %p:2 = quant_ext.repack %c, %s {scheme = #q4, lanes = 16 : i64} : tensor<32x64xi8>, tensor<32x2xf16> -> tensor<2x2x4x16xi32>, tensor<2x2x16xf16>
  return
}

// -----

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
#q8 = #quant_ext.scheme<code = integer, bits = 8, group = 32, offset = 128, scale = f16, min = none>

nn.weight @w : tensor<32x64xf16> sources ["a"] format "f16" order "natural"
func.func @two_schemes() {
  %w = nn.load_weight @w : tensor<32x64xf16>
  %c:2 = quant_ext.encode %w {scheme = #q4, method = "rtn"} : tensor<32x64xf16> -> tensor<32x64xi8>, tensor<32x2xf16>
  %p:2 = quant_ext.repack %c#0, %c#1 {scheme = #q4, lanes = 16 : i64} : tensor<32x64xi8>, tensor<32x2xf16> -> tensor<2x2x4x16xi32>, tensor<2x2x16xf16>
  // expected-error @+1 {{'quant_ext.encode' op gives 'w' a second scheme}}
  %d:2 = quant_ext.encode %w {scheme = #q8, method = "rtn"} : tensor<32x64xf16> -> tensor<32x64xi8>, tensor<32x2xf16>
  %q:2 = quant_ext.repack %d#0, %d#1 {scheme = #q8, lanes = 16 : i64} : tensor<32x64xi8>, tensor<32x2xf16> -> tensor<2x2x8x16xi32>, tensor<2x2x16xf16>
  return
}
