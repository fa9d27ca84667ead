//===- CompiledProgram.h - A compiled module that runs inside the compiler ------------===//
//
// Calibration and the quality report run the same code that an artifact would: the module goes
// through all stages for this machine and is loaded by ORC. Its weights lie in a file without a name, so they can be
// replaced while it runs and their pages given back.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_CALIBRATION_COMPILEDPROGRAM_H
#define QCC_COMPILER_CALIBRATION_COMPILEDPROGRAM_H

#include "compiler/Codegen/ModelDescriptor.h"
#include "compiler/CompilerOptions.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include <memory>

namespace qcc {

class Model;

/// Makes a module (after Import) hand out what its observers see; with `layers` it has entry points
/// that run a range of its layers instead of all. Fails (Unsupported) for models that cannot be
/// calibrated; `path` is theirs.
llvm::Error prepareToWatch(mlir::ModuleOp module, llvm::StringRef path, bool layers);

class CompiledProgram {
public:
  /// Compiles `module` (after Import) for this machine and loads it. The module stays alive with the
  /// program and holds the weights' places. `jobs` threads run it.
  static llvm::Expected<std::unique_ptr<CompiledProgram>>
  create(mlir::OwningOpRef<mlir::ModuleOp> module, const Model &model,
         const CompilerOptions &options, unsigned jobs);
  ~CompiledProgram();

  mlir::ModuleOp module() const;
  /// What runs; entry points by name with their inputs and outputs.
  const ModelDescriptor &descriptor() const;
  const EntryDescriptor &entry(llvm::StringRef name) const;

  /// The most that an entry point needs for intermediate results, with the threads that run it.
  int64_t scratchBytes(llvm::StringRef entry) const;

  /// The weights, weightBytes(module()) bytes, zero until written.
  llvm::MutableArrayRef<uint8_t> weights() const;
  /// Gives back the memory of the pages within [offset, offset + size); what they hold stays.
  void dropPages(uint64_t offset, uint64_t size) const;

  /// Runs an entry point on all threads. `dims` in the order of its dimNames, inputs and outputs in its own order; the
  /// state (KV cache) stays between calls.
  /// `weights` take the place of the program's own for this call, unless empty.
  llvm::Error call(llvm::StringRef entry, llvm::ArrayRef<int64_t> dims,
                   llvm::ArrayRef<const void *> inputs, llvm::ArrayRef<void *> outputs,
                   llvm::ArrayRef<uint8_t> weights = {});

private:
  struct State;
  explicit CompiledProgram(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

} // namespace qcc

#endif // QCC_COMPILER_CALIBRATION_COMPILEDPROGRAM_H
