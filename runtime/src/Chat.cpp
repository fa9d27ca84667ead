//===- Chat.cpp - Talks with the model
//-------------------------------------===//
//
// Turns of a conversation through the model's own chat template. What the cache
// already holds of the conversation is not computed again.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/Generate.h"
#include "runtime/text/ChatTemplate.h"

#include <cstdlib>
#include <cstring>
#include <unistd.h>

namespace qcc::rt {

namespace {

struct ChatOptions {
  std::string prompt, system;
  bool hasPrompt = false, hasSystem = false;
};

class Chat {
public:
  Chat(const QccModel &model, const GenerateOptions &options)
      : session(model), options(options), sampler(options.sampler) {
    this->options.ownText = true;
  }

  Status open(const CommonOptions &common, const ChatOptions &chat);
  /// The model's answer to `text`, to stdout.
  Status turn(const std::string &text);
  void clear() { messages.resize(hasSystem ? 1 : 0); }

private:
  void say(const char *role, const std::string &content) {
    messages.push_back(text::Value(text::Value::Map{
        {text::Value("role"), text::Value(role)}, {text::Value("content"), text::Value(content)}}));
  }
  std::string special(int32_t id) const {
    std::string out;
    if (id >= 0)
      session.tokenizer.appendToken(id, /*withSpecial=*/true, out);
    return out;
  }

  Session session;
  GenerateOptions options;
  Sampler sampler;
  text::ChatTemplate chatTemplate;
  text::Value::List messages;
  bool hasSystem = false;
};

} // namespace

Status Chat::open(const CommonOptions &common, const ChatOptions &chat) {
  Status status = checkOptions(options.sampler);
  if (!status.failed())
    status = session.open(common);
  if (!status.failed())
    status = session.needTokenizer("chat");
  if (status.failed())
    return status;
  const Span &source = session.model.program.file.chatTemplate;
  if (source.size == 0)
    return fail(kWrongUse, "this model has no chat template: it goes on from "
                           "text; give a prompt with -p");
  std::string wrong =
      chatTemplate.parse({reinterpret_cast<const char *>(source.data), source.size});
  if (!wrong.empty())
    return fail(kNotSupported, "the model's chat template: %s", wrong.c_str());
  hasSystem = chat.hasSystem;
  if (hasSystem)
    say("system", chat.system);
  return {};
}

Status Chat::turn(const std::string &question) {
  say("user", question);
  text::ChatInput input;
  input.messages = text::Value(messages);
  input.bosToken = special(session.tokenizer.bos());
  input.eosToken = special(session.tokenizer.eos());
  std::string conversation;
  std::string wrong = chatTemplate.render(input, conversation);
  if (!wrong.empty()) {
    messages.pop_back();
    return fail(kWrongUse, "the model's chat template: %s", wrong.c_str());
  }
  // The template writes the begin token itself.
  std::vector<int32_t> tokens =
      session.tokenizer.encode(conversation, /*addSpecial=*/false, /*parseSpecial=*/true);
  const std::vector<int32_t> &held = session.model.tokens();
  size_t kept = 0;
  while (kept < held.size() && kept + 1 < tokens.size() && held[kept] == tokens[kept])
    ++kept;
  Generated generated;
  Status status = generate(session, tokens, static_cast<int64_t>(kept), options, sampler,
                           /*interruptible=*/true, generated);
  if (status.failed()) {
    messages.pop_back();
    return status;
  }
  say("assistant", session.tokenizer.decode(generated.tokens, false));
  if (!session.quiet)
    printTimings(generated);
  return {};
}

/// Reads lines until the end of the input.
static Status converse(Chat &chat, const char *name, bool quiet) {
  bool terminal = isatty(STDIN_FILENO);
  if (terminal && !quiet)
    fprintf(stderr,
            "%s. /clear forgets the conversation, /exit or Ctrl-D "
            "ends, Ctrl-C stops an answer.\n",
            name);
  char *line = nullptr;
  size_t capacity = 0;
  Status status;
  while (true) {
    if (terminal)
      fputs("> ", stderr);
    ssize_t size = getline(&line, &capacity, stdin);
    if (size < 0)
      break;
    std::string text(line, static_cast<size_t>(size));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
      text.pop_back();
    if (text == "/exit")
      break;
    if (text == "/clear") {
      chat.clear();
      continue;
    }
    if (text.empty())
      continue;
    status = chat.turn(text);
    if (!status.failed() && !terminal)
      puts("");
    if (!status.failed())
      continue;
    // In a terminal a turn that does not fit ends neither chat nor
    // conversation.
    if (!terminal || status.code != kWrongUse)
      break;
    report(name, status);
    status = {};
  }
  free(line);
  return status;
}

int mainChat(const QccModel &model, int count, char **arguments) {
  CommonOptions common;
  GenerateOptions generating;
  ChatOptions chatting;
  std::string file;
  bool hasFile = false;
  int64_t seed = -1;
  Options options{
      Option::of("p", "TEXT", "one question", chatting.prompt, &chatting.hasPrompt),
      Option::of("f", "FILE", "a file with one question", file, &hasFile),
      Option::of("system", "TEXT", "the system's message", chatting.system, &chatting.hasSystem)};
  addGenerateOptions(options, generating, seed);
  addCommonOptions(options, common);
  int code = 0;
  if (!readOptions(model, count, arguments,
                   "Talks with the model through its own chat template.\n"
                   "  PROGRAM chat [-p TEXT]\n",
                   options, nullptr, code))
    return code;
  settleSeed(generating, seed);
  Status status;
  if (hasFile && chatting.hasPrompt)
    status = fail(kWrongUse, "give one of -p and -f");
  else if (hasFile)
    status = readText(file, chatting.prompt);
  Chat chat(model, generating);
  if (!status.failed())
    status = chat.open(common, chatting);
  if (!status.failed())
    status = hasFile || chatting.hasPrompt ? chat.turn(chatting.prompt)
                                           : converse(chat, model.name, common.quiet);
  return report(model.name, status);
}

} // namespace qcc::rt
