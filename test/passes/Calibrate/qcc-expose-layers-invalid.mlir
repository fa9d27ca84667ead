// RUN: qcc-opt %s --split-input-file --verify-diagnostics --qcc-expose-layers

// expected-error @+1 {{has no entry point 'prefill': layers can be exposed of language models only}}
module {
  func.func @main(%x: tensor<?x64xf32>) -> tensor<?x64xf32> attributes {nn.entry} {
    return %x : tensor<?x64xf32>
  }
}

// -----

// Layers of two kinds: one loop for each.

module {
  nn.weight @table : tensor<32x64xf32> sources ["table"] format "f32" order "natural"
  // expected-error @+1 {{'func.func' op is not one embedding and one loop over layers}}
  func.func @prefill(%ids: tensor<?xi32>) -> tensor<?x64xf32> attributes {nn.entry} {
    %table = nn.load_weight @table : tensor<32x64xf32>
    %x = nn.embedding %ids, %table : tensor<?xi32>, tensor<32x64xf32> -> tensor<?x64xf32>
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %y = scf.for %layer = %c0 to %c1 step %c1 iter_args(%h = %x) -> (tensor<?x64xf32>) {
      scf.yield %h : tensor<?x64xf32>
    }
    %z = scf.for %layer = %c0 to %c1 step %c1 iter_args(%h = %y) -> (tensor<?x64xf32>) {
      scf.yield %h : tensor<?x64xf32>
    }
    return %z : tensor<?x64xf32>
  }
}

// -----

// Two embeddings (tokens and positions).

module {
  nn.weight @table : tensor<32x64xf32> sources ["table"] format "f32" order "natural"
  // expected-error @+1 {{'func.func' op is not one embedding and one loop over layers}}
  func.func @prefill(%ids: tensor<?xi32>, %positions: tensor<?xi32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) attributes {nn.entry} {
    %table = nn.load_weight @table : tensor<32x64xf32>
    %x = nn.embedding %ids, %table : tensor<?xi32>, tensor<32x64xf32> -> tensor<?x64xf32>
    %p = nn.embedding %positions, %table : tensor<?xi32>, tensor<32x64xf32> -> tensor<?x64xf32>
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %y = scf.for %layer = %c0 to %c1 step %c1 iter_args(%h = %x) -> (tensor<?x64xf32>) {
      scf.yield %h : tensor<?x64xf32>
    }
    return %y, %p : tensor<?x64xf32>, tensor<?x64xf32>
  }
}

// -----

// Nothing comes out.

module {
  nn.weight @table : tensor<32x64xf32> sources ["table"] format "f32" order "natural"
  // expected-error @+1 {{'func.func' op is not one embedding and one loop over layers}}
  func.func @prefill(%ids: tensor<?xi32>) attributes {nn.entry} {
    %table = nn.load_weight @table : tensor<32x64xf32>
    %x = nn.embedding %ids, %table : tensor<?xi32>, tensor<32x64xf32> -> tensor<?x64xf32>
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %y = scf.for %layer = %c0 to %c1 step %c1 iter_args(%h = %x) -> (tensor<?x64xf32>) {
      scf.yield %h : tensor<?x64xf32>
    }
    return
  }
}
