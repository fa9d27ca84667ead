// RUN: qcc-opt %s --verify-diagnostics --qcc-insert-observers

// A weight that multiplies values of two observers would have the statistics of only one.

nn.weight @q : tensor<64x64xf32> sources ["q"] format "f32" order "natural"
// expected-error @+1 {{'nn.weight' op is multiplied with values of two observers, 'k' and 'q'}}
nn.weight @k : tensor<64x64xf32> sources ["k"] format "f32" order "natural"

func.func @twice(%x: tensor<?x64xf32>, %y: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>) {
  %wq = nn.load_weight @q : tensor<64x64xf32>
  %wk = nn.load_weight @k : tensor<64x64xf32>
  %a = nn.linear %x, %wk : tensor<?x64xf32>, tensor<64x64xf32> -> tensor<?x64xf32>
  %b = nn.linear %y, %wq : tensor<?x64xf32>, tensor<64x64xf32> -> tensor<?x64xf32>
  %c = nn.linear %y, %wk : tensor<?x64xf32>, tensor<64x64xf32> -> tensor<?x64xf32>
  return %a, %b, %c : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>
}
