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
  int64_t context = 0;       ///< positions of the KV cache, a multiple of 16
  bool floatCache = false;   ///< hold keys and values in f32 instead of f16
  bool mergeAdapter = false; ///< into the weights, instead of beside them

  int64_t cacheElementBytes() const { return floatCache ? 4 : 2; }
};

/// Builds the module. The source was checked when it was opened, so this cannot fail on bad
/// files; the weights' bytes are not touched.
mlir::OwningOpRef<mlir::ModuleOp> importLanguageModel(mlir::MLIRContext *context,
                                                      const LanguageModelSource &source,
                                                      const LanguageModelImportOptions &options);

} // namespace qcc

#endif // QCC_FRONTENDS_LANGUAGEMODEL_IMPORTER_H
