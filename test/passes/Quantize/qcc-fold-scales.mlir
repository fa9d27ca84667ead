// RUN: qcc-opt %s --split-input-file --qcc-fold-scales=method=smoothquant | FileCheck %s

#q8 = #quant_ext.scheme<code = integer, bits = 8, group = 32, offset = 128, scale = f16, min = none>
#sum = affine_map<(d0, d1) -> (d0, d1)>

// Into the gain of a norm; into the rows of what a gate is multiplied with.
// CHECK-LABEL: module @gated
module @gated {
  // CHECK: nn.weight @norm : {{.*}} {row_divisors = "gate"}
  nn.weight @norm : tensor<64xf32> sources ["n.0", "n.1"] format "f32" order "natural"
  // CHECK: nn.weight @gate : {{.*}} {column_factors = "gate", observer = "gate"}
  nn.weight @gate : tensor<32x64xf32> sources ["g.0", "g.1"] format "f32" order "natural" {observer = "gate"}
  // CHECK: nn.weight @up : {{.*}} {column_factors = "gate", observer = "gate", row_divisors = "down"}
  nn.weight @up : tensor<32x64xf32> sources ["u.0", "u.1"] format "f32" order "natural" {observer = "gate"}
  // CHECK: nn.weight @down : {{.*}} {column_factors = "down", observer = "down"}
  nn.weight @down : tensor<64x32xf32> sources ["d.0", "d.1"] format "f32" order "natural" {observer = "down"}
  // CHECK-COUNT-3: quant_ext.encode {{.*}}method = "smoothquant"
  func.func @layer(%x: tensor<?x64xf32>, %i: index) -> tensor<?x64xf32> {
    %norm = nn.load_weight @norm[%i] : tensor<64xf32>
    %gate = nn.load_weight @gate[%i] : tensor<32x64xf32>
    %up = nn.load_weight @up[%i] : tensor<32x64xf32>
    %down = nn.load_weight @down[%i] : tensor<64x32xf32>
    %gw:2 = quant_ext.encode %gate {scheme = #q8, method = "rtn"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>
    %uw:2 = quant_ext.encode %up {scheme = #q8, method = "rtn"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>
    %dw:2 = quant_ext.encode %down {scheme = #q8, method = "rtn"} : tensor<64x32xf32> -> tensor<64x32xi8>, tensor<64x1xf16>
    %h = nn.rms_norm %x, %norm {epsilon = 1.0e-05 : f32} : tensor<?x64xf32>, tensor<64xf32>
    %o = quant_ext.observe %h "gate" : tensor<?x64xf32>
    %g = quant_ext.matmul %o weight(%gw#0, %gw#1) {scheme = #q8, k = 64 : i64} : tensor<?x64xf32> weight tensor<32x64xi8>, tensor<32x2xf16> -> tensor<?x32xf32>
    %u = quant_ext.matmul %o weight(%uw#0, %uw#1) {scheme = #q8, k = 64 : i64} : tensor<?x64xf32> weight tensor<32x64xi8>, tensor<32x2xf16> -> tensor<?x32xf32>
    %c0 = arith.constant 0 : index
    %n = tensor.dim %g, %c0 : tensor<?x32xf32>
    %e = tensor.empty(%n) : tensor<?x32xf32>
    %p = linalg.generic {indexing_maps = [#sum, #sum, #sum], iterator_types = ["parallel", "parallel"]}
        ins(%g, %u : tensor<?x32xf32>, tensor<?x32xf32>) outs(%e : tensor<?x32xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %f = math.exp %a : f32
      %m = arith.mulf %f, %b : f32
      linalg.yield %m : f32
    } -> tensor<?x32xf32>
    %q = quant_ext.observe %p "down" : tensor<?x32xf32>
    %d = quant_ext.matmul %q weight(%dw#0, %dw#1) {scheme = #q8, k = 32 : i64} : tensor<?x32xf32> weight tensor<64x32xi8>, tensor<64x1xf16> -> tensor<?x64xf32>
    return %d : tensor<?x64xf32>
  }
}

// -----

#q8 = #quant_ext.scheme<code = integer, bits = 8, group = 32, offset = 128, scale = f16, min = none>

// Into the rows of values, which two query heads share.
// CHECK-LABEL: module @attention
module @attention {
  // CHECK: nn.weight @v : {{.*}} {head_dim = 16 : i64, observer = "q", row_divisors = "o"}
  nn.weight @v : tensor<32x64xf32> sources ["v"] format "f32" order "natural" {observer = "q"}
  // CHECK: nn.weight @o : {{.*}} {column_factors = "o", observer = "o"}
  nn.weight @o : tensor<64x64xf32> sources ["o"] format "f32" order "natural" {observer = "o"}
  func.func @layer(%x: tensor<?x64xf32>, %k: tensor<?x32xf32>, %q: tensor<?x64xf32>, %keys: tensor<1x2x4x16x16xf32>, %values: tensor<1x2x64x16xf32>, %at: index) -> (tensor<?x64xf32>, tensor<1x2x4x16x16xf32>, tensor<1x2x64x16xf32>) {
    %v = nn.load_weight @v : tensor<32x64xf32>
    %o = nn.load_weight @o : tensor<64x64xf32>
    %vw:2 = quant_ext.encode %v {scheme = #q8, method = "rtn"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>
    %ow:2 = quant_ext.encode %o {scheme = #q8, method = "rtn"} : tensor<64x64xf32> -> tensor<64x64xi8>, tensor<64x2xf16>
    %in = quant_ext.observe %x "q" : tensor<?x64xf32>
    %vs = quant_ext.matmul %in weight(%vw#0, %vw#1) {scheme = #q8, k = 64 : i64} : tensor<?x64xf32> weight tensor<32x64xi8>, tensor<32x2xf16> -> tensor<?x32xf32>
    %k1, %v1 = nn.kv_append %k, %vs into %keys, %values layer %at at %at : tensor<?x32xf32>, tensor<?x32xf32> into tensor<1x2x4x16x16xf32>, tensor<1x2x64x16xf32>
    %a = nn.attention %q, %k1, %v1 layer %at at %at {heads = 4 : i64, scale = 2.5e-01 : f32} : tensor<?x64xf32>, tensor<1x2x4x16x16xf32>, tensor<1x2x64x16xf32>
    %in2 = quant_ext.observe %a "o" : tensor<?x64xf32>
    %y = quant_ext.matmul %in2 weight(%ow#0, %ow#1) {scheme = #q8, k = 64 : i64} : tensor<?x64xf32> weight tensor<64x64xi8>, tensor<64x2xf16> -> tensor<?x64xf32>
    return %y, %k1, %v1 : tensor<?x64xf32>, tensor<1x2x4x16x16xf32>, tensor<1x2x64x16xf32>
  }
}

// -----

#q8 = #quant_ext.scheme<code = integer, bits = 8, group = 32, offset = 128, scale = f16, min = none>

// What else reads the norm would see other values.
// CHECK-LABEL: module @read_elsewhere
// CHECK-NOT: row_divisors
// CHECK: method = "rtn"
module @read_elsewhere {
  nn.weight @norm : tensor<64xf32> sources ["n"] format "f32" order "natural"
  nn.weight @q : tensor<32x64xf32> sources ["q"] format "f32" order "natural" {observer = "q"}
  func.func @layer(%x: tensor<?x64xf32>) -> (tensor<?x32xf32>, tensor<?x64xf32>) {
    %norm = nn.load_weight @norm : tensor<64xf32>
    %q = nn.load_weight @q : tensor<32x64xf32>
    %qw:2 = quant_ext.encode %q {scheme = #q8, method = "rtn"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>
    %h = nn.rms_norm %x, %norm {epsilon = 1.0e-05 : f32} : tensor<?x64xf32>, tensor<64xf32>
    %o = quant_ext.observe %h "q" : tensor<?x64xf32>
    %y = quant_ext.matmul %o weight(%qw#0, %qw#1) {scheme = #q8, k = 64 : i64} : tensor<?x64xf32> weight tensor<32x64xi8>, tensor<32x2xf16> -> tensor<?x32xf32>
    return %y, %h : tensor<?x32xf32>, tensor<?x64xf32>
  }
}

// -----

#q8 = #quant_ext.scheme<code = integer, bits = 8, group = 32, offset = 128, scale = f16, min = none>

// A gain of two norms belongs to none of them.
// CHECK-LABEL: module @shared_gain
// CHECK-NOT: row_divisors
// CHECK: method = "rtn"
module @shared_gain {
  nn.weight @norm : tensor<64xf32> sources ["n"] format "f32" order "natural"
  nn.weight @q : tensor<32x64xf32> sources ["q"] format "f32" order "natural" {observer = "q"}
  func.func @layer(%x: tensor<?x64xf32>) -> (tensor<?x32xf32>, tensor<?x64xf32>) {
    %norm = nn.load_weight @norm : tensor<64xf32>
    %again = nn.load_weight @norm : tensor<64xf32>
    %q = nn.load_weight @q : tensor<32x64xf32>
    %qw:2 = quant_ext.encode %q {scheme = #q8, method = "rtn"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>
    %h = nn.rms_norm %x, %norm {epsilon = 1.0e-05 : f32} : tensor<?x64xf32>, tensor<64xf32>
    %o = quant_ext.observe %h "q" : tensor<?x64xf32>
    %y = quant_ext.matmul %o weight(%qw#0, %qw#1) {scheme = #q8, k = 64 : i64} : tensor<?x64xf32> weight tensor<32x64xi8>, tensor<32x2xf16> -> tensor<?x32xf32>
    %z = nn.rms_norm %x, %again {epsilon = 1.0e-05 : f32} : tensor<?x64xf32>, tensor<64xf32>
    return %y, %z : tensor<?x32xf32>, tensor<?x64xf32>
  }
}

// -----

#q8 = #quant_ext.scheme<code = integer, bits = 8, group = 32, offset = 128, scale = f16, min = none>

// Codes of the file stay as they are.
// CHECK-LABEL: module @kept
// CHECK-NOT: row_divisors
// CHECK: method = "keep"
module @kept {
  nn.weight @norm : tensor<64xf32> sources ["n"] format "f32" order "natural"
  nn.weight @q : tensor<32x64xf32> sources ["q"] format "q8_0" order "natural" {observer = "q"}
  func.func @layer(%x: tensor<?x64xf32>) -> tensor<?x32xf32> {
    %norm = nn.load_weight @norm : tensor<64xf32>
    %q = nn.load_weight @q : tensor<32x64xf32>
    %qw:2 = quant_ext.encode %q {scheme = #q8, method = "keep"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>
    %h = nn.rms_norm %x, %norm {epsilon = 1.0e-05 : f32} : tensor<?x64xf32>, tensor<64xf32>
    %o = quant_ext.observe %h "q" : tensor<?x64xf32>
    %y = quant_ext.matmul %o weight(%qw#0, %qw#1) {scheme = #q8, k = 64 : i64} : tensor<?x64xf32> weight tensor<32x64xi8>, tensor<32x2xf16> -> tensor<?x32xf32>
    return %y : tensor<?x32xf32>
  }
}
