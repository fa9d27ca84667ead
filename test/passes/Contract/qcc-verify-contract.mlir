// RUN: qcc-opt %s --qcc-verify-contract=stage=tile | FileCheck %s

// What no rule names passes.
// CHECK-LABEL: func.func @fine
func.func @fine(%x: tensor<1x64xf32>, %w: tensor<64xf32>) -> tensor<1x64xf32> {
  %0 = nn.rms_norm %x, %w {epsilon = 1.0e-05 : f32} : tensor<1x64xf32>, tensor<64xf32>
  return %0 : tensor<1x64xf32>
}
