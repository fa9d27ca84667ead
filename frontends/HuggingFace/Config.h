//===- Config.h - config.json of a Hugging Face model
//-----------------------===//
//
// Both dialects: transformers 4 (rope_theta, rope_scaling) and 5
// (rope_parameters). Keys that are missing mean what the family's configuration
// class says.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_HUGGINGFACE_CONFIG_H
#define QCC_FRONTENDS_HUGGINGFACE_CONFIG_H

#include "frontends/LanguageModel/ModelConfig.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace qcc {

/// Reads `directory`/config.json and, if there, generation_config.json (more
/// end tokens). Errors: BadModel names the key; Unsupported for an unknown
/// architecture or activation, or a rotary embedding that is not implemented.
/// Whether the checkpoint is quantized is readQuantizationConfig's to say.
llvm::Expected<ModelConfig> readHfConfig(llvm::StringRef directory);

} // namespace qcc

#endif // QCC_FRONTENDS_HUGGINGFACE_CONFIG_H
