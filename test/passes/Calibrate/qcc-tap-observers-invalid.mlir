// RUN: qcc-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(func.func(qcc-tap-observers))'

func.func @branch(%x: tensor<?x64xf32> {nn.dims = ["T"]}, %which: i1) -> tensor<?x64xf32> attributes {nn.entry} {
  %y = scf.if %which -> (tensor<?x64xf32>) {
    // expected-error @+1 {{'quant_ext.observe' op is neither in an entry point nor in its loop over layers; models with layers of several kinds cannot be calibrated}}
    %o = quant_ext.observe %x "q" : tensor<?x64xf32>
    scf.yield %o : tensor<?x64xf32>
  } else {
    scf.yield %x : tensor<?x64xf32>
  }
  return %y : tensor<?x64xf32>
}

// -----

// expected-error @+1 {{'func.func' op observes values of a size that no argument has; fix it with -shape}}
func.func @rows(%x: tensor<?x?x64xf32> {nn.dims = ["B", "T"]}) -> tensor<?x64xf32> attributes {nn.entry} {
  %y = tensor.collapse_shape %x [[0, 1], [2]] : tensor<?x?x64xf32> into tensor<?x64xf32>
  %o = quant_ext.observe %y "q" : tensor<?x64xf32>
  return %o : tensor<?x64xf32>
}
