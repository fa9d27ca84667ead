//===- QuantExt.h - The quant_ext dialect ------------------------------------===//
//
// Schemes as attributes, scales as operands: quantization of weights and activations.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_DIALECTS_QUANTEXT_IR_QUANTEXT_H
#define QCC_DIALECTS_QUANTEXT_IR_QUANTEXT_H

#include "dialects/QuantExt/Codec/Layout.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/QuantExt/IR/QuantExtDialect.h.inc"
#include "dialects/QuantExt/IR/QuantExtEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/QuantExt/IR/QuantExtAttrs.h.inc"

#define GET_OP_CLASSES
#include "dialects/QuantExt/IR/QuantExtOps.h.inc"

namespace qcc::quant_ext {

/// The tensor types of a matrix [n, k] in a scheme: in logical order [N, ..], or packed in
/// tiles of `lanes` rows.
llvm::SmallVector<mlir::RankedTensorType> logicalTypes(SchemeAttr scheme, int64_t n, int64_t k);
llvm::SmallVector<mlir::RankedTensorType> packedTypes(SchemeAttr scheme, int64_t n, int64_t k,
                                                      int64_t lanes);

} // namespace qcc::quant_ext

#endif // QCC_DIALECTS_QUANTEXT_IR_QUANTEXT_H
