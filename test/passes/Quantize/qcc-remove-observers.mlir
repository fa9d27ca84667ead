// RUN: qcc-opt %s --qcc-remove-observers | FileCheck %s

// CHECK-LABEL: func.func @observed
// CHECK-SAME: (%[[X:.*]]: tensor<?x64xf32>)
// CHECK-NOT: quant_ext.observe
// CHECK: return %[[X]]
func.func @observed(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %0 = quant_ext.observe %x "input" : tensor<?x64xf32>
  %1 = quant_ext.observe %0 "again" : tensor<?x64xf32>
  return %1 : tensor<?x64xf32>
}
