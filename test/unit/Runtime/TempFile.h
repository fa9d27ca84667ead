//===- TempFile.h - Files that tests write
//---------------------------------===//
//
// A directory that goes away with the test, and files with given bytes in it.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_TEST_UNIT_RUNTIME_TEMPFILE_H
#define QCC_TEST_UNIT_RUNTIME_TEMPFILE_H

#include "runtime/src/Support.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace qcc::rt {

class TempDir {
public:
  TempDir() {
    char name[] = "/tmp/qcc-test-XXXXXX";
    path = mkdtemp(name);
  }
  ~TempDir() { std::filesystem::remove_all(path); }

  std::string file(const std::string &name) const { return path + "/" + name; }
  std::string write(const std::string &name, const std::string &bytes) const {
    std::ofstream(file(name), std::ios::binary) << bytes;
    return file(name);
  }
  size_t count() const {
    size_t n = 0;
    for (const auto &entry : std::filesystem::directory_iterator(path))
      n += entry.exists();
    return n;
  }

  std::string path;
};

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
