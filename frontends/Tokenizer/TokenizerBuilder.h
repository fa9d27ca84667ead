//===- TokenizerBuilder.h - A model's tokenizer as a blob -----------------===//
//
// Reads the tokenizer of a Hugging Face directory or a GGUF file into one
// description, checks it, and lays it out as the blob that an artifact uses in
// place (runtime/text/TokenizerBlob.h). What the runtime cannot do exactly is
// an error that names it: a tokenizer that is nearly right gives a model that
// is quietly wrong.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_TOKENIZER_TOKENIZERBUILDER_H
#define QCC_FRONTENDS_TOKENIZER_TOKENIZERBUILDER_H

#include "runtime/text/TokenizerBlob.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace qcc {

/// A tokenizer, whatever file it came from.
struct TokenizerSpec {
  struct AddedToken {
    std::string text;
    int32_t id = 0;
    bool special = false, singleWord = false, lstrip = false, rstrip = false;
    bool normalized = false; ///< looked for after normalization
  };
  struct MergeRule {
    uint32_t left, right, merged; ///< ids; the rule's index is its rank
  };

  std::string source; ///< file name, for messages
  text::Model model = text::Model::ByteBpe;
  uint32_t flags = 0; ///< text::BlobFlags
  text::Prepend prepend = text::Prepend::Never;
  std::vector<text::Split> steps;
  /// Texts by id, as the model matches them: raw bytes for ByteBpe, U+2581 for
  /// spaces with kEscapeSpaces, the raw byte for a byte token. Ids without a
  /// token are empty.
  std::vector<std::string> tokens;
  std::vector<uint8_t> tokenFlags; ///< text::TokenFlags by id
  std::vector<bool> matchable;     ///< by id: the model may produce this token from its text
  std::vector<float> scores;       ///< by id; ScoreBpe only
  std::vector<MergeRule> merges;
  std::vector<int32_t> byteIds; ///< 256 ids by byte, -1 for none; or empty
  std::vector<AddedToken> added;
  std::vector<int32_t> prefix, suffix; ///< with special tokens
  std::vector<int32_t> stops;
  int32_t bos = -1, eos = -1, unk = -1, pad = -1;
  std::string chatTemplate; ///< empty: the model has none
};

/// Keys and values of a GGUF file, as the GGUF reader holds them. Every getter
/// gives nothing when the key is missing or has another type.
class TokenizerMetadata {
public:
  virtual ~TokenizerMetadata() = default;
  virtual std::optional<llvm::StringRef> getString(llvm::StringRef key) const = 0;
  virtual std::optional<std::vector<llvm::StringRef>> getStrings(llvm::StringRef key) const = 0;
  virtual std::optional<std::vector<float>> getFloats(llvm::StringRef key) const = 0;
  /// Any integer array type.
  virtual std::optional<std::vector<int64_t>> getInts(llvm::StringRef key) const = 0;
  /// Any integer type.
  virtual std::optional<int64_t> getInt(llvm::StringRef key) const = 0;
  virtual std::optional<bool> getBool(llvm::StringRef key) const = 0;
};

/// Reads tokenizer.json and, where present, tokenizer_config.json,
/// generation_config.json and chat_template.jinja of a directory.
llvm::Expected<TokenizerSpec> readTokenizerDirectory(llvm::StringRef directory);

/// Reads the tokenizer.* keys of a GGUF file; `file` names it in messages.
llvm::Expected<TokenizerSpec> readTokenizerGguf(const TokenizerMetadata &, llvm::StringRef file);

/// Checks the description and lays it out.
llvm::Expected<std::vector<uint8_t>> buildTokenizer(const TokenizerSpec &);

} // namespace qcc

#endif // QCC_FRONTENDS_TOKENIZER_TOKENIZERBUILDER_H
