// RUN: qcc-opt %s --split-input-file --verify-diagnostics --qcc-verify-contract=stage=vectorize
// RUN: not qcc-opt %s --qcc-verify-contract=stage=dessert 2>&1 | FileCheck %s

// CHECK: error: no stage is called 'dessert'

// What a stage has ruled out stays ruled out.
func.func @linear(%x: tensor<1x64xf32>, %w: tensor<32x64xf32>) {
  // expected-error @+2 {{'nn.linear' op is left after stage vectorize}}
  // expected-note @+1 {{qcc-quantize-weights should have rewritten it}}
  %0 = nn.linear %x, %w : tensor<1x64xf32>, tensor<32x64xf32> -> tensor<1x32xf32>
  return
}

// -----

func.func @norm(%x: tensor<1x64xf32>, %w: tensor<64xf32>) {
  // expected-error @+2 {{'nn.rms_norm' op is left after stage vectorize}}
  // expected-note @+1 {{qcc-vectorize-row-ops should have rewritten it}}
  %0 = nn.rms_norm %x, %w {epsilon = 1.0e-05 : f32} : tensor<1x64xf32>, tensor<64xf32>
  return
}

// -----

func.func @dialect(%x: tensor<1x64xf32>) {
  // expected-error @+2 {{'quant_ext.choose_qparams' op is left after stage vectorize}}
  // expected-note @+1 {{qcc-vectorize-matmul and -row-ops should have rewritten it}}
  %0 = quant_ext.choose_qparams %x {group = 32 : i64} : tensor<1x64xf32> -> tensor<1x2xf32>
  return
}

// -----

// expected-error @+2 {{'nn.weight' op has no place after stage vectorize}}
// expected-note @+1 {{qcc-place-weights should have given it one}}
nn.weight @w : tensor<32x64xf16> sources ["a"] format "f16" order "natural"

// -----

func.func @permute(%x: tensor<1x64xf32>, %order: tensor<64xi32>) {
  // expected-error @+2 {{'nn.gather_columns' op is left after stage vectorize}}
  // expected-note @+1 {{qcc-vectorize-row-ops should have rewritten it}}
  %0 = nn.gather_columns %x, %order : tensor<1x64xf32>, tensor<64xi32> -> tensor<1x64xf32>
  return
}
