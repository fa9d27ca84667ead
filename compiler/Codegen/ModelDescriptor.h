//===- ModelDescriptor.h - What the runtime is told of a compiled model -----------===//
//
// Collected from the module when its entry points take memrefs (after Bufferize), and emitted as the
// constant `qcc_model` of runtime/include/qcc/abi.h.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_CODEGEN_MODELDESCRIPTOR_H
#define QCC_COMPILER_CODEGEN_MODELDESCRIPTOR_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <string>
#include <vector>

namespace qcc {

struct TensorDescriptor {
  std::string name;
  int32_t type = 0;          ///< QccType
  std::vector<int64_t> dims; ///< as QccTensor::dims
};

struct EntryDescriptor {
  std::string name;
  std::vector<TensorDescriptor> inputs, outputs;
  std::vector<std::string> dimNames;
  std::vector<int64_t> dimMax;
};

struct LanguageModelDescriptor {
  int64_t vocabulary = 0, hidden = 0, context = 0, chunk = 0, stateBytes = 0;
};

struct ModelDescriptor {
  std::string name, features, info;
  int64_t weightBytes = 0;
  std::vector<EntryDescriptor> entries;
  std::optional<LanguageModelDescriptor> languageModel;
};

/// The QccType of a tensor's elements at the boundary; nothing for types that cannot cross it.
std::optional<int32_t> boundaryType(mlir::Type type);

/// The same of an argument of an entry point, which may be a tensor of unsigned integers.
std::optional<int32_t> boundaryType(mlir::func::FuncOp entry, unsigned argument);

/// The entry points of `module` after the Bufferize stage. Fails (Unsupported) for element types
/// that cannot cross the boundary.
llvm::Expected<std::vector<EntryDescriptor>> collectEntries(mlir::ModuleOp module);

/// Adds `qcc_model` to a module that defines qcc_<entry> and qcc_<entry>_sizes.
void emitModelDescriptor(llvm::Module &module, const ModelDescriptor &model);

} // namespace qcc

#endif // QCC_COMPILER_CODEGEN_MODELDESCRIPTOR_H
