//===- Options.h - The options of an artifact's command line
//---------------===//
//
// Reads `-x v`, `-x=v`, `--x v` and `--x=v` alike, as qcc itself does.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_RUNTIME_SRC_OPTIONS_H
#define QCC_RUNTIME_SRC_OPTIONS_H

#include "runtime/src/Support.h"

namespace qcc::rt {

/// One option, and where its value goes.
struct Option {
  const char *name;
  const char *value; ///< what the value is, for the help; null: a flag
  const char *help;
  bool *flag = nullptr;
  int64_t *integer = nullptr;
  double *real = nullptr;
  std::string *text = nullptr;
  std::vector<std::string> *list = nullptr; ///< may be given again
  bool *given = nullptr;                    ///< set when the option appears

  static Option of(const char *name, const char *help, bool &to);
  static Option of(const char *name, const char *value, const char *help, int64_t &to,
                   bool *given = nullptr);
  static Option of(const char *name, const char *value, const char *help, double &to);
  static Option of(const char *name, const char *value, const char *help, std::string &to,
                   bool *given = nullptr);
  static Option of(const char *name, const char *value, const char *help,
                   std::vector<std::string> &to);
};

using Options = std::vector<Option>;

/// Reads the arguments. What is no option goes to `rest`, or is wrong use when
/// that is null. Fails with kWrongUse.
Status parseOptions(int count, char **arguments, const Options &options,
                    std::vector<std::string> *rest);

/// The lines of a help text.
std::string helpText(const Options &options);

} // namespace qcc::rt

#endif // QCC_RUNTIME_SRC_OPTIONS_H
