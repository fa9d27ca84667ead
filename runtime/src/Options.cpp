//===- Options.cpp - The options of an artifact's command line
//-------------===//
//
// See Options.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/Options.h"

#include <cstring>

namespace qcc::rt {

Option Option::of(const char *name, const char *help, bool &to) {
  Option option{name, nullptr, help};
  option.flag = &to;
  return option;
}

Option Option::of(const char *name, const char *value, const char *help, int64_t &to, bool *given) {
  Option option{name, value, help};
  option.integer = &to;
  option.given = given;
  return option;
}

Option Option::of(const char *name, const char *value, const char *help, double &to) {
  Option option{name, value, help};
  option.real = &to;
  return option;
}

Option Option::of(const char *name, const char *value, const char *help, std::string &to,
                  bool *given) {
  Option option{name, value, help};
  option.text = &to;
  option.given = given;
  return option;
}

Option Option::of(const char *name, const char *value, const char *help,
                  std::vector<std::string> &to) {
  Option option{name, value, help};
  option.list = &to;
  return option;
}

static const Option *findOption(const Options &options, const std::string &name) {
  for (const Option &option : options)
    if (name == option.name)
      return &option;
  return nullptr;
}

static Status assign(const Option &option, const char *value) {
  if (option.given != nullptr)
    *option.given = true;
  if (option.text != nullptr)
    *option.text = value;
  if (option.list != nullptr)
    option.list->push_back(value);
  if (option.integer != nullptr && !parseInt(value, *option.integer))
    return fail(kWrongUse, "-%s %s: not an integer", option.name, value);
  if (option.real != nullptr && !parseDouble(value, *option.real))
    return fail(kWrongUse, "-%s %s: not a number", option.name, value);
  if (option.flag != nullptr) {
    bool on = strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
    if (!on && strcmp(value, "false") != 0 && strcmp(value, "0") != 0)
      return fail(kWrongUse, "-%s=%s: not true or false", option.name, value);
    *option.flag = on;
  }
  return {};
}

Status parseOptions(int count, char **arguments, const Options &options,
                    std::vector<std::string> *rest) {
  bool onlyRest = false;
  for (int i = 0; i < count; ++i) {
    const char *argument = arguments[i];
    if (onlyRest || argument[0] != '-' || argument[1] == 0) {
      if (rest == nullptr)
        return fail(kWrongUse, "'%s' is not an option; see --help", argument);
      rest->push_back(argument);
      continue;
    }
    if (strcmp(argument, "--") == 0) {
      onlyRest = true;
      continue;
    }
    const char *start = argument + (argument[1] == '-' ? 2 : 1);
    const char *equals = strchr(start, '=');
    std::string name =
        equals == nullptr ? std::string(start) : std::string(start, size_t(equals - start));
    const Option *option = findOption(options, name);
    if (option == nullptr)
      return fail(kWrongUse, "unknown option '%s'; see --help", argument);
    const char *value = equals == nullptr ? nullptr : equals + 1;
    if (value == nullptr && option->flag != nullptr)
      value = "true";
    if (value == nullptr && i + 1 < count)
      value = arguments[++i];
    if (value == nullptr)
      return fail(kWrongUse, "-%s needs a value: %s", option->name, option->value);
    Status status = assign(*option, value);
    if (status.failed())
      return status;
  }
  return {};
}

std::string helpText(const Options &options) {
  std::string out;
  for (const Option &option : options) {
    std::string left = option.name[1] == 0 ? "  -" : "  --";
    left += option.name;
    if (option.value != nullptr)
      left += std::string(" ") + option.value;
    out += format("%-26s %s\n", left.c_str(), option.help);
  }
  return out;
}

} // namespace qcc::rt
