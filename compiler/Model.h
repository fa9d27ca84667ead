//===- Model.h - An opened model of any kind -------------------------------------------===//
//
// What the driver needs of a language model or an ONNX graph, whatever file it came from: its IR, its
// tensors, its tokenizer, and what the runtime is told.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_MODEL_H
#define QCC_COMPILER_MODEL_H

#include "compiler/Codegen/ModelDescriptor.h"
#include "compiler/CompilerOptions.h"
#include "compiler/Weights/WeightSource.h"
#include "mlir/IR/OwningOpRef.h"

namespace qcc {

class Model {
public:
  virtual ~Model() = default;

  /// Builds the IR. A model can be imported several times, for other options (an ONNX graph depends on
  /// their shapes alone).
  virtual llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> import(mlir::MLIRContext *,
                                                                   const CompilerOptions &) = 0;
  /// Where the weights' recipes find their sources.
  virtual WeightFiles files() const = 0;
  /// Fills in what only this kind of model has.
  virtual void describe(const CompilerOptions &, ModelDescriptor &) const = 0;

  /// Whether it is a graph over tensors, with one entry point `run`.
  virtual bool isGraph() const = 0;

  std::string name;
  std::vector<uint8_t> tokenizer; ///< the blob of runtime/text; empty without one
  std::string chatTemplate;
  std::vector<std::string> warnings; ///< what the user should know of this model and these options
};

/// Whether a file is a tensor model, by its name; all else is a language model.
bool isOnnx(llvm::StringRef path);

/// Opens a model file or directory, or `org/name` in the hub cache.
llvm::Expected<std::unique_ptr<Model>> openModel(llvm::StringRef path, const CompilerOptions &);

/// What is inside, as text.
llvm::Expected<std::string> inspectModel(llvm::StringRef path);

} // namespace qcc

#endif // QCC_COMPILER_MODEL_H
