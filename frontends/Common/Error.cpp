//===- Error.cpp - What is wrong with a model file
//-------------------------===//
//
// Construction and printing of ModelError.
//
//===----------------------------------------------------------------------===//
#include "frontends/Common/Error.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace qcc {

char ModelError::ID = 0;

void ModelError::log(raw_ostream &os) const {
  os << text;
  for (const std::string &item : list)
    os << "\n  " << item;
}

std::error_code ModelError::convertToErrorCode() const {
  return inconvertibleErrorCode();
}

/// Names come from the file: control characters must not reach a terminal.
static void sanitize(std::string &text) {
  for (char &c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = '?';
}

static Error makeError(ExitCode code, const Twine &path, const Twine &where,
                       const Twine &what, std::vector<std::string> items) {
  std::string message = path.str();
  if (!where.isTriviallyEmpty() && !where.str().empty())
    message += ": " + where.str();
  message += ": " + what.str();
  sanitize(message);
  llvm::for_each(items, sanitize);
  return make_error<ModelError>(code, std::move(message), std::move(items));
}

Error badModel(const Twine &path, const Twine &where, const Twine &what,
               std::vector<std::string> items) {
  return makeError(ExitCode::BadModel, path, where, what, std::move(items));
}

Error unsupported(const Twine &path, const Twine &what,
                  std::vector<std::string> items) {
  return makeError(ExitCode::Unsupported, path, "", what, std::move(items));
}

Error wrongUse(const Twine &path, const Twine &what) {
  return makeError(ExitCode::WrongUse, path, "", what, {});
}

ExitCode reportError(Error error, raw_ostream &os) {
  ExitCode first = ExitCode::Done;
  handleAllErrors(
      std::move(error),
      [&](const ModelError &e) {
        os << "error: ";
        e.log(os);
        os << '\n';
        if (first == ExitCode::Done)
          first = e.code();
      },
      [&](const ErrorInfoBase &e) {
        os << "internal error: " << e.message() << '\n';
        if (first == ExitCode::Done)
          first = ExitCode::Internal;
      });
  return first;
}

} // namespace qcc
