//===- ChatTemplate.cpp - A chat as the text its model was trained on -----===//
//
// Puts the parts together: the tree is kept, an interpreter lives for one rendering.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/ChatTemplate.h"

#include "runtime/text/TemplateEval.h"

namespace qcc::text {

struct ChatTemplate::Impl {
  NodePtr root;
};

ChatTemplate::ChatTemplate() : impl(new Impl) {}
ChatTemplate::~ChatTemplate() = default;
ChatTemplate::ChatTemplate(ChatTemplate &&) noexcept = default;
ChatTemplate &ChatTemplate::operator=(ChatTemplate &&) noexcept = default;

std::string ChatTemplate::parse(std::string_view source) {
  std::string error;
  impl->root = parseTemplate(source, error);
  return error;
}

std::string ChatTemplate::render(const ChatInput &input, std::string &out) const {
  if (!impl->root)
    return "there is no chat template";
  Interpreter interpreter(input.now);
  interpreter.define("messages", input.messages);
  interpreter.define("tools", input.tools);
  interpreter.define("documents", nullptr);
  interpreter.define("add_generation_prompt", input.addGenerationPrompt);
  if (!input.bosToken.empty())
    interpreter.define("bos_token", input.bosToken);
  if (!input.eosToken.empty())
    interpreter.define("eos_token", input.eosToken);
  if (input.extra.isMap())
    for (const auto &[name, value] : input.extra.asMap())
      interpreter.define(toText(name).c_str(), value);
  interpreter.run(*impl->root, out);
  if (!interpreter.failed())
    return "";
  return "line " + std::to_string(interpreter.errorLine()) + ": " + interpreter.error();
}

} // namespace qcc::text
