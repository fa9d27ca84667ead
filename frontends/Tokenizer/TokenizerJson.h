//===- TokenizerJson.h - tokenizer.json -----------------------------------===//
//
// The part of readTokenizerDirectory that looks at tokenizer.json alone.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_TOKENIZER_TOKENIZERJSON_H
#define QCC_FRONTENDS_TOKENIZER_TOKENIZERJSON_H

#include "frontends/Common/Json.h"
#include "frontends/Tokenizer/TokenizerBuilder.h"

namespace qcc {

/// What `root`, the content of the file `path`, describes. Begin, end and stop
/// tokens are in other files. Fails with BadModel, or Unsupported with all
/// unknown parts.
llvm::Expected<TokenizerSpec> readTokenizerJson(llvm::StringRef path, const nlohmann::json &root);

} // namespace qcc

#endif // QCC_FRONTENDS_TOKENIZER_TOKENIZERJSON_H
