//===- PreTokenizer.h - Where a text may not be merged across -------------===//
//
// The regular expressions of Hugging Face's pre-tokenizers, matched by hand: a
// regex engine would be larger and slower than all of them, and could be driven
// into exponential time.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_RUNTIME_TEXT_PRETOKENIZER_H
#define QCC_RUNTIME_TEXT_PRETOKENIZER_H

#include "runtime/text/TokenizerBlob.h"

#include <cstddef>
#include <string_view>

namespace qcc::text {

/// Bytes (at least 1) of the first piece that `kind` cuts from `text`, which is
/// not empty. Cutting a whole text piece by piece takes linear time.
size_t firstPiece(Split kind, std::string_view text);

} // namespace qcc::text

#endif // QCC_RUNTIME_TEXT_PRETOKENIZER_H
