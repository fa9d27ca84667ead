//===- ImportOnnx.h - An ONNX model as tensor-level IR ------------------------===//
//
// From a checked ONNX model to a module with one entry point `run` over nn, linalg and tensor ops.
// Weights become symbols that name their source tensor; sizes become arithmetic on the sizes of the
// inputs, so nothing downstream has a size that depends on data.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_ONNX_IMPORTONNX_H
#define QCC_FRONTENDS_ONNX_IMPORTONNX_H

#include "frontends/ONNX/OnnxModel.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringMap.h"

namespace qcc {

struct OnnxImportOptions {
  /// Shapes that the user gave, by name of the graph input; -1 keeps a dimension as it is.
  llvm::StringMap<llvm::SmallVector<int64_t>> shapes;
};

/// Builds `func.func @run` with `nn.entry`. Arguments and results carry `nn.input` or `nn.output`
/// (the name) and `nn.dims`: for each dynamic dimension, in order, the name of a symbolic dimension
/// or, where it is none, an expression such as "batch*seq" or "floordiv(seq, 2) + 1" (exact
/// grammar: DimExpr::str; spaces around + and -, none around *). `nn.unsigned` marks uint8,
/// which the IR has as i8. The function's `nn.dim_max` maps symbols to the largest value the model
/// allows. nn.weight sources are names of tensors in constantTensors().
///
/// Errors: Unsupported lists every node that cannot be compiled; BadModel names the node whose
/// attributes or shapes contradict the standard; WrongUse for shapes that do not fit the inputs;
/// Internal when the built IR does not verify.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> importOnnx(mlir::MLIRContext *context,
                                                             const OnnxModel &model,
                                                             const OnnxImportOptions &options = {});

/// All tensors that weights may come from: initializers, and the tensors of Constant nodes under
/// the name of the node's output. Views of the model's data; the model must outlive them.
llvm::Expected<TensorTable> constantTensors(const OnnxModel &model);

} // namespace qcc

#endif // QCC_FRONTENDS_ONNX_IMPORTONNX_H
