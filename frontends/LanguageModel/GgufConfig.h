//===- GgufConfig.h - Config of a language model from GGUF metadata
//--------===//
//
// The counterpart of HuggingFace/Config.h for GGUF files.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_LANGUAGEMODEL_GGUFCONFIG_H
#define QCC_FRONTENDS_LANGUAGEMODEL_GGUFCONFIG_H

#include "frontends/GGUF/GGUF.h"
#include "frontends/LanguageModel/ModelConfig.h"

namespace qcc {

/// Reads the metadata, and from the tensors what GGUF says by their presence:
/// biases and tied embeddings. Errors: BadModel names the key; Unsupported for
/// an unknown architecture or for features that change what the model computes.
llvm::Expected<ModelConfig> readGgufConfig(const GgufFile &);

} // namespace qcc

#endif // QCC_FRONTENDS_LANGUAGEMODEL_GGUFCONFIG_H
