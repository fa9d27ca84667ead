//===- Support.h - Helpers of the readers' tests
//----------------------------===//
//
// Builders of small model files, so that every malformed file of the tests is
// made by the test that needs it, and the look at errors that all tests share.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_TEST_UNIT_FRONTENDS_SUPPORT_H
#define QCC_TEST_UNIT_FRONTENDS_SUPPORT_H

#include "frontends/Common/Error.h"
#include "frontends/Common/MappedFile.h"

#include "gtest/gtest.h"

#include <string>
#include <vector>

namespace qcc::test {

using Bytes = std::vector<uint8_t>;

/// A directory that is removed with everything in it.
class TempDir {
public:
  TempDir();
  ~TempDir();
  std::string path(llvm::StringRef name = "") const;
  std::string write(llvm::StringRef name, llvm::StringRef text) const;
  std::string write(llvm::StringRef name, const Bytes &bytes) const;

private:
  std::string directory;
};

/// Exit code and full text of an error.
struct Failure {
  ExitCode code = ExitCode::Done;
  std::string text;
};
Failure failureOf(llvm::Error error);
template <typename T> Failure failureOf(llvm::Expected<T> result) {
  return failureOf(result.takeError());
}

/// Fails the test unless the failure has this code and its text contains
/// `part`.
void expectFailure(const Failure &failure, ExitCode code, llvm::StringRef part);

/// A path below the shared data directory, or "" when it is not there.
std::string sharedData(llvm::StringRef name);
Bytes readBytes(llvm::StringRef path);

/// A file in memory.
std::shared_ptr<const MappedFile> inMemory(Bytes bytes);
Bytes toBytes(llvm::StringRef text);

/// A safetensors file: length, header text, `dataSize` zero bytes.
Bytes safetensors(llvm::StringRef header, size_t dataSize);

/// Little-endian writer of GGUF files.
class GgufBuilder {
public:
  explicit GgufBuilder(uint32_t version = 3, uint64_t tensors = 0,
                       uint64_t keyValues = 0);
  GgufBuilder &u8(uint8_t v) { return raw(v, 1); }
  GgufBuilder &u32(uint32_t v) { return raw(v, 4); }
  GgufBuilder &u64(uint64_t v) { return raw(v, 8); }
  GgufBuilder &f32(float v);
  GgufBuilder &text(llvm::StringRef s);
  GgufBuilder &key(llvm::StringRef name, uint32_t type) {
    return text(name).u32(type);
  }
  GgufBuilder &keyU32(llvm::StringRef name, uint32_t v) {
    return key(name, 4).u32(v);
  }
  GgufBuilder &keyF32(llvm::StringRef name, float v) {
    return key(name, 6).f32(v);
  }
  GgufBuilder &keyText(llvm::StringRef name, llvm::StringRef v) {
    return key(name, 8).text(v);
  }
  GgufBuilder &tensor(llvm::StringRef name, std::vector<uint64_t> dims,
                      uint32_t type, uint64_t offset);
  GgufBuilder &pad(uint64_t alignment = 32);
  GgufBuilder &zeros(size_t count);
  Bytes bytes;

private:
  GgufBuilder &raw(uint64_t v, unsigned size);
};

/// The config.json of a tiny llama: hidden 8, intermediate 12, 2 layers, 2
/// heads of 4, 1 kv head, vocabulary 10. An override replaces or adds a member,
/// or with an empty value removes it.
using Members = std::vector<std::pair<std::string, std::string>>;
std::string tinyConfig(const Members &overrides = {});

/// A safetensors file with the tensors of that config (F32, zeros). An override
/// changes or adds a tensor's shape ("2,3"), or with "-" leaves it out.
Bytes tinyWeights(const Members &overrides = {}, llvm::StringRef dtype = "F32");

/// The same model as GGUF. Overrides replace whole key-value encodings; an
/// empty one leaves the key out.
struct GgufKey {
  std::string name;
  GgufBuilder value;
};
Bytes tinyGguf(const std::vector<GgufKey> &overrides = {},
               const Members &shapes = {}, uint32_t type = 0);

} // namespace qcc::test

#endif // QCC_TEST_UNIT_FRONTENDS_SUPPORT_H
