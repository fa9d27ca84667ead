// RUN: qcc-opt %s --qcc-fold-weight-recipes | FileCheck %s

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>

// CHECK: nn.weight @w : tensor<32x64xf16> sources ["a", "b"] format "f16" order "natural" {component_types = [tensor<2x2x4x16xi32>, tensor<2x2x16xf16>], lanes = 16 : i64, method = "rtn", scheme = #quant_ext.scheme<{{.*}}bits = 4
nn.weight @w : tensor<32x64xf16> sources ["a", "b"] format "f16" order "natural"
// A vector is only converted.
// CHECK: nn.weight @norm {{.*}} {component_types = [tensor<64xf32>], method = "keep"}
nn.weight @norm : tensor<64xf32> sources ["n"] format "bf16" order "natural"

// CHECK-LABEL: func.func @chain
// CHECK-SAME: (%[[I:.*]]: index)
// CHECK-NEXT: %[[P:.*]]:2 = nn.load_weight @w[%[[I]]] : tensor<2x2x4x16xi32>, tensor<2x2x16xf16>
// CHECK-NEXT: return %[[P]]#0, %[[P]]#1
func.func @chain(%i: index) -> (tensor<2x2x4x16xi32>, tensor<2x2x16xf16>) {
  %w = nn.load_weight @w[%i] : tensor<32x64xf16>
  %c:2 = quant_ext.encode %w {scheme = #q4, method = "rtn"} : tensor<32x64xf16> -> tensor<32x64xi8>, tensor<32x2xf16>
  %p:2 = quant_ext.repack %c#0, %c#1 {scheme = #q4, lanes = 16 : i64} : tensor<32x64xi8>, tensor<32x2xf16> -> tensor<2x2x4x16xi32>, tensor<2x2x16xf16>
  return %p#0, %p#1 : tensor<2x2x4x16xi32>, tensor<2x2x16xf16>
}
