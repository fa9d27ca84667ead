// RUN: qcc-opt %s --split-input-file --qcc-keep-outliers | FileCheck %s
// RUN: qcc-opt %s --split-input-file --qcc-keep-outliers=slots=32 | FileCheck %s --check-prefix=SLOTS
// RUN: qcc-opt %s --split-input-file --qcc-keep-outliers --cse --qcc-quantize-activations | FileCheck %s --check-prefix=INT8
// RUN: qcc-opt %s --split-input-file --qcc-keep-outliers --cse --qcc-quantize-activations-static=observed | FileCheck %s --check-prefix=STATIC

#q8 = #quant_ext.scheme<code = integer, bits = 8, group = 32, offset = 128, scale = f16, min = none>
#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 0, scale = f16, min = zero_point>

// Two weights that read the same input share its channels; each has columns of its own. What no observer looks
// at, and what keeps its codes, stays as it is.
module attributes {qcc.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v3", features = <["+avx2"]>>} {
  // CHECK: nn.weight @q.outlier_columns : tensor<32x16xf32> sources ["calibration:q.0:outlier_columns", "calibration:q.1:outlier_columns"] format "f32" order "natural"
  // CHECK: nn.weight @q.inliers : tensor<64xf32> sources ["calibration:q.0:inliers", "calibration:q.1:inliers"] format "f32"
  // CHECK: nn.weight @q.outliers : tensor<16xi32> sources ["calibration:q.0:outliers", "calibration:q.1:outliers"] format "i32"
  // CHECK: nn.weight @k.outlier_columns : tensor<48x16xf32>
  // CHECK-NOT: nn.weight @k.
  // CHECK-NOT: nn.weight @free.
  // CHECK-NOT: nn.weight @kept.
  // SLOTS: nn.weight @q.outlier_columns : tensor<32x32xf32>
  // SLOTS: nn.weight @q.outliers : tensor<32xi32>
  // SLOTS: nn.gather_columns {{.*}} -> tensor<?x32xf32>
  nn.weight @q : tensor<32x64xf32> sources ["q.0", "q.1"] format "f32" order "natural" {observer = "q"}
  nn.weight @k : tensor<48x64xf32> sources ["k.0", "k.1"] format "f32" order "natural" {observer = "q"}
  nn.weight @free : tensor<32x64xf32> sources ["free"] format "f32" order "natural"
  nn.weight @kept : tensor<32x64xf32> sources ["kept"] format "q8_0" order "natural" {observer = "q"}

  // CHECK-LABEL: func.func @shared
  // CHECK: quant_ext.encode %{{.*}} {method = "llm.int8", scheme = #[[Q8:.*]]} : tensor<32x64xf32>
  // CHECK: quant_ext.encode %{{.*}} {method = "smoothquant+llm.int8", scheme = #[[Q4:.*]]} : tensor<48x64xf32>
  // CHECK: %[[COLUMNS:.*]] = nn.load_weight @q.outliers[%arg1] : tensor<16xi32>
  // CHECK: %[[MASK:.*]] = nn.load_weight @q.inliers[%arg1] : tensor<64xf32>
  // CHECK: %[[REST:.*]] = linalg.generic {{.*}} ins(%arg0, %[[MASK]] : tensor<?x64xf32>, tensor<64xf32>)
  // CHECK: arith.mulf
  // CHECK: %[[OUT:.*]] = nn.gather_columns %arg0, %[[COLUMNS]] : tensor<?x64xf32>, tensor<16xi32> -> tensor<?x16xf32>
  // CHECK: %[[QC:.*]] = nn.load_weight @q.outlier_columns[%arg1] : tensor<32x16xf32>
  // CHECK: %[[QF:.*]] = quant_ext.encode %[[QC]] {method = "keep", scheme = #[[F16:.*]]} : tensor<32x16xf32> -> tensor<32x16xf16>
  // CHECK: %[[QPART:.*]] = quant_ext.matmul %[[OUT]] weight(%[[QF]]) {k = 16 : i64, scheme = #[[F16]]} : tensor<?x16xf32>
  // CHECK: %[[QREST:.*]] = quant_ext.matmul %[[REST]] weight({{.*}}) {k = 64 : i64, scheme = #[[Q8]]} : tensor<?x64xf32>
  // CHECK: %[[Q:.*]] = linalg.generic {{.*}} ins(%[[QREST]], %[[QPART]] : tensor<?x32xf32>, tensor<?x32xf32>)
  // CHECK: arith.addf
  // The channels are found already; sums are of what is left.
  // CHECK-NOT: nn.load_weight @{{.*}}.inliers
  // CHECK: %[[KC:.*]] = nn.load_weight @k.outlier_columns[%arg1] : tensor<48x16xf32>
  // CHECK: quant_ext.matmul %[[OUT]] weight
  // CHECK: %[[SUMS:.*]] = quant_ext.group_sums %[[REST]]
  // CHECK: quant_ext.matmul %[[REST]] sums(%[[SUMS]])
  // CHECK: %[[K:.*]] = linalg.generic
  // CHECK: quant_ext.matmul %arg0 weight
  // CHECK: quant_ext.matmul %arg0 weight
  // CHECK: return %[[Q]], %[[K]]

  // Scales are those of the rest, and the small product is float.
  // INT8-LABEL: func.func @shared
  // INT8: %[[REST:.*]] = linalg.generic
  // INT8: %[[OUT:.*]] = nn.gather_columns %arg0
  // INT8: quant_ext.matmul %[[OUT]] weight
  // INT8: %[[S:.*]] = quant_ext.choose_qparams %[[REST]]
  // INT8: %[[C:.*]] = quant_ext.quantize %[[REST]], %[[S]]
  // INT8: quant_ext.matmul %[[C]] scales(%[[S]])

  // STATIC: nn.weight @q.input_scale : tensor<1xf32>
  // STATIC-LABEL: func.func @shared
  // STATIC: %[[REST:.*]] = linalg.generic
  // STATIC: %[[S:.*]] = nn.load_weight @q.input_scale[%arg1]
  // STATIC: quant_ext.quantize %[[REST]], %[[S]]
  func.func @shared(%x: tensor<?x64xf32>, %layer: index) -> (tensor<?x32xf32>, tensor<?x48xf32>, tensor<?x32xf32>, tensor<?x32xf32>) {
    %q = nn.load_weight @q[%layer] : tensor<32x64xf32>
    %k = nn.load_weight @k[%layer] : tensor<48x64xf32>
    %free = nn.load_weight @free : tensor<32x64xf32>
    %kept = nn.load_weight @kept : tensor<32x64xf32>
    %qc:2 = quant_ext.encode %q {scheme = #q8, method = "rtn"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>
    %kc:3 = quant_ext.encode %k {scheme = #q4, method = "smoothquant"} : tensor<48x64xf32> -> tensor<48x64xi8>, tensor<48x2xf16>, tensor<48x2xi8>
    %fc:2 = quant_ext.encode %free {scheme = #q8, method = "rtn"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>
    %ec:2 = quant_ext.encode %kept {scheme = #q8, method = "keep"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>
    %a = quant_ext.matmul %x weight(%qc#0, %qc#1) {scheme = #q8, k = 64 : i64} : tensor<?x64xf32> weight tensor<32x64xi8>, tensor<32x2xf16> -> tensor<?x32xf32>
    %sums = quant_ext.group_sums %x {group = 32 : i64} : tensor<?x64xf32> -> tensor<?x2xf32>
    %b = quant_ext.matmul %x sums(%sums) weight(%kc#0, %kc#1, %kc#2) {scheme = #q4, k = 64 : i64} : tensor<?x64xf32> sums tensor<?x2xf32> weight tensor<48x64xi8>, tensor<48x2xf16>, tensor<48x2xi8> -> tensor<?x48xf32>
    %c = quant_ext.matmul %x weight(%fc#0, %fc#1) {scheme = #q8, k = 64 : i64} : tensor<?x64xf32> weight tensor<32x64xi8>, tensor<32x2xf16> -> tensor<?x32xf32>
    %d = quant_ext.matmul %x weight(%ec#0, %ec#1) {scheme = #q8, k = 64 : i64} : tensor<?x64xf32> weight tensor<32x64xi8>, tensor<32x2xf16> -> tensor<?x32xf32>
    return %a, %b, %c, %d : tensor<?x32xf32>, tensor<?x48xf32>, tensor<?x32xf32>, tensor<?x32xf32>
  }

  // Another function finds the same weights.
  // CHECK-LABEL: func.func @again
  // CHECK: nn.load_weight @q.outliers[%arg1]
  // CHECK: nn.gather_columns %arg0, %{{.*}} : tensor<1x64xf32>, tensor<16xi32> -> tensor<1x16xf32>
  func.func @again(%x: tensor<1x64xf32>, %layer: index) -> tensor<1x32xf32> {
    %q = nn.load_weight @q[%layer] : tensor<32x64xf32>
    %qc:2 = quant_ext.encode %q {scheme = #q8, method = "rtn"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>
    %a = quant_ext.matmul %x weight(%qc#0, %qc#1) {scheme = #q8, k = 64 : i64} : tensor<1x64xf32> weight tensor<32x64xi8>, tensor<32x2xf16> -> tensor<1x32xf32>
    return %a : tensor<1x32xf32>
  }
}
