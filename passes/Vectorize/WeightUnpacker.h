//===- WeightUnpacker.h - Codes, scales and minima from packed weights --------===//
//
// The code generator's view of dialects/QuantExt/Codec/Layout.h: IR that reads the components of a
// packed weight. The same code emits vectors (the 16 rows of a tile as lanes) or scalars (one row).
//
//===----------------------------------------------------------------------===//
#ifndef QCC_PASSES_VECTORIZE_WEIGHTUNPACKER_H
#define QCC_PASSES_VECTORIZE_WEIGHTUNPACKER_H

#include "dialects/QuantExt/Codec/Layout.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Target/TargetInfo.h"

namespace qcc {

class WeightUnpacker {
public:
  /// `tile` is the tile's number in the components; `lane` selects one row, or is null for all.
  WeightUnpacker(mlir::ImplicitLocOpBuilder &b, const Scheme &scheme, int64_t k,
                 mlir::ValueRange components, const TargetInfo &target, mlir::Value tile,
                 mlir::Value lane = {});

  /// The eight words of a unit, one code in each byte, as stored (codebooks not yet looked up).
  llvm::SmallVector<mlir::Value> quads(mlir::Value unit);

  /// Words of codes as TargetInfo::emitDot4 takes them: decoded and reduced by the weight bias.
  mlir::Value dotOperand(mlir::Value quad);

  /// Byte `i` of each word as float, decoded and less the offset: to be multiplied by the scale.
  mlir::Value unscaled(mlir::Value quad, int64_t i);

  /// Scale of the group that element `element` (0 or 16) of the unit is in.
  mlir::Value scale(mlir::Value unit, int64_t element);

  /// What is added for that group, or null if the scheme has no minima. Zero points are
  /// -scale * zero point.
  mlir::Value minimum(mlir::Value unit, int64_t element);

  /// Element k of a float scheme, as f32.
  mlir::Value floatValue(mlir::Value k);

private:
  mlir::Type like(mlir::Type element) const;
  mlir::Value splat(int64_t value);
  mlir::Value read(unsigned component, mlir::ValueRange middle);
  mlir::Value asFloat(mlir::Value v, bool isUnsigned = false);
  /// table[code] of one row.
  template <typename T>
  mlir::Value fromTable(mlir::Value code, llvm::ArrayRef<T> table, mlir::Type element);
  mlir::Value groupIndex(mlir::Value unit, int64_t element, unsigned size);

  mlir::ImplicitLocOpBuilder &b;
  Scheme scheme;
  mlir::ValueRange components;
  const TargetInfo &target;
  mlir::Value tile, lane;
  /// Position of each component among the operands; -1 when the scheme has none.
  int codes = -1, scales = -1, subScales = -1, mins = -1, subMins = -1, zeroPoints = -1;
};

} // namespace qcc

#endif // QCC_PASSES_VECTORIZE_WEIGHTUNPACKER_H
