// RUN: qcc-opt %s --split-input-file --qcc-quantize-weights | FileCheck %s --check-prefix=KEEP
// RUN: qcc-opt %s --split-input-file --qcc-quantize-weights=bits=32 | FileCheck %s --check-prefix=B32
// RUN: qcc-opt %s --split-input-file --qcc-quantize-weights=bits=16 | FileCheck %s --check-prefix=B16
// RUN: qcc-opt %s --split-input-file --qcc-quantize-weights=bits=4 | FileCheck %s --check-prefix=B4
// RUN: qcc-opt %s --split-input-file --qcc-quantize-weights="bits=3 group=64 asymmetric=true" | FileCheck %s --check-prefix=B3A

// What the file has is kept exactly; asked for bits, matrices are rounded to nearest.

nn.weight @w : tensor<32x64xbf16> sources ["w"] format "bf16" order "natural"

// KEEP-LABEL: func.func @linear
// KEEP: quant_ext.encode {{.*}}method = "keep", {{.*}}code = bf16, bits = 16{{.*}} -> tensor<32x64xbf16>
// KEEP: quant_ext.matmul %{{.*}} weight(%{{.*}}) {k = 64 : i64{{.*}} -> tensor<?x32xf32>
// KEEP-NOT: nn.linear

// B32-LABEL: func.func @linear
// B32: quant_ext.encode {{.*}}code = f32, bits = 32{{.*}} -> tensor<32x64xf32>

// B16-LABEL: func.func @linear
// B16: quant_ext.encode {{.*}}code = bf16, bits = 16{{.*}} -> tensor<32x64xbf16>

// B4-LABEL: func.func @linear
// B4: %[[C:.*]]:2 = quant_ext.encode {{.*}}method = "rtn", {{.*}}bits = 4, group = 32, offset = 8, scale = f16, min = none{{.*}} -> tensor<32x64xi8>, tensor<32x2xf16>
// B4: quant_ext.matmul %arg0 weight(%[[C]]#0, %[[C]]#1)

// B3A-LABEL: func.func @linear
// B3A: %[[C:.*]]:3 = quant_ext.encode {{.*}}bits = 3, group = 64, scale = f16, min = zero_point{{.*}} -> tensor<32x64xi8>, tensor<32x1xf16>, tensor<32x1xi8>
// B3A: %[[S:.*]] = quant_ext.group_sums %arg0 {group = 32 : i64} : tensor<?x64xf32> -> tensor<?x2xf32>
// B3A: quant_ext.matmul %arg0 sums(%[[S]]) weight(%[[C]]#0, %[[C]]#1, %[[C]]#2)
func.func @linear(%x: tensor<?x64xf32>) -> tensor<?x32xf32> {
  %w = nn.load_weight @w : tensor<32x64xbf16>
  %y = nn.linear %x, %w : tensor<?x64xf32>, tensor<32x64xbf16> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// -----

// The tables at a model's ends keep 8 bits, symmetric, whatever the rest has.

nn.weight @table : tensor<32x64xf16> sources ["w"] format "f16" order "natural" {role = "embedding"}

// KEEP-LABEL: func.func @embedding
// KEEP: quant_ext.gather_rows %arg0 weight(%{{.*}}) {k = 64 : i64, rows = 32 : i64{{.*}} : tensor<?xi32> weight tensor<32x64xf16> -> tensor<?x64xf32>

// B4-LABEL: func.func @embedding
// B4: quant_ext.encode {{.*}}bits = 8, group = 32, offset = 128, scale = f16, min = none

// B3A-LABEL: func.func @embedding
// B3A: quant_ext.encode {{.*}}bits = 8, group = 32, offset = 128, scale = f16, min = none
// B3A-NOT: nn.embedding
func.func @embedding(%ids: tensor<?xi32>) -> tensor<?x64xf32> {
  %w = nn.load_weight @table : tensor<32x64xf16>
  %y = nn.embedding %ids, %w : tensor<?xi32>, tensor<32x64xf16> -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// -----

// A GGUF format is a scheme of its own.

nn.weight @k : tensor<32x256xf32> sources ["w"] format "q6_k" order "natural"

// KEEP-LABEL: func.func @blocks
// KEEP: quant_ext.encode {{.*}}bits = 6, group = 16, offset = 32, scale = super, min = none, superSize = 256{{.*}} -> tensor<32x256xi8>, tensor<32x1xf16>, tensor<32x16xi8>
func.func @blocks(%x: tensor<1x256xf32>) -> tensor<1x32xf32> {
  %w = nn.load_weight @k : tensor<32x256xf32>
  %y = nn.linear %x, %w : tensor<1x256xf32>, tensor<32x256xf32> -> tensor<1x32xf32>
  return %y : tensor<1x32xf32>
}

// -----

// A layer that another tool quantized keeps its own scheme; with bits it gets the one asked for.

#own = #quant_ext.scheme<code = integer, bits = 3, group = 64, scale = f32, min = zero_point>
nn.weight @w : tensor<32x64xf32> sources ["m.q_proj"] format "gptq" order "natural" {source_scheme = #own}

// KEEP-LABEL: func.func @packed
// KEEP: quant_ext.encode {{.*}}method = "keep", {{.*}}bits = 3, group = 64, scale = f32, min = zero_point{{.*}} -> tensor<32x64xi8>, tensor<32x1xf32>, tensor<32x1xi8>

// B4-LABEL: func.func @packed
// B4: quant_ext.encode {{.*}}method = "rtn", {{.*}}bits = 4, group = 32
func.func @packed(%x: tensor<?x64xf32>) -> tensor<?x32xf32> {
  %w = nn.load_weight @w : tensor<32x64xf32>
  %y = nn.linear %x, %w : tensor<?x64xf32>, tensor<32x64xf32> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// -----

// Factors of an adapter keep their precision.

nn.weight @a : tensor<4x64xf32> sources ["a"] format "f32" order "natural" {role = "adapter"}

// B4-LABEL: func.func @adapter
// B4: quant_ext.encode {{.*}}method = "keep", {{.*}}code = f32, bits = 32
func.func @adapter(%x: tensor<?x64xf32>) -> tensor<?x4xf32> {
  %w = nn.load_weight @a : tensor<4x64xf32>
  %y = nn.linear %x, %w : tensor<?x64xf32>, tensor<4x64xf32> -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
