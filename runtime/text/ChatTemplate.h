//===- ChatTemplate.h - A chat as the text its model was trained on -------===//
//
// Runs a model's chat template: the part of Jinja2 that such templates use, as
// Hugging Face's transformers sets it up (trim_blocks, lstrip_blocks,
// break/continue, immutable sandbox). A template comes out of a model file and
// may be hostile: it reaches nothing but its arguments, and its depth, steps
// and output are bounded.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_RUNTIME_TEXT_CHATTEMPLATE_H
#define QCC_RUNTIME_TEXT_CHATTEMPLATE_H

#include "runtime/text/Value.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace qcc::text {

struct ChatInput {
  Value messages;        ///< list of {"role", "content", ...}
  Value tools = nullptr; ///< list of JSON schemas, or None
  bool addGenerationPrompt = true;
  std::string bosToken, eosToken; ///< empty: undefined in the template
  Value extra;                    ///< a map of further variables (enable_thinking, ...), or
                                  ///< undefined
  int64_t now = -1;               ///< time for strftime_now, seconds since 1970; -1: the clock
};

class ChatTemplate {
public:
  ChatTemplate();
  ~ChatTemplate();
  ChatTemplate(ChatTemplate &&) noexcept;
  ChatTemplate &operator=(ChatTemplate &&) noexcept;

  /// Reads a template. Returns an empty string, or "line N: what is wrong".
  std::string parse(std::string_view source);

  /// Appends the text of the chat to `out`. Returns an empty string, or "line
  /// N: what is wrong", which includes what the template says with
  /// raise_exception.
  std::string render(const ChatInput &input, std::string &out) const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};

} // namespace qcc::text

#endif // QCC_RUNTIME_TEXT_CHATTEMPLATE_H
