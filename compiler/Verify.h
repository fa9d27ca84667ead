//===- Verify.h - A compiled program against its float model --------------------------------===//
#ifndef QCC_COMPILER_VERIFY_H
#define QCC_COMPILER_VERIFY_H

#include "compiler/Report/Comparison.h"
#include "llvm/Support/Error.h"

namespace qcc {

struct VerifyRequest {
  std::string artifact, model, text;
  int64_t windows = 40, window = 512;
  bool quiet = false;
  unsigned jobs = 0;
};

/// Runs the first windows of a text through the artifact (a language model that runs on this machine) and through the
/// float model, and compares what they say of the second half of each window, as llama.cpp's perplexity tool scores. Errors: as of
/// the compiler, and whatever ends the artifact.
llvm::Expected<Quality> verify(const VerifyRequest &request);

} // namespace qcc

#endif // QCC_COMPILER_VERIFY_H
