//===- ImportScalar.h - What elementwise operators share -------------------===//
//
// Scalar constants, and evaluation of operators on elements that are known at import. Internal to
// the ONNX importer.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_ONNX_IMPORTSCALAR_H
#define QCC_FRONTENDS_ONNX_IMPORTSCALAR_H

#include "frontends/ONNX/ImportNode.h"

namespace qcc::import_onnx {

/// A constant of `like`'s type.
mlir::Value number(mlir::ImplicitLocOpBuilder &b, mlir::Value like, double v);

/// Whether x < y, when the bounds of the symbols decide it.
std::optional<bool> lessThan(const DimExpr &x, const DimExpr &y);

/// The sizes, when none is symbolic.
std::optional<llvm::SmallVector<int64_t>> staticShape(const Dims &dims);

/// Elements of the result, of dimensions `dims`, when those of all operands are known and
/// `evaluate` gives a valid expression for each.
std::optional<std::vector<DimExpr>>
evaluateAll(Node &n, llvm::ArrayRef<Operand *> operands, const Dims &dims,
            llvm::function_ref<DimExpr(llvm::ArrayRef<DimExpr>)> evaluate);

} // namespace qcc::import_onnx

#endif // QCC_FRONTENDS_ONNX_IMPORTSCALAR_H
