// RUN: qcc-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{scheme: float codes of 32 bits}}
#s = #quant_ext.scheme<code = f16, bits = 32, scale = none, min = none>

// -----

// expected-error @+1 {{scheme: float codes have no groups, scales, minima or offset}}
#s = #quant_ext.scheme<code = f32, bits = 32, group = 32, scale = none, min = none>

// -----

// expected-error @+1 {{scheme: a codebook without codebook codes}}
#s = #quant_ext.scheme<code = f32, bits = 32, scale = none, min = none, codebook = 1, 2>

// -----

// expected-error @+1 {{scheme: integer and codebook codes need scales}}
#s = #quant_ext.scheme<code = integer, bits = 4, group = 32, scale = none, min = none>

// -----

// expected-error @+1 {{scheme: a codebook has codes of 2 to 5 bits and an entry for each of them}}
#s = #quant_ext.scheme<code = codebook, bits = 4, group = 32, scale = f16, min = none, codebook = 1, 2, 3>

// -----

// expected-error @+1 {{scheme: a codebook without codebook codes}}
#s = #quant_ext.scheme<code = integer, bits = 4, group = 32, scale = f16, min = none, codebook = 1, 2, 3>

// -----

// expected-error @+1 {{scheme: integer codes of 9 bits; 2 to 8 are possible}}
#s = #quant_ext.scheme<code = integer, bits = 9, group = 32, scale = f16, min = none>

// -----

// expected-error @+1 {{scheme: offset 300 is not within -255..255}}
#s = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 300, scale = f16, min = none>

// -----

// expected-error @+1 {{scheme: MinKind::Super without ScaleKind::Super}}
#s = #quant_ext.scheme<code = integer, bits = 4, group = 32, scale = f16, min = super>

// -----

// expected-error @+1 {{scheme: zero points need integer codes and offset 0}}
#s = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = zero_point>

// -----

// expected-error @+1 {{scheme: group size 20 is no multiple of 16}}
#s = #quant_ext.scheme<code = integer, bits = 4, group = 20, scale = f16, min = none>

// -----

// expected-error @+1 {{scheme: super-blocks without ScaleKind::Super}}
#s = #quant_ext.scheme<code = integer, bits = 4, group = 32, scale = f16, min = none, superSize = 256>

// -----

// expected-error @+1 {{scheme: super-block size 100 is no multiple of group size 32}}
#s = #quant_ext.scheme<code = integer, bits = 4, group = 32, scale = super, min = none, superSize = 100>

// -----

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
func.func @encode_dynamic(%w: tensor<?x64xf32>) {
  // expected-error @+1 {{'quant_ext.encode' op takes a matrix of static shape}}
  %0:2 = quant_ext.encode %w {scheme = #q4, method = "rtn"} : tensor<?x64xf32> -> tensor<32x64xi8>, tensor<32x2xf16>
  return
}

// -----

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
func.func @encode_components(%w: tensor<32x64xf32>) {
  // expected-note @+2 {{expected tensor<32x64xi8>, tensor<32x2xf16>}}
  // expected-error @+1 {{'quant_ext.encode' op components do not fit the scheme}}
  %0:2 = quant_ext.encode %w {scheme = #q4, method = "rtn"} : tensor<32x64xf32> -> tensor<32x64xi8>, tensor<32x3xf16>
  return
}

// -----

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
func.func @encode_count(%w: tensor<32x64xf32>) {
  // expected-note @+2 {{expected tensor<32x64xi8>, tensor<32x2xf16>}}
  // expected-error @+1 {{'quant_ext.encode' op components do not fit the scheme}}
  %0 = quant_ext.encode %w {scheme = #q4, method = "rtn"} : tensor<32x64xf32> -> tensor<32x64xi8>
  return
}

// -----

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
func.func @repack_nothing() {
  // expected-error @+1 {{'quant_ext.repack' op needs components}}
  %0 = "quant_ext.repack"() {scheme = #q4, lanes = 16 : i64} : () -> tensor<2x2x4x16xi32>
  return
}

// -----

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
func.func @repack_codes(%c: tensor<64xi8>, %s: tensor<32x2xf16>) {
  // expected-error @+1 {{'quant_ext.repack' op takes codes [N, K] of static shape}}
  %0:2 = quant_ext.repack %c, %s {scheme = #q4, lanes = 16 : i64} : tensor<64xi8>, tensor<32x2xf16> -> tensor<2x2x4x16xi32>, tensor<2x2x16xf16>
  return
}

// -----

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
func.func @repack_lanes(%c: tensor<32x64xi8>, %s: tensor<32x2xf16>) {
  // expected-error @+1 {{'quant_ext.repack' op lanes must be at least 1}}
  %0:2 = quant_ext.repack %c, %s {scheme = #q4, lanes = 0 : i64} : tensor<32x64xi8>, tensor<32x2xf16> -> tensor<2x2x4x16xi32>, tensor<2x2x16xf16>
  return
}

// -----

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
func.func @repack_components(%c: tensor<32x64xi8>, %s: tensor<32x2xf32>) {
  // expected-note @+2 {{expected tensor<32x64xi8>, tensor<32x2xf16>}}
  // expected-error @+1 {{'quant_ext.repack' op components do not fit the scheme}}
  %0:2 = quant_ext.repack %c, %s {scheme = #q4, lanes = 16 : i64} : tensor<32x64xi8>, tensor<32x2xf32> -> tensor<2x2x4x16xi32>, tensor<2x2x16xf16>
  return
}

// -----

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
func.func @repack_packed(%c: tensor<32x64xi8>, %s: tensor<32x2xf16>) {
  // expected-note @+2 {{expected tensor<2x2x4x16xi32>, tensor<2x2x16xf16>}}
  // expected-error @+1 {{'quant_ext.repack' op packed components do not fit the scheme}}
  %0:2 = quant_ext.repack %c, %s {scheme = #q4, lanes = 16 : i64} : tensor<32x64xi8>, tensor<32x2xf16> -> tensor<2x2x5x16xi32>, tensor<2x2x16xf16>
  return
}

// -----

func.func @group_zero(%x: tensor<1x64xf32>) {
  // expected-error @+1 {{'quant_ext.choose_qparams' op group must be at least 1, found 0}}
  %0 = quant_ext.choose_qparams %x {group = 0 : i64} : tensor<1x64xf32> -> tensor<1x2xf32>
  return
}

// -----

func.func @rank(%x: tensor<64xf32>) {
  // expected-error @+1 {{'quant_ext.choose_qparams' op takes matrices}}
  %0 = quant_ext.choose_qparams %x {group = 32 : i64} : tensor<64xf32> -> tensor<1x2xf32>
  return
}

// -----

func.func @dynamic_features(%x: tensor<1x?xf32>) {
  // expected-error @+1 {{'quant_ext.choose_qparams' op needs a static number of features}}
  %0 = quant_ext.choose_qparams %x {group = 32 : i64} : tensor<1x?xf32> -> tensor<1x2xf32>
  return
}

// -----

func.func @rows(%x: tensor<1x64xf32>) {
  // expected-error @+1 {{'quant_ext.choose_qparams' op operands and results must have the same rows}}
  %0 = quant_ext.choose_qparams %x {group = 32 : i64} : tensor<1x64xf32> -> tensor<2x2xf32>
  return
}

// -----

func.func @groups(%x: tensor<1x64xf32>) {
  // expected-note @+2 {{64 features in groups of 32}}
  // expected-error @+1 {{'quant_ext.choose_qparams' op expected 2 groups, found 3}}
  %0 = quant_ext.choose_qparams %x {group = 32 : i64} : tensor<1x64xf32> -> tensor<1x3xf32>
  return
}

// -----

func.func @quantize_padding(%x: tensor<1x40xf32>, %s: tensor<1x2xf32>) {
  // expected-error @+1 {{'quant_ext.quantize' op codes must have 64 features (K padded to a multiple of 32)}}
  %0 = quant_ext.quantize %x, %s {group = 32 : i64} : tensor<1x40xf32>, tensor<1x2xf32> -> tensor<1x40xi8>
  return
}

// -----

func.func @quantize_rows(%x: tensor<1x64xf32>, %s: tensor<1x2xf32>) {
  // expected-error @+1 {{'quant_ext.quantize' op operands and results must have the same rows}}
  %0 = quant_ext.quantize %x, %s {group = 32 : i64} : tensor<1x64xf32>, tensor<1x2xf32> -> tensor<2x64xi8>
  return
}

// -----

func.func @quantize_groups(%x: tensor<1x64xf32>, %s: tensor<1x1xf32>) {
  // expected-note @+2 {{64 features in groups of 32}}
  // expected-error @+1 {{'quant_ext.quantize' op expected 2 groups, found 1}}
  %0 = quant_ext.quantize %x, %s {group = 32 : i64} : tensor<1x64xf32>, tensor<1x1xf32> -> tensor<1x64xi8>
  return
}

// -----

func.func @dequantize_groups(%q: tensor<1x64xi8>, %s: tensor<1x1xf32>) {
  // expected-note @+2 {{64 features in groups of 32}}
  // expected-error @+1 {{'quant_ext.dequantize' op expected 2 groups, found 1}}
  %0 = quant_ext.dequantize %q, %s {group = 32 : i64} : tensor<1x64xi8>, tensor<1x1xf32> -> tensor<1x64xf32>
  return
}

// -----

func.func @sums_type(%q: tensor<1x64xi8>) {
  // expected-error @+1 {{'quant_ext.group_sums' op sums i8 into i32, f32 into f32}}
  %0 = quant_ext.group_sums %q {group = 32 : i64} : tensor<1x64xi8> -> tensor<1x2xf32>
  return
}

// -----

func.func @sums_groups(%q: tensor<1x64xi8>) {
  // expected-note @+2 {{64 features in groups of 32}}
  // expected-error @+1 {{'quant_ext.group_sums' op expected 2 groups, found 4}}
  %0 = quant_ext.group_sums %q {group = 32 : i64} : tensor<1x64xi8> -> tensor<1x4xi32>
  return
}

// -----

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
func.func @matmul_rank(%x: tensor<1x64xf32>, %c: tensor<32x64xi8>, %s: tensor<32x2xf16>) {
  // expected-error @+1 {{'quant_ext.matmul' op takes activations [T, K] and gives [T, N] with static N}}
  %0 = quant_ext.matmul %x weight(%c, %s) {scheme = #q4, k = 64 : i64} : tensor<1x64xf32> weight tensor<32x64xi8>, tensor<32x2xf16> -> tensor<1x?xf32>
  return
}

// -----

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
func.func @matmul_no_scales(%x: tensor<1x64xi8>, %c: tensor<32x64xi8>, %s: tensor<32x2xf16>) {
  // expected-error @+1 {{'quant_ext.matmul' op int8 activations need scales}}
  %0 = quant_ext.matmul %x weight(%c, %s) {scheme = #q4, k = 64 : i64} : tensor<1x64xi8> weight tensor<32x64xi8>, tensor<32x2xf16> -> tensor<1x32xf32>
  return
}

// -----

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
func.func @matmul_scales(%x: tensor<1x64xf32>, %a: tensor<1x2xf32>, %c: tensor<32x64xi8>, %s: tensor<32x2xf16>) {
  // expected-error @+1 {{'quant_ext.matmul' op float activations have no scales}}
  %0 = quant_ext.matmul %x scales(%a) weight(%c, %s) {scheme = #q4, k = 64 : i64} : tensor<1x64xf32> scales tensor<1x2xf32> weight tensor<32x64xi8>, tensor<32x2xf16> -> tensor<1x32xf32>
  return
}

// -----

#f32 = #quant_ext.scheme<code = f32, bits = 32, scale = none, min = none>
func.func @matmul_float_weight(%x: tensor<1x64xi8>, %a: tensor<1x2xf32>, %c: tensor<32x64xf32>) {
  // expected-error @+1 {{'quant_ext.matmul' op int8 activations need a weight with integer codes}}
  %0 = quant_ext.matmul %x scales(%a) weight(%c) {scheme = #f32, k = 64 : i64} : tensor<1x64xi8> scales tensor<1x2xf32> weight tensor<32x64xf32> -> tensor<1x32xf32>
  return
}

// -----

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
func.func @matmul_features(%x: tensor<1x60xf32>, %c: tensor<32x64xi8>, %s: tensor<32x2xf16>) {
  // expected-error @+1 {{'quant_ext.matmul' op expected activations of 64 features, found 60}}
  %0 = quant_ext.matmul %x weight(%c, %s) {scheme = #q4, k = 64 : i64} : tensor<1x60xf32> weight tensor<32x64xi8>, tensor<32x2xf16> -> tensor<1x32xf32>
  return
}

// -----

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
func.func @matmul_rows(%x: tensor<1x64xf32>, %c: tensor<32x64xi8>, %s: tensor<32x2xf16>) {
  // expected-error @+1 {{'quant_ext.matmul' op operands and results must have the same rows}}
  %0 = quant_ext.matmul %x weight(%c, %s) {scheme = #q4, k = 64 : i64} : tensor<1x64xf32> weight tensor<32x64xi8>, tensor<32x2xf16> -> tensor<2x32xf32>
  return
}

// -----

#q4z = #quant_ext.scheme<code = integer, bits = 4, group = 32, scale = f16, min = zero_point>
func.func @matmul_sums(%x: tensor<1x64xf32>, %z: tensor<32x2xi8>, %c: tensor<32x64xi8>, %s: tensor<32x2xf16>) {
  // expected-error @+1 {{'quant_ext.matmul' op a scheme with minima or zero points needs sums of the activations}}
  %0 = quant_ext.matmul %x weight(%c, %s, %z) {scheme = #q4z, k = 64 : i64} : tensor<1x64xf32> weight tensor<32x64xi8>, tensor<32x2xf16>, tensor<32x2xi8> -> tensor<1x32xf32>
  return
}

// -----

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
func.func @matmul_weight(%x: tensor<1x64xf32>, %c: tensor<32x64xi8>, %s: tensor<32x2xf16>) {
  // expected-note @+2 {{expected tensor<2x2x4x16xi32>, tensor<2x2x16xf16>}}
  // expected-error @+1 {{'quant_ext.matmul' op weight components do not fit the scheme}}
  %0 = quant_ext.matmul %x weight(%c, %s) {scheme = #q4, k = 64 : i64, lanes = 16 : i64} : tensor<1x64xf32> weight tensor<32x64xi8>, tensor<32x2xf16> -> tensor<1x32xf32>
  return
}

// -----

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
func.func @gather_shape(%i: tensor<3xi32>, %c: tensor<32x64xi8>, %s: tensor<32x2xf16>) {
  // expected-error @+1 {{'quant_ext.gather_rows' op takes ids [T] and gives [T, K]}}
  %0 = quant_ext.gather_rows %i weight(%c, %s) {scheme = #q4, rows = 32 : i64, k = 64 : i64} : tensor<3xi32> weight tensor<32x64xi8>, tensor<32x2xf16> -> tensor<4x64xf32>
  return
}

// -----

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
func.func @gather_features(%i: tensor<3xi32>, %c: tensor<32x64xi8>, %s: tensor<32x2xf16>) {
  // expected-error @+1 {{'quant_ext.gather_rows' op expected a result of 64 features}}
  %0 = quant_ext.gather_rows %i weight(%c, %s) {scheme = #q4, rows = 32 : i64, k = 64 : i64} : tensor<3xi32> weight tensor<32x64xi8>, tensor<32x2xf16> -> tensor<3x32xf32>
  return
}

// -----

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
func.func @gather_weight(%i: tensor<3xi32>, %c: tensor<32x64xi8>, %s: tensor<32x2xf16>) {
  // expected-note @+2 {{expected tensor<33x64xi8>, tensor<33x2xf16>}}
  // expected-error @+1 {{'quant_ext.gather_rows' op weight components do not fit the scheme}}
  %0 = quant_ext.gather_rows %i weight(%c, %s) {scheme = #q4, rows = 33 : i64, k = 64 : i64} : tensor<3xi32> weight tensor<32x64xi8>, tensor<32x2xf16> -> tensor<3x64xf32>
  return
}

// -----

// expected-error @+1 {{scheme: a codebook of floats has 16 entries and codes of 4 bits}}
#s = #quant_ext.scheme<code = float_codebook, bits = 4, group = 32, scale = f16, min = none, floatCodebook = dense<[1.0, 2.0]> : tensor<2xf32>>

// -----

// expected-error @+1 {{scheme: a codebook without codebook codes}}
#s = #quant_ext.scheme<code = integer, bits = 4, group = 32, scale = f16, min = none, floatCodebook = dense<[1.0]> : tensor<1xf32>>

// -----

#nf4 = #quant_ext.scheme<code = float_codebook, bits = 4, group = 64, scale = f32, min = none, floatCodebook = dense<[-1.0, -0.6961928, -0.52507305, -0.3949175, -0.28444138, -0.18477343, -0.09105004, 0.0, 0.0795803, 0.1609302, 0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1.0]> : tensor<16xf32>>

func.func @no_integer_dot(%x: tensor<1x64xi8>, %a: tensor<1x2xf32>, %w: tensor<16x64xi8>, %s: tensor<16x1xf32>) {
  // expected-error @+1 {{'quant_ext.matmul' op int8 activations need a weight with integer codes}}
  %0 = quant_ext.matmul %x scales(%a) weight(%w, %s) {scheme = #nf4, k = 64 : i64} : tensor<1x64xi8> scales tensor<1x2xf32> weight tensor<16x64xi8>, tensor<16x1xf32> -> tensor<1x16xf32>
  return
}

// -----

// expected-error @+1 {{scheme: floatCodebook must have elements of type f32}}
#s = #quant_ext.scheme<code = float_codebook, bits = 4, group = 32, scale = f16, min = none, floatCodebook = dense<0.0> : tensor<16xf64>>

// -----

// expected-error @+1 {{scheme: a codebook has codes of 2 to 5 bits and an entry for each of them}}
#s = #quant_ext.scheme<code = codebook, bits = 6, group = 32, scale = f16, min = none, codebook = 1, 2, 3>

// -----

// expected-error @+1 {{scheme: super-blocks need groups, not one scale for a row}}
#s = #quant_ext.scheme<code = integer, bits = 4, scale = super, min = none>

// -----

func.func @static_scales(%x: tensor<3x64xf32>, %s: tensor<3xf32>) {
  // expected-error @+1 {{'quant_ext.quantize' op takes scales [T, groups], or static scales [groups] or [1]}}
  %0 = quant_ext.quantize %x, %s {group = 32 : i64} : tensor<3x64xf32>, tensor<3xf32> -> tensor<3x64xi8>
  return
}

// -----

func.func @static_group(%x: tensor<3x64xf32>, %s: tensor<1xf32>) {
  // expected-error @+1 {{'quant_ext.quantize' op takes a matrix with a static number of features, in groups}}
  %0 = quant_ext.quantize %x, %s {group = 0 : i64} : tensor<3x64xf32>, tensor<1xf32> -> tensor<3x64xi8>
  return
}

// -----

#q4 = #quant_ext.scheme<code = integer, bits = 4, group = 32, offset = 8, scale = f16, min = none>
func.func @static_matmul(%x: tensor<3x64xi8>, %a: tensor<3xf32>, %c: tensor<32x64xi8>, %s: tensor<32x2xf16>) {
  // expected-error @+1 {{'quant_ext.matmul' op static scales of activations are a vector of one element, or of one for each 32 features}}
  %0 = quant_ext.matmul %x scales(%a) weight(%c, %s) {scheme = #q4, k = 64 : i64} : tensor<3x64xi8> scales tensor<3xf32> weight tensor<32x64xi8>, tensor<32x2xf16> -> tensor<3x32xf32>
  return
}
