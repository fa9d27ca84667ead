//===- Int8Matmul.h - A matmul with int8 activations ---------------------------===//
//
// What the passes that quantize activations share: which matmuls can take int8, and the operations
// around one that does.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_PASSES_QUANTIZE_INT8MATMUL_H
#define QCC_PASSES_QUANTIZE_INT8MATMUL_H

#include "dialects/QuantExt/IR/QuantExt.h"
#include "passes/Target/TargetInfo.h"

namespace qcc {

/// Whether a matmul has float activations and integer or codebook weights, and the target a dot
/// product of bytes.
bool takesInt8(quant_ext::MatmulOp op, const TargetInfo &target);

/// Replaces `op` by one with int8 activations: scaled in groups of 32 by their own largest
/// magnitudes, or by `staticScale` (f32 [ceil(K / 32)], or [1] for all) when it is given.
void rewriteToInt8(quant_ext::MatmulOp op, const TargetInfo &target, mlir::Value staticScale = {});

} // namespace qcc

#endif // QCC_PASSES_QUANTIZE_INT8MATMUL_H
