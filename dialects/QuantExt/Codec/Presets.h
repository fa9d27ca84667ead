//===- Presets.h - The schemes that have names ----------------------------===//
//
// Schemes are values; these functions build the ones that files and command
// lines ask for: plain floats, integer and non-linear grids, and the block
// formats of GGUF.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_DIALECTS_QUANTEXT_CODEC_PRESETS_H
#define QCC_DIALECTS_QUANTEXT_CODEC_PRESETS_H

#include "dialects/QuantExt/Codec/Scheme.h"
#include <optional>
#include <string_view>

namespace qcc {

/// The GGUF tensor types that have a scheme, with the numbers files use.
enum class GgufType : uint32_t {
  F32 = 0,
  F16 = 1,
  Q4_0 = 2,
  Q4_1 = 3,
  Q5_0 = 6,
  Q5_1 = 7,
  Q8_0 = 8,
  Q2_K = 10,
  Q3_K = 11,
  Q4_K = 12,
  Q5_K = 13,
  Q6_K = 14,
  IQ4_NL = 20,
  IQ4_XS = 23,
  BF16 = 30,
};

/// Weights held as floats. `kind` is F32, F16 or BF16.
Scheme floatScheme(CodeKind kind);

/// An integer grid of 2..8 bits; groups of `groupSize` elements (0: a whole
/// row) share a binary16 scale. Symmetric grids subtract 2^(bits-1) (8 bits:
/// the quantizer uses codes 1..255, so -127..127); asymmetric ones have a zero
/// point for each group.
Scheme integerScheme(unsigned bits, unsigned groupSize, bool asymmetric);

/// A non-linear grid of 2 to 5 bits; groups of `groupSize` elements share a
/// binary16 scale, or with `superScales` an int8 of it. Its entries are dense
/// where weights are: GGUF's IQ4_NL at 4 bits; else the quantizer with the least
/// mean square error (S. Lloyd, Least squares quantization in PCM, 1982) of groups
/// of 32 (2 bits: 16) normal numbers, each with its own best scale of either sign.
Scheme codebookScheme(unsigned bits, unsigned groupSize, bool superScales);

/// The same scheme with scales that are an int8 for each group and a binary16
/// for each row: half the bytes. `scheme` has groups with binary16 scales.
Scheme withSuperScales(Scheme scheme);

/// NF4 (Dettmers et al. 2023, QLoRA, section 3 and appendix E): 16 quantiles of the normal
/// distribution from -1 to 1, with 0 among them; groups of `groupSize` (64 there) along K share their
/// absolute maximum, in binary16. With `superScales` it is the double quantization that a Scheme can
/// hold: 8 bits for each maximum and a binary16 for the row. (bitsandbytes subtracts the mean before
/// and uses a dynamic 8-bit map in blocks of 256: the same bytes, another step.)
Scheme nf4Scheme(unsigned groupSize, bool superScales);

/// Families of grids.
enum class GridKind : uint8_t {
  Integer,  ///< equidistant
  Codebook, ///< denser around zero, up to 5 bits
  Nf4,      ///< nf4Scheme, 4 bits
  KQuant,   ///< GGUF's super-blocks of 256: Q2_K to Q6_K
};

/// "integer", "codebook", "nf4" or "kquant".
std::string_view gridName(GridKind kind);
std::optional<GridKind> gridOfName(std::string_view name);

/// A grid as the command line and recipes name it.
struct GridChoice {
  unsigned bits = 4;        ///< 2 .. 8, or 16 for binary16 values
  unsigned group = 32;      ///< weights that share a scale; 0: a row. KQuant has its own
  bool asymmetric = false;  ///< zero points (integer grids below 8 bits)
  GridKind kind = GridKind::Integer; ///< Codebook stands for Integer where there is none
  bool superScales = false; ///< scales of groups in int8, with a binary16 for each row
  bool operator==(const GridChoice &o) const;
};

/// Empty when there is a scheme for it, else why not.
std::string checkGrid(const GridChoice &choice);
Scheme gridScheme(const GridChoice &choice);

/// The scheme that holds a GGUF block format exactly.
Scheme ggufScheme(GgufType type);

} // namespace qcc

#endif // QCC_DIALECTS_QUANTEXT_CODEC_PRESETS_H
