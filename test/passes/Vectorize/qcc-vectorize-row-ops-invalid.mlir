// RUN: qcc-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(func.func(qcc-vectorize-row-ops))'

func.func @two_rows(%x: tensor<2x64xf32>, %w: tensor<64xf32>) -> tensor<2x64xf32> {
  // expected-error @+2 {{'nn.rms_norm' op has more than one row}}
  // expected-note @+1 {{qcc-tile-to-threads cuts it into rows}}
  %y = nn.rms_norm %x, %w {epsilon = 1.0e-05 : f32} : tensor<2x64xf32>, tensor<64xf32>
  return %y : tensor<2x64xf32>
}

// -----

func.func @any_rows(%x: tensor<?x64xf32>) -> tensor<?x2xf32> {
  // expected-error @+2 {{'quant_ext.choose_qparams' op has more than one row}}
  // expected-note @+1 {{qcc-tile-to-threads cuts it into rows}}
  %y = quant_ext.choose_qparams %x {group = 32 : i64} : tensor<?x64xf32> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
