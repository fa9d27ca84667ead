//===- GgufMetadata.h - A GGUF file's keys for the tokenizer --------------===//
//
// Joins the GGUF reader and readTokenizerGguf.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_TOKENIZER_GGUFMETADATA_H
#define QCC_FRONTENDS_TOKENIZER_GGUFMETADATA_H

#include "frontends/GGUF/GGUF.h"
#include "frontends/Tokenizer/TokenizerBuilder.h"

namespace qcc {

/// The keys of an open file, which must outlive this.
class GgufMetadata final : public TokenizerMetadata {
public:
  explicit GgufMetadata(const GgufFile &file) : file(file) {}

  std::optional<llvm::StringRef> getString(llvm::StringRef key) const override {
    const GgufValue *v = file.find(key);
    return v ? v->asString() : std::nullopt;
  }
  std::optional<std::vector<llvm::StringRef>> getStrings(llvm::StringRef key) const override {
    const GgufValue *v = file.find(key);
    return v ? v->asStrings() : std::nullopt;
  }
  std::optional<std::vector<float>> getFloats(llvm::StringRef key) const override {
    const GgufValue *v = file.find(key);
    return v ? v->asFloats() : std::nullopt;
  }
  std::optional<std::vector<int64_t>> getInts(llvm::StringRef key) const override {
    const GgufValue *v = file.find(key);
    return v ? v->asIntegers() : std::nullopt;
  }
  std::optional<int64_t> getInt(llvm::StringRef key) const override {
    const GgufValue *v = file.find(key);
    return v ? v->asInteger() : std::nullopt;
  }
  std::optional<bool> getBool(llvm::StringRef key) const override {
    const GgufValue *v = file.find(key);
    return v ? v->asBool() : std::nullopt;
  }

private:
  const GgufFile &file;
};

} // namespace qcc

#endif // QCC_FRONTENDS_TOKENIZER_GGUFMETADATA_H
