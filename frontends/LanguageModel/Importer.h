//===- Importer.h - A decoder model as tensor-level IR -----------------------===//
//
// From an opened language model to a module with the entry points `prefill`, `decode` and
// `head` (runtime/include/qcc/abi.h) over nn and linalg ops. Weights become symbols; layers of
// one kind share them and are rolled into one loop.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_LANGUAGEMODEL_IMPORTER_H
#define QCC_FRONTENDS_LANGUAGEMODEL_IMPORTER_H

#include "frontends/LanguageModel/LanguageModel.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace qcc {

struct LanguageModelImportOptions {
  int64_t context = 0;      ///< positions of the KV cache, a multiple of 16
  bool floatCache = false; ///< hold keys and values in f32 instead of f16
  bool int8Cache = false;  ///< hold them in int8, with an f32 scale for each token and head
  bool mergeAdapter = false; ///< into the weights, instead of beside them
};

/// Where keys, values and the scales of int8 ones begin in a program's state, in bytes, and last
/// the size of all.
std::vector<int64_t> stateLayout(const ModelConfig &config,
                                 const LanguageModelImportOptions &options);

/// Builds the module. The source was checked when it was opened, so this cannot fail on bad
/// files; the weights' bytes are not touched.
mlir::OwningOpRef<mlir::ModuleOp> importLanguageModel(mlir::MLIRContext *context,
                                                      const LanguageModelSource &source,
                                                      const LanguageModelImportOptions &options);

} // namespace qcc

#endif // QCC_FRONTENDS_LANGUAGEMODEL_IMPORTER_H
