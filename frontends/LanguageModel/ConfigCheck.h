//===- ConfigCheck.h - Do the numbers of a config agree?
//-------------------===//
//
// The checks that Hugging Face configs and GGUF metadata share. Messages use
// the names that the numbers have in the file at hand.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_LANGUAGEMODEL_CONFIGCHECK_H
#define QCC_FRONTENDS_LANGUAGEMODEL_CONFIGCHECK_H

#include "frontends/LanguageModel/ModelConfig.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace qcc {

/// The largest size that a config may give, and the largest number of layers.
constexpr int64_t kMaxSize = INT32_MAX, kMaxLayers = 10000;

/// What the file calls the values that messages name.
struct ConfigKeys {
  std::string hidden, heads, kvHeads, headDim, layers, bos, theta, factor;
};

/// BadModel unless: heads divide hidden where headDim is not given, kv heads
/// divide heads, head size is even, products fit, the rotary embedding is well
/// defined. A headDim of 0 stands for hidden / heads and is filled in, as are
/// rope.dims.
llvm::Error completeConfig(ModelConfig &, llvm::StringRef path,
                           const ConfigKeys &);

} // namespace qcc

#endif // QCC_FRONTENDS_LANGUAGEMODEL_CONFIGCHECK_H
