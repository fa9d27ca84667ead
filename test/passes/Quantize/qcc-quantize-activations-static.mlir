// RUN: qcc-opt %s --split-input-file --verify-diagnostics --qcc-quantize-activations-static | FileCheck %s
// RUN: qcc-opt %s --split-input-file --verify-diagnostics --qcc-quantize-activations-static=groups | FileCheck %s --check-prefix=GROUPS
// RUN: qcc-opt %s --split-input-file --verify-diagnostics --qcc-quantize-activations-static=dynamic-products | FileCheck %s --check-prefix=PRODUCTS

// RUN: qcc-opt %s --split-input-file --qcc-quantize-activations-static=observed | FileCheck %s --check-prefix=OBSERVED

// Nothing here was observed.
// OBSERVED-NOT: input_scale
// OBSERVED: quant_ext.choose_qparams

// With a scale for each 32 channels, sums end where scales do.
// GROUPS: nn.weight @q.input_scale : tensor<2xf32>
// GROUPS: %[[S:.*]] = nn.load_weight @q.input_scale[%arg1] : tensor<2xf32>
// GROUPS: %[[Q:.*]] = quant_ext.quantize %arg0, %[[S]] {group = 32 : i64} : tensor<?x64xf32>, tensor<2xf32> -> tensor<?x64xi8>
// GROUPS: quant_ext.group_sums %[[Q]] {group = 32 : i64, multiplier = -128 : i64} : tensor<?x64xi8> -> tensor<?x2xi32>
// GROUPS: quant_ext.matmul %[[Q]] scales(%[[S]])

#q8 = #quant_ext.scheme<code = integer, bits = 8, group = 0, offset = 128, scale = f16, min = none>
#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>

// One scale for what both read, of the same layer; one correction for the whole row where the weight has one
// scale for it.
module attributes {qcc.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v4", features = <["+avx2", "+avx512bw", "+avx512vl", "+avx512vnni"]>>} {
  nn.weight @q : tensor<32x64xf32> sources ["q.0", "q.1"] format "f32" order "natural"
  nn.weight @k : tensor<32x64xf32> sources ["k.0", "k.1"] format "f32" order "natural"
  // CHECK: nn.weight @q.input_scale : tensor<1xf32> sources ["calibration:q.0:input_scale", "calibration:q.1:input_scale"] format "f32" order "natural"
  // CHECK-NOT: nn.weight @k.input_scale
  // CHECK-LABEL: func.func @shared
  // CHECK: %[[S:.*]] = nn.load_weight @q.input_scale[%arg1] : tensor<1xf32>
  // CHECK: %[[Q:.*]] = quant_ext.quantize %arg0, %[[S]] {group = 32 : i64} : tensor<?x64xf32>, tensor<1xf32> -> tensor<?x64xi8>
  // CHECK: %[[C:.*]] = quant_ext.group_sums %[[Q]] {group = 64 : i64, multiplier = -128 : i64} : tensor<?x64xi8> -> tensor<?x1xi32>
  // CHECK: quant_ext.matmul %[[Q]] scales(%[[S]]) corrections(%[[C]]) weight
  // CHECK-NOT: nn.load_weight @{{.*}}.input_scale
  // CHECK: quant_ext.quantize %arg0, %[[S]]
  // CHECK: quant_ext.group_sums %{{.*}} {group = 32 : i64, multiplier = -8 : i64} : tensor<?x64xi8> -> tensor<?x2xi32>
  // CHECK: quant_ext.matmul %{{.*}} scales(%[[S]])
  func.func @shared(%x: tensor<?x64xf32>, %layer: index) -> (tensor<?x32xf32>, tensor<?x32xf32>) {
    %q = nn.load_weight @q[%layer] : tensor<32x64xf32>
    %k = nn.load_weight @k[%layer] : tensor<32x64xf32>
    %qc:2 = quant_ext.encode %q {scheme = #q8, method = "rtn"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x1xf16>
    %kc:2 = quant_ext.encode %k {scheme = #q4, method = "rtn"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>
    %a = quant_ext.matmul %x weight(%qc#0, %qc#1) {scheme = #q8, k = 64 : i64} : tensor<?x64xf32> weight tensor<32x64xi8>, tensor<32x1xf16> -> tensor<?x32xf32>
    %b = quant_ext.matmul %x weight(%kc#0, %kc#1) {scheme = #q4, k = 64 : i64} : tensor<?x64xf32> weight tensor<32x64xi8>, tensor<32x2xf16> -> tensor<?x32xf32>
    return %a, %b : tensor<?x32xf32>, tensor<?x32xf32>
  }

  // Another function finds the same scale.
  // CHECK-LABEL: func.func @again
  // CHECK: nn.load_weight @q.input_scale[%arg1]
  func.func @again(%x: tensor<1x64xf32>, %layer: index) -> tensor<1x32xf32> {
    %q = nn.load_weight @q[%layer] : tensor<32x64xf32>
    %qc:2 = quant_ext.encode %q {scheme = #q8, method = "rtn"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x1xf16>
    %a = quant_ext.matmul %x weight(%qc#0, %qc#1) {scheme = #q8, k = 64 : i64} : tensor<1x64xf32> weight tensor<32x64xi8>, tensor<32x1xf16> -> tensor<1x32xf32>
    return %a : tensor<1x32xf32>
  }
}

// -----

#q8 = #quant_ext.scheme<code = integer, bits = 8, group = 0, offset = 128, scale = f16, min = none>

module attributes {qcc.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v3", features = <["+avx2"]>>} {
  func.func @nameless(%x: tensor<1x64xf32>, %w: tensor<32x64xi8>, %s: tensor<32x1xf16>) -> tensor<1x32xf32> {
    // expected-error @+1 {{'quant_ext.matmul' op has no weight that a calibrated scale could be named after}}
    %y = quant_ext.matmul %x weight(%w, %s) {scheme = #q8, k = 64 : i64} : tensor<1x64xf32> weight tensor<32x64xi8>, tensor<32x1xf16> -> tensor<1x32xf32>
    return %y : tensor<1x32xf32>
  }
}

// -----

// A product of tensors, observed or not, is scaled while running where that is asked for.
#q8 = #quant_ext.scheme<code = integer, bits = 8, group = 0, offset = 128, scale = f16, min = none>
#id = affine_map<(i, j) -> (i, j)>
module attributes {qcc.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v4", features = <["+avx2", "+avx512bw", "+avx512vl", "+avx512vnni"]>>} {
  nn.weight @d : tensor<32x64xf32> sources ["d"] format "f32" order "natural" {observer = "down"}
  // PRODUCTS-LABEL: func.func @gated
  // PRODUCTS: quant_ext.choose_qparams
  // PRODUCTS-NOT: input_scale
  // CHECK-LABEL: func.func @gated
  // CHECK: nn.load_weight @d.input_scale
  func.func @gated(%gate: tensor<1x64xf32>, %up: tensor<1x64xf32>) -> tensor<1x32xf32> {
    %init = tensor.empty() : tensor<1x64xf32>
    %x = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%gate, %up : tensor<1x64xf32>, tensor<1x64xf32>) outs(%init : tensor<1x64xf32>) {
      ^bb0(%g: f32, %u: f32, %o: f32):
        %e = math.exp %g : f32
        %p = arith.mulf %e, %u : f32
        linalg.yield %p : f32
      } -> tensor<1x64xf32>
    %seen = quant_ext.observe %x "down" : tensor<1x64xf32>
    %d = nn.load_weight @d : tensor<32x64xf32>
    %dc:2 = quant_ext.encode %d {scheme = #q8, method = "rtn"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x1xf16>
    %y = quant_ext.matmul %seen weight(%dc#0, %dc#1) {scheme = #q8, k = 64 : i64} : tensor<1x64xf32> weight tensor<32x64xi8>, tensor<32x1xf16> -> tensor<1x32xf32>
    return %y : tensor<1x32xf32>
  }
}
