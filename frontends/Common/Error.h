//===- Error.h - What is wrong with a model file
//---------------------------===//
//
// The one error type of the readers and importers. It carries the exit code
// that qcc promises for this kind of failure, a message (what was wrong, where,
// what to do) and, for things that are not supported, the full list of them, so
// that a user learns everything in one run.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_COMMON_ERROR_H
#define QCC_FRONTENDS_COMMON_ERROR_H

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace qcc {

/// Exit codes of the command line; the numbers are a contract.
enum class ExitCode : int {
  Done = 0,
  WrongUse = 1, ///< the command line asks for something impossible
  BadModel = 2, ///< a model file is damaged, unreadable or contradicts itself
  Unsupported = 3, ///< a valid model that uses something qcc does not have
  DoesNotFit = 4,  ///< the result would not fit (memory, disk)
  Internal = 5,    ///< a fault of qcc itself
};

/// A failure with its exit code. The message is one line; `items`, when not
/// empty, are listed below it, one a line.
class ModelError : public llvm::ErrorInfo<ModelError> {
public:
  static char ID;

  ModelError(ExitCode code, std::string message,
             std::vector<std::string> items = {})
      : exitCode(code), text(std::move(message)), list(std::move(items)) {}

  ExitCode code() const { return exitCode; }
  const std::string &what() const { return text; }
  const std::vector<std::string> &items() const { return list; }

  void log(llvm::raw_ostream &os) const override;
  std::error_code convertToErrorCode() const override;

private:
  ExitCode exitCode;
  std::string text;
  std::vector<std::string> list;
};

/// "path: where: what". `where` names the tensor, node or key and may be empty.
llvm::Error badModel(const llvm::Twine &path, const llvm::Twine &where,
                     const llvm::Twine &what,
                     std::vector<std::string> items = {});

/// The same with ExitCode::Unsupported; `items` lists all that is not
/// supported.
llvm::Error unsupported(const llvm::Twine &path, const llvm::Twine &what,
                        std::vector<std::string> items = {});

/// The same with ExitCode::WrongUse, for paths that are not a model at all.
llvm::Error wrongUse(const llvm::Twine &path, const llvm::Twine &what);

/// Prints every failure held by `error` as "error: ..." to `os` and returns the
/// exit code of the first; failures of another type count as
/// ExitCode::Internal.
ExitCode reportError(llvm::Error error, llvm::raw_ostream &os);

} // namespace qcc

#endif // QCC_FRONTENDS_COMMON_ERROR_H
