//===- LanguageModelMain.cpp - Command line of a language model
//------------===//
//
// Chooses the verb; without one the program goes on from a prompt, or chats
// when it has no prompt and runs in a terminal.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/Generate.h"

#include <cinttypes>
#include <cstring>
#include <unistd.h>

namespace qcc::rt {

static const char kUsage[] =
    "Goes on from a prompt.\n"
    "  PROGRAM -p TEXT | -f FILE | --tokens \"1 2 3\"  [options]\n"
    "  PROGRAM                  in a terminal: chat\n"
    "  PROGRAM VERB --help      verbs: chat, bench, eval, info, tokenize\n";

/// The prompt's tokens, from whichever option gave them.
static Status promptTokens(const Session &session, const std::string &text, const std::string &ids,
                           std::vector<int32_t> &out) {
  if (!ids.empty())
    return tokenList(ids, out);
  Status status = session.needTokenizer("a prompt of text");
  if (!status.failed())
    out = session.tokenizer.encode(text, /*addSpecial=*/true,
                                   /*parseSpecial=*/true);
  return status;
}

static Status complete(const QccModel &model, const CommonOptions &common,
                       const GenerateOptions &options, const std::string &text,
                       const std::string &ids) {
  Session session(model);
  Status status = checkOptions(options.sampler);
  if (!status.failed())
    status = session.open(common);
  if (!status.failed() && !options.ids)
    status = session.needTokenizer("text output");
  std::vector<int32_t> prompt;
  if (!status.failed())
    status = promptTokens(session, text, ids, prompt);
  if (status.failed())
    return status;
  Sampler sampler(options.sampler);
  Generated generated;
  status = generate(session, prompt, 0, options, sampler,
                    /*interruptible=*/false, generated);
  if (!status.failed() && !common.quiet)
    printTimings(generated);
  return status;
}

int mainComplete(const QccModel &model, int count, char **arguments) {
  CommonOptions common;
  GenerateOptions generating;
  std::string prompt, file, tokens;
  bool hasPrompt = false, hasFile = false, hasTokens = false;
  int64_t seed = -1;
  Options options{Option::of("p", "TEXT", "the prompt", prompt, &hasPrompt),
                  Option::of("f", "FILE", "a file with the prompt (-: stdin)", file, &hasFile),
                  Option::of("tokens", "IDS", "the prompt as token ids", tokens, &hasTokens)};
  addGenerateOptions(options, generating, seed);
  addCommonOptions(options, common);
  int code = 0;
  if (!readOptions(model, count, arguments, kUsage, options, nullptr, code))
    return code;
  settleSeed(generating, seed);
  if (hasPrompt + hasFile + hasTokens == 0) {
    if (isatty(STDIN_FILENO))
      return mainChat(model, count, arguments);
    return report(model.name, fail(kWrongUse, "no prompt: give -p TEXT, -f "
                                              "FILE or --tokens; see --help"));
  }
  if (hasPrompt + hasFile + hasTokens > 1)
    return report(model.name, fail(kWrongUse, "give one of -p, -f and --tokens"));
  Status status;
  if (hasFile) {
    status = readText(file, prompt);
    // Editors end the last line.
    if (!prompt.empty() && prompt.back() == '\n')
      prompt.pop_back();
  }
  if (hasTokens && tokens.find_first_of("0123456789") == std::string::npos)
    status = fail(kWrongUse, "--tokens '%s': no token ids", tokens.c_str());
  if (!status.failed())
    status = complete(model, common, generating, prompt, tokens);
  return report(model.name, status);
}

int mainTokenize(const QccModel &model, int count, char **arguments) {
  CommonOptions common;
  common.threads = 1;
  std::string prompt, file;
  bool hasPrompt = false, hasFile = false, onlyCount = false, plain = false;
  Options options{Option::of("p", "TEXT", "the text", prompt, &hasPrompt),
                  Option::of("f", "FILE", "a file with the text (-: stdin)", file, &hasFile),
                  Option::of("count", "print the number of tokens only", onlyCount),
                  Option::of("no-special", "neither add nor recognize special tokens", plain)};
  int code = 0;
  std::vector<std::string> rest;
  if (!readOptions(model, count, arguments,
                   "Prints the token ids of a text.\n  PROGRAM tokenize -p "
                   "TEXT | -f FILE\n",
                   options, &rest, code))
    return code;
  if (hasPrompt + hasFile + rest.size() != 1)
    return report(model.name, fail(kWrongUse, "tokenize: give one of -p TEXT and -f FILE"));
  if (!rest.empty())
    prompt = rest[0];
  Session session(model);
  // No threads and no cache: only the file is needed.
  Status status = session.model.program.file.openProgram(model);
  if (!status.failed())
    status = session.openTokenizer();
  if (!status.failed())
    status = session.needTokenizer("tokenize");
  if (!status.failed() && hasFile)
    status = readText(file, prompt);
  if (status.failed())
    return report(model.name, status);
  std::vector<int32_t> ids = session.tokenizer.encode(prompt, !plain, !plain);
  if (onlyCount) {
    printf("%zu\n", ids.size());
    return kDone;
  }
  for (size_t i = 0; i < ids.size(); ++i)
    printf(i == 0 ? "%d" : " %d", ids[i]);
  printf("\n");
  return kDone;
}

int mainInfo(const QccModel &model, int count, char **arguments) {
  CommonOptions common;
  bool json = false;
  Options options{Option::of("json", "as JSON", json)};
  addCommonOptions(options, common);
  int code = 0;
  if (!readOptions(model, count, arguments, "Says what this program is made of.\n  PROGRAM info\n",
                   options, nullptr, code))
    return code;
  Session session(model);
  Status status = session.open(common);
  if (status.failed())
    return report(model.name, status);
  const LanguageModel &lm = session.model;
  std::string text = describeProgram(lm.program);
  text += format("vocabulary: %" PRId64 "\n", lm.vocabulary());
  text += format("context tokens: %" PRId64 "\n", lm.context());
  text += format("kv cache bytes: %" PRIu64 "\n", lm.cacheBytes());
  text += format("scratch bytes: %" PRIu64 "\n", lm.scratchBytes());
  text += format("tokenizer bytes: %zu\n", lm.program.file.tokenizer.size);
  text += format("chat template: %s\n", lm.program.file.chatTemplate.size != 0 ? "yes" : "no");
  fputs((json ? linesToJson(text) : text).c_str(), stdout);
  return kDone;
}

static int run(const QccModel &model, int count, char **arguments) {
  static const struct {
    const char *name;
    int (*main)(const QccModel &, int, char **);
  } verbs[] = {{"chat", mainChat},
               {"bench", mainBench},
               {"eval", mainEval},
               {"info", mainInfo},
               {"tokenize", mainTokenize}};
  if (count > 1 && arguments[1][0] != '-') {
    for (const auto &verb : verbs)
      if (strcmp(arguments[1], verb.name) == 0)
        return verb.main(model, count - 2, arguments + 2);
    return report(model.name, fail(kWrongUse,
                                   "'%s' is no verb: chat, bench, eval, info, "
                                   "tokenize; or give a prompt with -p",
                                   arguments[1]));
  }
  return mainComplete(model, count - 1, arguments + 1);
}

} // namespace qcc::rt

int main(int count, char **arguments) {
  int code = qcc::rt::run(qcc_model, count, arguments);
  // What was printed has arrived, or it is an error.
  if (fflush(stdout) != 0 && code == 0)
    code = qcc::rt::report(qcc_model.name,
                           qcc::rt::fail(qcc::rt::kNoRoom, "cannot write to standard output"));
  return code;
}
