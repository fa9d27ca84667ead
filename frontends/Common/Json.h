//===- Json.h - JSON of model files
//-----------------------------------------===//
//
// Strict parsing for files from strangers: duplicate keys, which JSON libraries
// resolve silently and differently, are errors, and nesting is bounded.
// nlohmann-json is built without exceptions here, so values are only read
// through these helpers and find().
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_COMMON_JSON_H
#define QCC_FRONTENDS_COMMON_JSON_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <nlohmann/json.hpp>

namespace qcc {

/// Parses `text`; `path` names its file in errors, which are BadModel.
llvm::Expected<nlohmann::json> parseJson(llvm::StringRef path,
                                         llvm::StringRef text);

/// Reads and parses a file.
llvm::Expected<nlohmann::json> readJson(llvm::StringRef path);

/// The member of an object, or null when there is none.
const nlohmann::json *findMember(const nlohmann::json &object,
                                 llvm::StringRef key);

/// The string itself. Only for values that are strings.
llvm::StringRef stringOf(const nlohmann::json &value);

/// An integer of 0 or more, or nothing when the value is anything else.
std::optional<uint64_t> unsignedOf(const nlohmann::json &value);

} // namespace qcc

#endif // QCC_FRONTENDS_COMMON_JSON_H
