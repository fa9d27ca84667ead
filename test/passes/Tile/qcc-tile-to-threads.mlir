// RUN: qcc-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(qcc-tile-to-threads))' | FileCheck %s

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>

// Strips of 16 output features; the last one is computed whole and stored in part.
// CHECK-LABEL: func.func @matmul
// CHECK: scf.forall (%[[I:.*]]) in (3) shared_outs(%[[O:.*]] = %{{.*}}) -> (tensor<?x40xf32>)
// CHECK: %[[W:.*]] = tensor.extract_slice %arg1[%[[I]], 0, 0, 0] [1, 2, 4, 16] [1, 1, 1, 1]
// CHECK: %[[S:.*]] = tensor.extract_slice %arg2[%[[I]], 0, 0] [1, 2, 16] [1, 1, 1]
// CHECK: %[[T:.*]] = quant_ext.matmul %arg0 weight(%[[W]], %[[S]]) {{.*}} -> tensor<?x16xf32>
// CHECK: %[[AT:.*]] = affine.apply
// CHECK: %[[SIZE:.*]] = affine.min
// CHECK: %[[PART:.*]] = tensor.extract_slice %[[T]][0, 0] [%{{.*}}, %[[SIZE]]] [1, 1]
// CHECK: tensor.parallel_insert_slice %[[PART]] into %[[O]][0, %[[AT]]] [%{{.*}}, %[[SIZE]]] [1, 1]
func.func @matmul(%x: tensor<?x64xf32>, %w: tensor<3x2x4x16xi32>, %s: tensor<3x2x16xf16>) -> tensor<?x40xf32> {
  %y = quant_ext.matmul %x weight(%w, %s) {scheme = #q4, k = 64 : i64, lanes = 16 : i64} : tensor<?x64xf32> weight tensor<3x2x4x16xi32>, tensor<3x2x16xf16> -> tensor<?x40xf32>
  return %y : tensor<?x40xf32>
}

// -----

// CHECK-LABEL: func.func @rows
// CHECK: scf.forall (%[[T:.*]]) in (%{{.*}}) shared_outs
// CHECK: %[[X:.*]] = tensor.extract_slice %arg0[%[[T]], 0] [1, 64] [1, 1]
// CHECK: nn.rms_norm %[[X]], %arg1 {{.*}} : tensor<1x64xf32>, tensor<64xf32>
func.func @rows(%x: tensor<?x64xf32>, %w: tensor<64xf32>) -> tensor<?x64xf32> {
  %y = nn.rms_norm %x, %w {epsilon = 1.0e-05 : f32} : tensor<?x64xf32>, tensor<64xf32>
  return %y : tensor<?x64xf32>
}

// -----

// A single row stays: each thread does it for itself.
// CHECK-LABEL: func.func @single_row
// CHECK-NOT: scf.forall
func.func @single_row(%x: tensor<1x64xf32>, %w: tensor<64xf32>) -> tensor<1x64xf32> {
  %y = nn.rms_norm %x, %w {epsilon = 1.0e-05 : f32} : tensor<1x64xf32>, tensor<64xf32>
  return %y : tensor<1x64xf32>
}

// -----

// CHECK-LABEL: func.func @table
// CHECK: scf.forall (%[[T:.*]]) in (%arg1)
// CHECK: %[[P:.*]] = arith.addi %arg0, %[[T]]
// CHECK: nn.rope_table %[[P]], %arg2 {{.*}} -> tensor<1x8xf32>, tensor<1x8xf32>
func.func @table(%p: index, %t: index, %f: tensor<8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %cos, %sin = nn.rope_table %p, %f rows %t {scale = 1.0 : f32} : tensor<8xf32> -> tensor<?x8xf32>, tensor<?x8xf32>
  return %cos, %sin : tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

// CHECK-LABEL: func.func @rope
// CHECK: scf.forall (%[[T:.*]], %[[H:.*]]) in (%{{.*}}, 4)
// CHECK: nn.rope %{{.*}}, %{{.*}}, %{{.*}} {head_dim = 16 : i64} : tensor<1x16xf32>, tensor<1x8xf32>
func.func @rope(%x: tensor<?x64xf32>, %c: tensor<?x8xf32>, %s: tensor<?x8xf32>) -> tensor<?x64xf32> {
  %y = nn.rope %x, %c, %s {head_dim = 16 : i64} : tensor<?x64xf32>, tensor<?x8xf32>
  return %y : tensor<?x64xf32>
}

// -----

// Keys go to a column of their block of 16 positions, values to a row, in the cache's type.
// CHECK-DAG: #[[BLOCK:.*]] = affine_map<(d0)[s0] -> ((d0 + s0) floordiv 16)>
// CHECK-DAG: #[[LANE:.*]] = affine_map<(d0)[s0] -> ((d0 + s0) mod 16)>
// CHECK-LABEL: func.func @append
// CHECK: scf.forall (%[[T:.*]], %[[H:.*]]) in (%{{.*}}, 2)
// CHECK-DAG: affine.apply #[[BLOCK]](%[[T]])[%arg4]
// CHECK-DAG: affine.apply #[[LANE]](%[[T]])[%arg4]
// CHECK: arith.truncf %{{.*}} : f32 to f16
// CHECK-NOT: nn.kv_append
func.func @append(%kv: tensor<?x32xf32>, %k: tensor<2x2x4x16x16xf16>, %v: tensor<2x2x64x16xf16>, %layer: index, %p: index) -> (tensor<2x2x4x16x16xf16>, tensor<2x2x64x16xf16>) {
  %0:2 = nn.kv_append %kv, %kv into %k, %v layer %layer at %p : tensor<?x32xf32>, tensor<?x32xf32> into tensor<2x2x4x16x16xf16>, tensor<2x2x64x16xf16>
  return %0#0, %0#1 : tensor<2x2x4x16x16xf16>, tensor<2x2x64x16xf16>
}

// -----

// An int8 cache: a head of a token is one group; its scales, of key and value, are written together.
// CHECK-LABEL: func.func @append_int8
// CHECK: scf.forall (%[[T:.*]], %[[H:.*]]) in (%{{.*}}, 2) shared_outs(%[[K:.*]] = %arg1, %[[V:.*]] = %arg2, %[[S:.*]] = %arg3)
// CHECK: %[[PAIR:.*]] = tensor.extract_slice %[[S]][%{{.*}}, %[[H]], 0, %[[AT:.*]]] [1, 1, 2, 1]
// CHECK: %[[KS:.*]] = quant_ext.choose_qparams %{{.*}} {group = 16 : i64} : tensor<1x16xf32> -> tensor<1x1xf32>
// CHECK: quant_ext.quantize %{{.*}}, %[[KS]] {group = 16 : i64} : tensor<1x16xf32>, tensor<1x1xf32> -> tensor<1x32xi8>
// CHECK: tensor.insert %{{.*}} into %[[PAIR]][%c0
// CHECK: quant_ext.choose_qparams
// CHECK: quant_ext.quantize
// CHECK: tensor.insert %{{.*}} into %{{.*}}[%c1
// CHECK: tensor.parallel_insert_slice %{{.*}} into %[[K]]
// CHECK: tensor.parallel_insert_slice %{{.*}} into %[[V]]
// CHECK: tensor.parallel_insert_slice %{{.*}} into %[[S]][%{{.*}}, %[[H]], 0, %[[AT]]] [1, 1, 2, 1] [1, 1, 1, 1] : tensor<2xf32> into tensor<2x2x2x64xf32>
// CHECK-NOT: nn.kv_append
func.func @append_int8(%kv: tensor<?x32xf32>, %k: tensor<2x2x4x16x16xi8>, %v: tensor<2x2x64x16xi8>, %s: tensor<2x2x2x64xf32>, %layer: index, %p: index) -> tensor<2x2x2x64xf32> {
  %0:3 = nn.kv_append %kv, %kv into %k, %v scales(%s) layer %layer at %p : tensor<?x32xf32>, tensor<?x32xf32> into tensor<2x2x4x16x16xi8>, tensor<2x2x64x16xi8> scales tensor<2x2x2x64xf32> -> tensor<2x2x2x64xf32>
  return %0#2 : tensor<2x2x2x64xf32>
}

// -----

// The query heads that share keys go together, each token at its own position.
// CHECK-LABEL: func.func @attention
// CHECK: scf.forall (%[[T:.*]], %[[H:.*]]) in (%{{.*}}, 2)
// CHECK-DAG: tensor.extract_slice %arg1[%arg3, %[[H]], 0, 0, 0] [1, 1, 4, 16, 16]
// CHECK-DAG: tensor.extract_slice %arg2[%arg3, %[[H]], 0, 0] [1, 1, 64, 16]
// CHECK-DAG: %[[P:.*]] = arith.addi %arg4, %[[T]]
// CHECK: nn.attention %{{.*}}, %{{.*}}, %{{.*}} layer %{{.*}} at %[[P]] {heads = 2 : i64
func.func @attention(%q: tensor<?x64xf32>, %k: tensor<2x2x4x16x16xf16>, %v: tensor<2x2x64x16xf16>, %layer: index, %p: index) -> tensor<?x64xf32> {
  %0 = nn.attention %q, %k, %v layer %layer at %p {heads = 4 : i64, scale = 0.25 : f32} : tensor<?x64xf32>, tensor<2x2x4x16x16xf16>, tensor<2x2x64x16xf16>
  return %0 : tensor<?x64xf32>
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>

// The strips of the matmuls that feed it, so that no barrier lies between.
// CHECK-LABEL: func.func @elementwise
// CHECK: scf.forall (%{{.*}}) in (4)
// CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<?x16xf32>)
func.func @elementwise(%x: tensor<?x64xf32>, %y: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x64xf32>) outs(%y : tensor<?x64xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<?x64xf32>
  return %0 : tensor<?x64xf32>
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>

// Other widths by rows; never left to all threads, which would each add.
// CHECK-LABEL: func.func @odd_width
// CHECK: scf.forall (%{{.*}}) in (%{{.*}})
// CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<1x60xf32>)
func.func @odd_width(%x: tensor<?x60xf32>, %y: tensor<?x60xf32>) -> tensor<?x60xf32> {
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x60xf32>) outs(%y : tensor<?x60xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<?x60xf32>
  return %0 : tensor<?x60xf32>
}

// -----

// Rows of activations; the order is used whole.
// CHECK-LABEL: func.func @permute
// CHECK: scf.forall
// CHECK: %[[X:.*]] = tensor.extract_slice %arg0[%{{.*}}, 0] [1, 64]
// CHECK: nn.gather_columns %[[X]], %arg1 : tensor<1x64xf32>, tensor<64xi32> -> tensor<1x64xf32>
func.func @permute(%x: tensor<?x64xf32>, %order: tensor<64xi32>) -> tensor<?x64xf32> {
  %y = nn.gather_columns %x, %order : tensor<?x64xf32>, tensor<64xi32> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
