//===- TemplateLexer.h - Tokens of a chat template ------------------------===//
//
// Cuts a template into text and the tokens of its tags, with Jinja2's rules for white
// space around tags (trim_blocks and lstrip_blocks on).
//
//===----------------------------------------------------------------------===//
#ifndef QCC_RUNTIME_TEXT_TEMPLATELEXER_H
#define QCC_RUNTIME_TEXT_TEMPLATELEXER_H

#include "runtime/text/Value.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace qcc::text {

enum class TokenKind : uint8_t {
  Text,
  OutputBegin, ///< {{
  OutputEnd,
  TagBegin, ///< {%
  TagEnd,
  Name,
  String,
  Number, ///< value holds it
  Operator,
  End,
};

struct Token {
  TokenKind kind;
  uint32_t line;
  std::string text;
  Value value;
};

/// The tokens of `source`, ending with TokenKind::End. On failure `error` is "line N: ...".
std::vector<Token> lexTemplate(std::string_view source, std::string &error);

} // namespace qcc::text

#endif // QCC_RUNTIME_TEXT_TEMPLATELEXER_H
