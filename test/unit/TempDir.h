//===- TempDir.h - Files that tests write ----------------------------------===//
//
// A directory that goes away with the test, and files with given bytes in it. Without LLVM, so that
// tests of the runtime can use it.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_TEST_UNIT_TEMPDIR_H
#define QCC_TEST_UNIT_TEMPDIR_H

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace qcc {

class TempDir {
public:
  TempDir() : path(testing::TempDir() + "qcc-test-XXXXXX") { mkdtemp(path.data()); }
  ~TempDir() { std::filesystem::remove_all(path); }

  std::string file(const std::string &name) const { return path + "/" + name; }
  std::string write(const std::string &name, const std::string &bytes) const {
    std::ofstream(file(name), std::ios::binary) << bytes;
    return file(name);
  }
  std::string read(const std::string &name) const {
    std::stringstream out;
    out << std::ifstream(file(name), std::ios::binary).rdbuf();
    return out.str();
  }
  size_t count() const {
    auto all = std::filesystem::directory_iterator(path);
    return static_cast<size_t>(std::distance(begin(all), end(all)));
  }

  std::string path;
};

} // namespace qcc

#endif // QCC_TEST_UNIT_TEMPDIR_H
