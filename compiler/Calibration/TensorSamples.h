//===- TensorSamples.h - Inputs of a tensor model to calibrate on --------------------------===//
//
// -calib of an ONNX model names a directory of .npy files or a .npz archive. NAME.npy is the input
// NAME of the only sample; SAMPLE.in.NAME.npy that of one of several. Whatever an archive calls
// SAMPLE.out.NAME is left alone, so files of golden inputs and outputs can be used as they are.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_CALIBRATION_TENSORSAMPLES_H
#define QCC_COMPILER_CALIBRATION_TENSORSAMPLES_H

#include "mlir/IR/BuiltinOps.h"
#include "runtime/src/Npy.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace qcc {

/// An input of a graph, as calibration needs to know it.
struct GraphInput {
  std::string name;
  int32_t type = 0;                 ///< QccType
  std::vector<int64_t> dims;        ///< -1: any
  std::vector<std::string> symbols; ///< a name for each dimension; empty where it has none
};

/// The inputs of entry point `run`, after Import. Fails (Unsupported) for types that cannot cross
/// the boundary.
llvm::Expected<std::vector<GraphInput>> graphInputs(mlir::ModuleOp module);

/// One set of inputs, in the graph's order.
struct TensorSample {
  std::string name; ///< empty for the only one
  std::vector<rt::Array> inputs;
};

/// Reads all samples, by name (case2 before case10). Fails (WrongUse) when there is none, when one
/// lacks an input, has it twice or has another that the model does not know, when a type or a shape
/// does not fit, and for NaN and infinity.
llvm::Expected<std::vector<TensorSample>> readSamples(llvm::StringRef path,
                                                      llvm::ArrayRef<GraphInput> inputs);

/// Samples of equal shapes: indices of them, in order.
std::vector<std::vector<size_t>> groupByShapes(llvm::ArrayRef<TensorSample> samples);

} // namespace qcc

#endif // QCC_COMPILER_CALIBRATION_TENSORSAMPLES_H
