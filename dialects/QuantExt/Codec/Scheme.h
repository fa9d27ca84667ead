//===- Scheme.h - How a weight matrix is held as numbers -------------------===//
//
// A scheme says how a float matrix W[N, K] is represented by codes, scales and
// minima. Every precision qcc runs (float, integer grids, codebooks, GGUF's block
// formats) is one value of this struct; the packer, the scalar reference and the
// code generator are written once, over its fields.
//
// No MLIR here: the dialect's #quant_ext.scheme attribute converts to and from it.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_DIALECTS_QUANTEXT_CODEC_SCHEME_H
#define QCC_DIALECTS_QUANTEXT_CODEC_SCHEME_H

#include <cstdint>
#include <string>
#include <vector>

namespace qcc {

/// What a code of the matrix is.
enum class CodeKind : uint8_t {
  F32,           ///< the value itself, 32 bits
  F16,           ///< the value itself, IEEE binary16
  BF16,          ///< the value itself, bfloat16
  Integer,       ///< unsigned integer of `bits` bits
  Codebook,      ///< index into `codebook` (2^bits entries of int8; `bits` is 2 to 5)
  FloatCodebook, ///< index into `floatCodebook` (16 floats; `bits` is 4, no offset)
};

/// How the scale of a group is held.
enum class ScaleKind : uint8_t {
  None,  ///< float codes have none
  F16,   ///< one binary16 for each group
  F32,   ///< one binary32 for each group
  Super, ///< binary16 `d` for each super-block times an int8 for each group
};

/// What is added after scaling.
enum class MinKind : uint8_t {
  None,
  F16,       ///< one binary16 for each group, added
  Super,     ///< minus (binary16 `dmin` of the super-block times a uint8 of the group)
  ZeroPoint, ///< a uint8 for each group is subtracted from the code before scaling
};

/// The value of code c in group g (super-block s) of a row is
///
///     scale(g) * (decode(c) - offset) + min(g)
///
/// decode(c)  = c for Integer, codebook[c] for Codebook,
///              floatCodebook[c] for FloatCodebook
/// scale(g)   = scale[g]                       (ScaleKind::F16 / F32, as float)
///            = d[s] * subScale[g]             (ScaleKind::Super; one float32 product)
/// min(g)     = 0 | min[g] | -(dmin[s] * subMin[g])
/// ZeroPoint  : scale(g) * (c - zeroPoint[g]); offset is 0
///
/// All arithmetic is float32, in the order written, so that the GGUF formats come
/// out bit-exact. Groups run along K; the last group of a row may be shorter.
struct Scheme {
  CodeKind code = CodeKind::F32;
  unsigned bits = 32;     ///< bits of a code: 2..8, or 16 / 32 for float codes
  unsigned groupSize = 0; ///< K elements that share a scale: a multiple of 16; 0: the row
  int offset = 0;         ///< subtracted from the decoded code
  ScaleKind scale = ScaleKind::None;
  MinKind min = MinKind::None;
  unsigned superSize = 0; ///< K elements of a super-block: a multiple of groupSize; 0: the row
  std::vector<int8_t> codebook;     ///< 2^bits entries for CodeKind::Codebook, else empty
  std::vector<float> floatCodebook; ///< 16 finite entries for FloatCodebook, else empty

  bool isFloat() const {
    return code == CodeKind::F32 || code == CodeKind::F16 || code == CodeKind::BF16;
  }
  bool operator==(const Scheme &o) const;

  /// Bits for each weight with everything that belongs to it, without padding.
  double bitsPerWeight(int64_t k) const;

  /// Empty when the fields agree with each other, else what is wrong.
  std::string check() const;
};

/// Elements of a 32-wide unit of K that have one scale: 32, or 16 where groups are no multiples of
/// 32. Sums of activations go by the same parts.
int64_t unitPart(const Scheme &);

/// Number of groups / super-blocks in a row of K elements.
int64_t numGroups(const Scheme &, int64_t k);
int64_t numSuperBlocks(const Scheme &, int64_t k);

/// A matrix in logical (unpacked) order. Which vectors are filled follows from the scheme.
struct QuantizedMatrix {
  Scheme scheme;
  int64_t n = 0, k = 0;
  std::vector<uint8_t> codes;     ///< [N, K], one code a byte (Integer, codebooks)
  std::vector<float> values;      ///< [N, K] (float codes, already rounded to the code type)
  std::vector<float> scales;      ///< [N, G] (F16: exactly representable in binary16; F32)
  std::vector<float> superScales; ///< [N, S] d
  std::vector<int8_t> subScales;  ///< [N, G]
  std::vector<float> mins;        ///< [N, G] (MinKind::F16)
  std::vector<float> superMins;   ///< [N, S] dmin
  std::vector<uint8_t> subMins;   ///< [N, G]
  std::vector<uint8_t> zeroPoints; ///< [N, G]
};

} // namespace qcc

#endif // QCC_DIALECTS_QUANTEXT_CODEC_SCHEME_H
