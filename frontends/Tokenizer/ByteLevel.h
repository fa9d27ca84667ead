//===- ByteLevel.h - The byte alphabet of GPT-2 ---------------------------===//
//
// Byte-level vocabularies write every byte as a printable character; qcc's blob
// holds the bytes themselves.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_TOKENIZER_BYTELEVEL_H
#define QCC_FRONTENDS_TOKENIZER_BYTELEVEL_H

#include "frontends/Tokenizer/TokenizerBuilder.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace qcc {

/// The bytes that `text` stands for, or nothing when a character of it stands
/// for none.
std::optional<std::string> bytesOfByteLevel(llvm::StringRef text);

/// The byte of a token "<0xHH>", or -1.
int byteOfToken(llvm::StringRef text);

/// Adds the rule of two tokens' texts as written in the vocabulary `ids`;
/// `index` is its place in the file.
llvm::Error addMerge(TokenizerSpec &, const llvm::StringMap<uint32_t> &ids, llvm::StringRef left,
                     llvm::StringRef right, size_t index);

/// The same for a rule written "left right".
llvm::Error addMerge(TokenizerSpec &, const llvm::StringMap<uint32_t> &ids, llvm::StringRef rule,
                     size_t index);

/// Sets byteIds from the texts: single bytes (byte level) or tokens <0xHH>
/// (`ids`).
void findByteTokens(TokenizerSpec &, const llvm::StringMap<uint32_t> &ids);

} // namespace qcc

#endif // QCC_FRONTENDS_TOKENIZER_BYTELEVEL_H
