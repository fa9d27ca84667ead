//===- TargetInfo.h - What schedules ask about the target ---------------------===//
//
// The only place that knows instruction sets. Schedules take the register tile and the dot
// product from here; a new CPU is a row in TargetInfo.cpp.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_PASSES_TARGET_TARGETINFO_H
#define QCC_PASSES_TARGET_TARGETINFO_H

#include "dialects/QuantExt/Codec/Scheme.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Operation.h"

namespace qcc {

/// Module attribute with the #llvm.target (triple, CPU, features) that is compiled for.
inline constexpr llvm::StringLiteral kTargetAttrName = "qcc.target";

/// Rows of a packed tile and lanes of a vector, on every target: narrower registers take a
/// tile in several.
inline constexpr int64_t kLanes = 16;

class TargetInfo {
public:
  /// Four-way products of bytes, summed into the 32-bit lane.
  enum class Dot {
    None,
    Maddubs,  ///< AVX2 vpmaddubsw + vpmaddwd
    VNNI256,  ///< vpdpbusd ymm
    VNNI512,  ///< vpdpbusd zmm
    NeonDot,  ///< sdot
  };

  /// From the `qcc.target` attribute of the module around `op`; without one, plain scalar code.
  static TargetInfo of(mlir::Operation *op);

  Dot dot = Dot::None;
  /// Tokens that a matmul kernel holds in registers, with int8 and with float activations.
  int64_t intColumns = 4, floatColumns = 4;
  bool isX86 = false, isArm = false, avx512 = false, avx2 = false, vbmi = false;

  /// What the kernel's weight bytes have been reduced by: they are u8 codes where the
  /// instruction takes them unsigned, and s8 (code - 128) where 8-bit codes must be signed.
  int64_t weightBias(const Scheme &scheme) const;

  /// acc + the four-way dot products of weight bytes and activation bytes. All vector<16xi32>;
  /// `wide`: the weights need all 8 bits and are signed when weightBias() is not 0.
  mlir::Value emitDot4(mlir::ImplicitLocOpBuilder &b, mlir::Value acc, mlir::Value weights,
                       mlir::Value acts, const Scheme &scheme) const;

  /// table[index] for each byte (below the table's size, 32 at most) of a vector<16xi32>, as bytes
  /// of the result.
  mlir::Value emitLookup(mlir::ImplicitLocOpBuilder &b, mlir::Value indices,
                         llvm::ArrayRef<int8_t> table) const;

  /// table[word & 15] for each word of a vector<16xi32>, 16 floats; vector<16xf32>. Bits 4 to 7 of
  /// a word are 0, others may be anything.
  mlir::Value emitFloatLookup(mlir::ImplicitLocOpBuilder &b, mlir::Value words,
                              llvm::ArrayRef<float> table) const;
};

} // namespace qcc

#endif // QCC_PASSES_TARGET_TARGETINFO_H
