//===- EmitError.h - Errors of writing an artifact
//--------------------------===//
//
// Short names for the ModelError of each exit code that emission ends with.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_EMIT_EMITERROR_H
#define QCC_COMPILER_EMIT_EMITERROR_H

#include "frontends/Common/Error.h"

#include <system_error>

namespace qcc {

inline llvm::Error emitError(ExitCode code, const llvm::Twine &message) {
  return llvm::make_error<ModelError>(code, message.str());
}

/// "cannot write FILE: why". A full disk is DoesNotFit, the rest WrongUse.
inline llvm::Error writeError(llvm::StringRef file, std::error_code why) {
  bool full = why == std::errc::no_space_on_device || why == std::errc::file_too_large ||
              why.value() == static_cast<int>(EDQUOT);
  return emitError(full ? ExitCode::DoesNotFit : ExitCode::WrongUse,
                   "cannot write " + file + ": " + why.message() +
                       (full ? "; free some space, or write elsewhere with -o"
                             : "; check the place given with -o"));
}

} // namespace qcc

#endif // QCC_COMPILER_EMIT_EMITERROR_H
