// RUN: qcc-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(qcc-vectorize-matmul))' | FileCheck %s

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>

// One token: a loop over units of 32; eight dot products, and one fma with both scales.
module attributes {qcc.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v4", features = <["+avx2", "+avx512bw", "+avx512vl", "+avx512vnni"]>>} {
  // CHECK-LABEL: func.func @vnni
  // CHECK: scf.for %{{.*}} = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%{{.*}} = %{{.*}}) -> (vector<16xf32>)
  // CHECK-COUNT-8: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
  // CHECK-NOT: vpdpbusd
  // CHECK: math.fma
  // CHECK: vector.transfer_write {{.*}} tensor<1x16xf32>
  // CHECK-NOT: quant_ext.matmul
  func.func @vnni(%x: tensor<1x64xi8>, %a: tensor<1x2xf32>, %c: tensor<1x2xi32>, %w: tensor<1x2x4x16xi32>, %s: tensor<1x2x16xf16>) -> tensor<1x16xf32> {
    %y = quant_ext.matmul %x scales(%a) corrections(%c) weight(%w, %s) {scheme = #q4, k = 64 : i64, lanes = 16 : i64} : tensor<1x64xi8> scales tensor<1x2xf32> corrections tensor<1x2xi32> weight tensor<1x2x4x16xi32>, tensor<1x2x16xf16> -> tensor<1x16xf32>
    return %y : tensor<1x16xf32>
  }

  // Many tokens: eight at a time, then the rest one by one.
  // CHECK-LABEL: func.func @tokens
  // CHECK: scf.for
  // CHECK: iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
  // CHECK-COUNT-64: vpdpbusd.512
  // CHECK: iter_args({{.*}}) -> (vector<16xf32>)
  // CHECK-COUNT-8: vpdpbusd.512
  // CHECK-NOT: vpdpbusd
  func.func @tokens(%x: tensor<?x64xi8>, %a: tensor<?x2xf32>, %c: tensor<?x2xi32>, %w: tensor<1x2x4x16xi32>, %s: tensor<1x2x16xf16>) -> tensor<?x16xf32> {
    %y = quant_ext.matmul %x scales(%a) corrections(%c) weight(%w, %s) {scheme = #q4, k = 64 : i64, lanes = 16 : i64} : tensor<?x64xi8> scales tensor<?x2xf32> corrections tensor<?x2xi32> weight tensor<1x2x4x16xi32>, tensor<1x2x16xf16> -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>
  }
}

// -----

#q8 = #quant_ext.scheme<code = integer, bits = 8, group = 32, offset = 128, scale = f16, min = none>

// Without VNNI: u8 x s8 pairs; the sign of an 8-bit weight moves to the activation.
module attributes {qcc.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v3", features = <["+avx2"]>>} {
  // CHECK-LABEL: func.func @maddubs
  // CHECK: llvm.x86.avx2.psign.b
  // CHECK: llvm.x86.avx2.pmadd.ub.sw
  // CHECK: llvm.x86.avx2.pmadd.wd
  func.func @maddubs(%x: tensor<1x64xi8>, %a: tensor<1x2xf32>, %w: tensor<1x2x8x16xi32>, %s: tensor<1x2x16xf16>) -> tensor<1x16xf32> {
    %y = quant_ext.matmul %x scales(%a) weight(%w, %s) {scheme = #q8, k = 64 : i64, lanes = 16 : i64} : tensor<1x64xi8> scales tensor<1x2xf32> weight tensor<1x2x8x16xi32>, tensor<1x2x16xf16> -> tensor<1x16xf32>
    return %y : tensor<1x16xf32>
  }
}

// -----

#q4z = #quant_ext.scheme<code = integer, bits = 4, group = 32, scale = f16, min = zero_point>

module attributes {qcc.target = #llvm.target<triple = "aarch64-unknown-linux-gnu", chip = "neoverse-n1", features = <["+neon", "+dotprod"]>>} {
  // CHECK-LABEL: func.func @sdot
  // CHECK-COUNT-32: llvm.aarch64.neon.sdot
  // CHECK-NOT: llvm.aarch64.neon.sdot
  // Zero points: one more fma, with the group's sum of activations.
  // CHECK: %[[SUM:.*]] = tensor.extract %arg2
  // CHECK: vector.broadcast %[[SUM]]
  // CHECK: math.fma
  func.func @sdot(%x: tensor<1x64xi8>, %a: tensor<1x2xf32>, %m: tensor<1x2xf32>, %w: tensor<1x2x4x16xi32>, %s: tensor<1x2x16xf16>, %z: tensor<1x2x16xi8>) -> tensor<1x16xf32> {
    %y = quant_ext.matmul %x scales(%a) sums(%m) weight(%w, %s, %z) {scheme = #q4z, k = 64 : i64, lanes = 16 : i64} : tensor<1x64xi8> scales tensor<1x2xf32> sums tensor<1x2xf32> weight tensor<1x2x4x16xi32>, tensor<1x2x16xf16>, tensor<1x2x16xi8> -> tensor<1x16xf32>
    return %y : tensor<1x16xf32>
  }
}

// -----

#f16 = #quant_ext.scheme<code = f16, bits = 16, scale = none, min = none>

// Float weights, a single token: four partial sums; elements past a multiple of eight one by one.
// CHECK-LABEL: func.func @float_weights
// CHECK: iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK-COUNT-8: arith.extf %{{.*}} : vector<16xf16> to vector<16xf32>
// CHECK: scf.yield
// CHECK-COUNT-4: arith.extf
// CHECK-NOT: arith.extf
// CHECK-COUNT-3: arith.addf %{{.*}} : vector<16xf32>
func.func @float_weights(%x: tensor<1x60xf32>, %w: tensor<1x60x16xf16>) -> tensor<1x16xf32> {
  %y = quant_ext.matmul %x weight(%w) {scheme = #f16, k = 60 : i64, lanes = 16 : i64} : tensor<1x60xf32> weight tensor<1x60x16xf16> -> tensor<1x16xf32>
  return %y : tensor<1x16xf32>
}

// -----

#nf4 = #quant_ext.scheme<code = float_codebook, bits = 4, group = 64, scale = f32, min = none, floatCodebook = dense<[-1.0, -0.6961928, -0.52507305, -0.3949175, -0.28444138, -0.18477343, -0.09105004, 0.0, 0.0795803, 0.1609302, 0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1.0]> : tensor<16xf32>>

// A codebook of floats (NF4) is looked up in one register,
module attributes {qcc.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v4", features = <["+avx2", "+avx512bw", "+avx512vl"]>>} {
  // CHECK-LABEL: func.func @nf4_avx512
  // CHECK: scf.for
  // CHECK-COUNT-32: llvm.x86.avx512.permvar.sf.512
  // CHECK-NOT: permvar
  func.func @nf4_avx512(%x: tensor<1x64xf32>, %w: tensor<1x2x4x16xi32>, %s: tensor<1x1x16xf32>) -> tensor<1x16xf32> {
    %y = quant_ext.matmul %x weight(%w, %s) {scheme = #nf4, k = 64 : i64, lanes = 16 : i64} : tensor<1x64xf32> weight tensor<1x2x4x16xi32>, tensor<1x1x16xf32> -> tensor<1x16xf32>
    return %y : tensor<1x16xf32>
  }
}

// -----

#nf4 = #quant_ext.scheme<code = float_codebook, bits = 4, group = 64, scale = f32, min = none, floatCodebook = dense<[-1.0, -0.6961928, -0.52507305, -0.3949175, -0.28444138, -0.18477343, -0.09105004, 0.0, 0.0795803, 0.1609302, 0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1.0]> : tensor<16xf32>>

// in two halves of eight,
module attributes {qcc.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v3", features = <["+avx2"]>>} {
  // CHECK-LABEL: func.func @nf4_avx2
  // CHECK: llvm.x86.avx2.permps
  // CHECK: llvm.x86.avx2.permps
  // CHECK: arith.select
  func.func @nf4_avx2(%x: tensor<1x64xf32>, %w: tensor<1x2x4x16xi32>, %s: tensor<1x1x16xf32>) -> tensor<1x16xf32> {
    %y = quant_ext.matmul %x weight(%w, %s) {scheme = #nf4, k = 64 : i64, lanes = 16 : i64} : tensor<1x64xf32> weight tensor<1x2x4x16xi32>, tensor<1x1x16xf32> -> tensor<1x16xf32>
    return %y : tensor<1x16xf32>
  }
}

// -----

#nf4 = #quant_ext.scheme<code = float_codebook, bits = 4, group = 64, scale = f32, min = none, floatCodebook = dense<[-1.0, -0.6961928, -0.52507305, -0.3949175, -0.28444138, -0.18477343, -0.09105004, 0.0, 0.0795803, 0.1609302, 0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1.0]> : tensor<16xf32>>

// or as 64 bytes.
module attributes {qcc.target = #llvm.target<triple = "aarch64-unknown-linux-gnu", chip = "generic", features = <["+neon"]>>} {
  // CHECK-LABEL: func.func @nf4_neon
  // CHECK: llvm.aarch64.neon.tbl4
  func.func @nf4_neon(%x: tensor<1x64xf32>, %w: tensor<1x2x4x16xi32>, %s: tensor<1x1x16xf32>) -> tensor<1x16xf32> {
    %y = quant_ext.matmul %x weight(%w, %s) {scheme = #nf4, k = 64 : i64, lanes = 16 : i64} : tensor<1x64xf32> weight tensor<1x2x4x16xi32>, tensor<1x1x16xf32> -> tensor<1x16xf32>
    return %y : tensor<1x16xf32>
  }
}

// -----

#b3 = #quant_ext.scheme<code = codebook, bits = 3, group = 16, scale = super, min = none, codebook = -127, -79, -45, -14, 14, 45, 79, 127>

// A codebook of 8 entries, looked up 8 times for a unit; two scales of the unit, both times the row's.
module attributes {qcc.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v3", features = <["+avx2"]>>} {
  // CHECK-LABEL: func.func @small_codebook
  // CHECK: dense<{{\[}}-127, -79, -45, -14, 14, 45, 79, 127, -127, -79
  // CHECK-COUNT-16: llvm.x86.avx2.pshuf.b
  // CHECK: vector.transfer_read %{{.*}} : tensor<1x1x16xf16>, vector<16xf16>
  // CHECK: vector.transfer_read %{{.*}} : tensor<1x4x16xi8>, vector<16xi8>
  // CHECK: arith.mulf
  // CHECK: vector.transfer_read %{{.*}} : tensor<1x1x16xf16>, vector<16xf16>
  // CHECK: vector.transfer_read %{{.*}} : tensor<1x4x16xi8>, vector<16xi8>
  func.func @small_codebook(%x: tensor<1x64xi8>, %a: tensor<1x2xf32>, %w: tensor<1x2x3x16xi32>, %d: tensor<1x1x16xf16>, %s: tensor<1x4x16xi8>) -> tensor<1x16xf32> {
    %y = quant_ext.matmul %x scales(%a) weight(%w, %d, %s) {scheme = #b3, k = 64 : i64, lanes = 16 : i64} : tensor<1x64xi8> scales tensor<1x2xf32> weight tensor<1x2x3x16xi32>, tensor<1x1x16xf16>, tensor<1x4x16xi8> -> tensor<1x16xf32>
    return %y : tensor<1x16xf32>
  }
}

// -----

#q8 = #quant_ext.scheme<code = integer, bits = 8, group = 0, offset = 128, scale = f16, min = none>

// A static scale of the activations and one weight scale for a row: integers all the way, scaled once.
module attributes {qcc.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v4", features = <["+avx2", "+avx512bw", "+avx512vl", "+avx512vnni"]>>} {
  // CHECK-LABEL: func.func @static
  // CHECK: tensor.extract %arg2
  // CHECK: scf.for {{.*}} -> (vector<16xi32>)
  // CHECK-COUNT-8: vpdpbusd.512
  // CHECK: scf.yield
  // CHECK: tensor.extract %arg1[%{{.*}}] : tensor<1xf32>
  // CHECK: arith.mulf
  // CHECK: arith.sitofp %{{.*}} : vector<16xi32> to vector<16xf32>
  // CHECK: arith.mulf
  // CHECK-NOT: math.fma
  func.func @static(%x: tensor<1x64xi8>, %a: tensor<1xf32>, %c: tensor<1x1xi32>, %w: tensor<1x2x8x16xi32>, %s: tensor<1x1x16xf16>) -> tensor<1x16xf32> {
    %y = quant_ext.matmul %x scales(%a) corrections(%c) weight(%w, %s) {scheme = #q8, k = 64 : i64, lanes = 16 : i64} : tensor<1x64xi8> scales tensor<1xf32> corrections tensor<1x1xi32> weight tensor<1x2x8x16xi32>, tensor<1x1x16xf16> -> tensor<1x16xf32>
    return %y : tensor<1x16xf32>
  }
}

// -----

#b5 = #quant_ext.scheme<code = codebook, bits = 5, group = 32, scale = f16, min = none, codebook = -127, -113, -100, -90, -81, -73, -65, -58, -51, -44, -37, -31, -25, -19, -13, -7, -1, 5, 11, 17, 23, 30, 37, 44, 51, 59, 66, 74, 83, 92, 102, 119>

// 32 entries: two shuffles and a selection by the index, where there is no shuffle of 32.
module attributes {qcc.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "x86-64-v3", features = <["+avx2"]>>} {
  // CHECK-LABEL: func.func @large_codebook
  // CHECK: arith.cmpi sgt
  // CHECK: llvm.x86.avx2.pshuf.b
  // CHECK: llvm.x86.avx2.pshuf.b
  // CHECK: arith.select %{{.*}} : vector<32xi1>, vector<32xi8>
  func.func @large_codebook(%x: tensor<1x64xi8>, %a: tensor<1x2xf32>, %w: tensor<1x2x5x16xi32>, %s: tensor<1x2x16xf16>) -> tensor<1x16xf32> {
    %y = quant_ext.matmul %x scales(%a) weight(%w, %s) {scheme = #b5, k = 64 : i64, lanes = 16 : i64} : tensor<1x64xi8> scales tensor<1x2xf32> weight tensor<1x2x5x16xi32>, tensor<1x2x16xf16> -> tensor<1x16xf32>
    return %y : tensor<1x16xf32>
  }
}

// -----

#b5 = #quant_ext.scheme<code = codebook, bits = 5, group = 32, scale = f16, min = none, codebook = -127, -113, -100, -90, -81, -73, -65, -58, -51, -44, -37, -31, -25, -19, -13, -7, -1, 5, 11, 17, 23, 30, 37, 44, 51, 59, 66, 74, 83, 92, 102, 119>

module attributes {qcc.target = #llvm.target<triple = "x86_64-unknown-linux-gnu", chip = "znver5", features = <["+avx2", "+avx512bw", "+avx512vl", "+avx512vnni", "+avx512vbmi"]>>} {
  // CHECK-LABEL: func.func @vbmi
  // CHECK-COUNT-8: llvm.x86.avx512.permvar.qi.512
  // CHECK-NOT: pshuf
  func.func @vbmi(%x: tensor<1x64xi8>, %a: tensor<1x2xf32>, %c: tensor<1x2xi32>, %w: tensor<1x2x5x16xi32>, %s: tensor<1x2x16xf16>) -> tensor<1x16xf32> {
    %y = quant_ext.matmul %x scales(%a) corrections(%c) weight(%w, %s) {scheme = #b5, k = 64 : i64, lanes = 16 : i64} : tensor<1x64xi8> scales tensor<1x2xf32> corrections tensor<1x2xi32> weight tensor<1x2x5x16xi32>, tensor<1x2x16xf16> -> tensor<1x16xf32>
    return %y : tensor<1x16xf32>
  }
}

// -----

#b5 = #quant_ext.scheme<code = codebook, bits = 5, group = 32, scale = f16, min = none, codebook = -127, -113, -100, -90, -81, -73, -65, -58, -51, -44, -37, -31, -25, -19, -13, -7, -1, 5, 11, 17, 23, 30, 37, 44, 51, 59, 66, 74, 83, 92, 102, 119>

module attributes {qcc.target = #llvm.target<triple = "aarch64-unknown-linux-gnu", chip = "neoverse-n1", features = <["+neon", "+dotprod"]>>} {
  // CHECK-LABEL: func.func @tbl2
  // CHECK-COUNT-32: llvm.aarch64.neon.tbl2
  // CHECK-NOT: tbl1
  func.func @tbl2(%x: tensor<1x64xi8>, %a: tensor<1x2xf32>, %w: tensor<1x2x5x16xi32>, %s: tensor<1x2x16xf16>) -> tensor<1x16xf32> {
    %y = quant_ext.matmul %x scales(%a) weight(%w, %s) {scheme = #b5, k = 64 : i64, lanes = 16 : i64} : tensor<1x64xi8> scales tensor<1x2xf32> weight tensor<1x2x5x16xi32>, tensor<1x2x16xf16> -> tensor<1x16xf32>
    return %y : tensor<1x16xf32>
  }
}
