//===- Layout.h - The packed order of a quantized matrix -------------------===//
//
// What the generated kernels read. Lanes are rows: a tile is `lanes` rows of W, and one
// 32-bit word of a lane holds codes of four neighbours along K (a quad), so a dot product
// instruction multiplies it with a broadcast quad of activations, without shuffles and
// without horizontal sums. The same order serves float activations (shift, mask, convert).
//
// For W[N, K] with T = ceil(N / lanes), U = ceil(K / 32) units, G groups, S super-blocks (1 where
// the row is one):
//
//   component   element  shape                  present when
//   codes       i32      [T, U, bits, lanes]    Integer, codebooks
//   codes       f16 ..   [T, K, lanes]          float codes (f32 / f16 / bf16)
//   scales      f16/f32  [T, G, lanes]          ScaleKind::F16 / F32
//   scales      f16      [T, S, lanes]          ScaleKind::Super (d)
//   sub-scales  i8       [T, G, lanes]          ScaleKind::Super
//   mins        f16      [T, G, lanes]          MinKind::F16
//   mins        f16      [T, S, lanes]          MinKind::Super (dmin)
//   sub-mins    i8       [T, G, lanes]          MinKind::Super (0..63)
//   zero points i8       [T, G, lanes]          MinKind::ZeroPoint (unsigned)
//
// The `bits` words of a unit are bit planes, widest first: 8 = P8, 7 = P4 P2 P1, 6 = P4 P2,
// 5 = P4 P1, 4 = P4, 3 = P2 P1, 2 = P2. Quad q of the unit is k = 32u + 4q + b, b = 0..3,
// in byte b (bits 8b ..) of the word:
//
//   P8 word q             : the code
//   P4 word w, w = 0..3   : low nibble quad 2w, high nibble quad 2w+1
//   P2 word w, w = 0..1   : bits 2c .. 2c+2 quad 4w + c, c = 0..3
//   P1 word 0             : bit q quad q
//
// A code is the concatenation of its planes, the widest plane holding the lowest bits.
// Rows past N and elements past K have code = offset clamped to 0..2^bits-1 and scale 0
// past N; elements past K multiply activations that are zero.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_DIALECTS_QUANTEXT_CODEC_LAYOUT_H
#define QCC_DIALECTS_QUANTEXT_CODEC_LAYOUT_H

#include "dialects/QuantExt/Codec/Scheme.h"

namespace qcc {

/// K elements of a unit, K elements of a quad.
constexpr int64_t kUnit = 32, kQuad = 4;

/// Width and place of one bit plane of a scheme's codes.
struct BitPlane {
  unsigned width;     ///< 8, 4, 2 or 1 bits
  unsigned firstWord; ///< index of its first word in the unit
  unsigned shift;     ///< where its bits go in the code
};

/// The planes of a code of `bits` bits, widest first.
std::vector<BitPlane> bitPlanes(unsigned bits);

/// Elements of K whose integer products are summed before they are scaled: the part of a unit that
/// has one weight scale, or with one scale for all activations the whole padded row, where the
/// weights have one too and 32 bits hold the sum.
int64_t intSumLength(const Scheme &, int64_t k, bool oneActivationScale);

/// One component of a packed matrix.
struct Component {
  enum class Element : uint8_t { I8, I32, F16, BF16, F32 };
  std::string name; ///< "codes", "scales", "sub_scales", "mins", "sub_mins", "zero_points"
  Element element;
  std::vector<int64_t> shape;
  int64_t bytes() const; ///< -1 when the size does not fit
};

/// The components of a packed W[n, k], in operand order.
std::vector<Component> packedComponents(const Scheme &, int64_t n, int64_t k, int64_t lanes);

/// The bytes of one tile (`lanes` rows) of each component. Tiles follow one
/// another, so tile t of component i begins at t * tileBytes[i].
std::vector<int64_t> tileBytes(const Scheme &, int64_t k, int64_t lanes);

/// Packs the rows of `rows` as ceil(n / lanes) consecutive tiles. out[i] is
/// where the first of them goes in component i, aligned as its elements are and
/// with room for all. This is how a large weight is packed with little memory:
/// a few tiles' rows at a time, each into its place. Only the last rows of the
/// matrix may fill a tile in part.
void packTiles(const QuantizedMatrix &rows, int64_t lanes,
               const std::vector<uint8_t *> &out);

/// The packed bytes of each component, in the same order.
std::vector<std::vector<uint8_t>> pack(const QuantizedMatrix &, int64_t lanes);

/// The inverse of pack.
QuantizedMatrix unpack(const Scheme &, int64_t n, int64_t k, int64_t lanes,
                       const std::vector<std::vector<uint8_t>> &components);

} // namespace qcc

#endif // QCC_DIALECTS_QUANTEXT_CODEC_LAYOUT_H
