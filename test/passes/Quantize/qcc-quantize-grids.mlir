// RUN: qcc-opt %s --qcc-quantize-weights="bits=3 grid=codebook" | FileCheck %s --check-prefix=BOOK
// RUN: qcc-opt %s --qcc-quantize-weights="bits=2 group=16 grid=codebook super-scales=true" | FileCheck %s --check-prefix=BOTH
// RUN: qcc-opt %s --qcc-quantize-weights="bits=4 super-scales=true" | FileCheck %s --check-prefix=SUPER
// RUN: qcc-opt %s --qcc-quantize-weights="bits=6 grid=codebook" | FileCheck %s --check-prefix=WIDE
// RUN: qcc-opt %s --qcc-quantize-weights="bits=4 group=64 grid=nf4 super-scales=true" | FileCheck %s --check-prefix=NF
// RUN: qcc-opt %s --qcc-quantize-weights="bits=4 grid=kquant" | FileCheck %s --check-prefix=K4
// RUN: not qcc-opt %s --qcc-quantize-weights="bits=4 grid=log" 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not qcc-opt %s --qcc-quantize-weights="bits=7 grid=kquant" 2>&1 | FileCheck %s --check-prefix=SEVEN

// UNKNOWN: error: no grid is called 'log'
// SEVEN: error: kquant has 2 to 6 bits

// Non-linear grids, and int8 scales with one binary16 for each row of 96 weights.

nn.weight @w : tensor<32x96xf32> sources ["w"] format "f32" order "natural"

// BOOK: quant_ext.encode {{.*}}code = codebook, bits = 3, group = 32, scale = f16, min = none, codebook = -127, -77, -45, -18, 7, 33, 63, 104>{{.*}} -> tensor<32x96xi8>, tensor<32x3xf16>
// BOTH: quant_ext.encode {{.*}}code = codebook, bits = 2, group = 16, scale = super, min = none, codebook = -127, -43, 16, 85>{{.*}} -> tensor<32x96xi8>, tensor<32x1xf16>, tensor<32x6xi8>
// SUPER: quant_ext.encode {{.*}}code = integer, bits = 4, group = 32, offset = 8, scale = super, min = none>{{.*}} -> tensor<32x96xi8>, tensor<32x1xf16>, tensor<32x3xi8>
// NF: quant_ext.encode {{.*}}code = float_codebook, bits = 4, group = 64, scale = super, min = none, floatCodebook = {{.*}} -> tensor<32x96xi8>, tensor<32x1xf16>, tensor<32x2xi8>
// K4: quant_ext.encode {{.*}}code = integer, bits = 4, group = 32, scale = super, min = super, superSize = 256
// There are no codebooks of more than 5 bits.
// WIDE: quant_ext.encode {{.*}}code = integer, bits = 6
func.func @linear(%x: tensor<?x96xf32>) -> tensor<?x32xf32> {
  %w = nn.load_weight @w : tensor<32x96xf32>
  %y = nn.linear %x, %w : tensor<?x96xf32>, tensor<32x96xf32> -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
