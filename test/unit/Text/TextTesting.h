//===- TextTesting.h - What the text tests share --------------------------===//
//
// Files, golden tables and blobs.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_TEST_UNIT_TEXT_TEXTTESTING_H
#define QCC_TEST_UNIT_TEXT_TEXTTESTING_H

#include "frontends/Tokenizer/TokenizerBuilder.h"
#include "runtime/text/Tokenizer.h"
#include "runtime/text/Value.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"

#include <cstdlib>
#include <string>
#include <vector>

namespace qcc::testing {

/// A file's bytes, or nothing when there is no such file.
inline std::optional<std::string> readFile(const std::string &path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return std::nullopt;
  return (*buffer)->getBuffer().str();
}

/// A file of the shared test data, which not every checkout has.
inline std::string sharedPath(const std::string &name) {
  const char *root = std::getenv("QCC_SHARED");
  return std::string(root ? root : QCC_DEFAULT_SHARED) + "/data/" + name;
}

/// A JSON file of this directory's data.
inline text::Value goldenTable(const std::string &name) {
  text::Value table;
  std::optional<std::string> json = readFile(std::string(QCC_TEXT_DATA) + "/" + name);
  EXPECT_TRUE(json.has_value()) << name;
  EXPECT_EQ(text::parseJson(json.value_or(""), table), "");
  return table;
}

inline std::string textOf(const text::Value &map, const char *key) {
  const text::Value *v = map.find(key);
  return v && v->isString() ? v->asString() : "";
}

/// A tokenizer with its blob.
struct OpenTokenizer {
  std::vector<uint8_t> blob;
  text::Tokenizer tokenizer;
  std::string error; ///< empty when it is open

  explicit OpenTokenizer(llvm::Expected<TokenizerSpec> spec) {
    if (!spec) {
      error = llvm::toString(spec.takeError());
      return;
    }
    llvm::Expected<std::vector<uint8_t>> bytes = buildTokenizer(*spec);
    if (!bytes) {
      error = llvm::toString(bytes.takeError());
      return;
    }
    blob = std::move(*bytes);
    error = tokenizer.open(blob.data(), blob.size());
  }
};

} // namespace qcc::testing

#endif // QCC_TEST_UNIT_TEXT_TEXTTESTING_H
