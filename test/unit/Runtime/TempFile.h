//===- TempFile.h - Files that tests of the runtime write and read ---------===//
//
// Reading by the runtime's own functions, and what their failures must say.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_TEST_UNIT_RUNTIME_TEMPFILE_H
#define QCC_TEST_UNIT_RUNTIME_TEMPFILE_H

#include "runtime/src/Support.h"
#include "test/unit/TempDir.h"

#include <gtest/gtest.h>

namespace qcc::rt {

using qcc::TempDir;

inline std::string slurp(const std::string &path) {
  std::string out;
  EXPECT_FALSE(readFile(path, out).failed());
  return out;
}

/// Expects a failure with this code whose message holds `part`.
inline void expectFailure(const Status &status, int code, const std::string &part) {
  EXPECT_EQ(status.code, code) << status.message;
  EXPECT_NE(status.message.find(part), std::string::npos)
      << "no '" << part << "' in: " << status.message;
}

} // namespace qcc::rt

#endif // QCC_TEST_UNIT_RUNTIME_TEMPFILE_H
