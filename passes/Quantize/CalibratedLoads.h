//===- CalibratedLoads.h - Loads of what calibration will find -------------------===//
//
// What the passes share that leave values to calibration: the weight of a matmul, and an nn.weight
// beside it (dialects/NN/IR/CalibratedWeights.h) that is read for the same layer.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_PASSES_QUANTIZE_CALIBRATEDLOADS_H
#define QCC_PASSES_QUANTIZE_CALIBRATEDLOADS_H

#include "dialects/NN/IR/CalibratedWeights.h"
#include "dialects/NN/IR/NN.h"
#include "dialects/QuantExt/IR/QuantExt.h"
#include "mlir/IR/Builders.h"

namespace qcc {

/// What makes the components that a matmul reads, or null.
quant_ext::EncodeOp encodeOf(quant_ext::MatmulOp op);

/// The load of the weight that a matmul reads, or null when its components come from elsewhere.
nn::LoadWeightOp weightLoadOf(quant_ext::MatmulOp op);

/// Whether calibration looks at what a matmul's weight is multiplied with.
bool isObserved(quant_ext::MatmulOp op, mlir::SymbolTable &symbols);

/// Loads `what` of the weight that `load` reads, for the same instance; its nn.weight of type
/// `type` is made when there is none. The element type (f32 or i32) is the format, too.
mlir::Value loadBeside(mlir::OpBuilder &b, nn::LoadWeightOp load, llvm::StringRef what,
                       mlir::RankedTensorType type, mlir::SymbolTable &symbols);

} // namespace qcc

#endif // QCC_PASSES_QUANTIZE_CALIBRATEDLOADS_H
