//===- Generate.cpp - Goes on from a prompt
//--------------------------------===//
//
// See Generate.h. stdout carries only what the model says; the rest goes to
// stderr.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/Generate.h"

#include <cinttypes>
#include <csignal>
#include <ctime>
#include <unistd.h>

namespace qcc::rt {

Status Session::open(const CommonOptions &options) {
  quiet = options.quiet;
  Status status = model.open(options.threads, options.context);
  return status.failed() ? status : openTokenizer();
}

Status Session::openTokenizer() {
  const Span &blob = model.program.file.tokenizer;
  if (blob.size == 0)
    return {};
  std::string wrong = tokenizer.open(blob.data, blob.size);
  if (!wrong.empty())
    return fail(kBadFile, "the tokenizer of this program is damaged: %s", wrong.c_str());
  hasTokenizer = true;
  return {};
}

Status Session::needTokenizer(const char *what) const {
  if (hasTokenizer)
    return {};
  return fail(kWrongUse,
              "%s needs a tokenizer, and this program has none; use --tokens "
              "and --ids",
              what);
}

static volatile sig_atomic_t interrupted = 0;
static void onInterrupt(int) { interrupted = 1; }

namespace {
/// SIGINT as a wish to stop, while it lives.
class InterruptScope {
public:
  explicit InterruptScope(bool on) : on(on) {
    interrupted = 0;
    if (on)
      before = signal(SIGINT, onInterrupt);
  }
  ~InterruptScope() {
    if (on)
      signal(SIGINT, before);
  }

private:
  bool on;
  sighandler_t before = SIG_DFL;
};

/// Writes tokens to stdout as they come.
class Output {
public:
  Output(Session &session, const GenerateOptions &options)
      : ids(options.ids), decoder(session.tokenizer) {
    if (!options.ownText)
      decoder.continueText();
  }
  void token(int32_t id, bool isEnd) {
    if (ids)
      write(format(started ? " %d" : "%d", id));
    else if (!isEnd)
      write(decoder.push(id));
    started = true;
  }
  void finish() {
    if (!ids)
      write(decoder.finish());
    if (ids || isatty(STDOUT_FILENO))
      write("\n");
  }

private:
  void write(const std::string &text) {
    if (text.empty())
      return;
    fwrite(text.data(), 1, text.size(), stdout);
    fflush(stdout);
  }
  bool ids, started = false;
  text::StreamDecoder decoder;
};
} // namespace

/// Fails before any work when the tokens asked for cannot fit.
static Status checkRoom(const Session &session, int64_t prompt, int64_t count) {
  int64_t room = session.model.context();
  if (prompt > room || (count > 0 && prompt > room - count))
    return fail(kWrongUse,
                "%" PRId64 " tokens of prompt and %" PRId64 " to generate are "
                "more than the context of %" PRId64 "; give a smaller -n, or "
                "compile with a larger -ctx=",
                prompt, count > 0 ? count : 0, room);
  return {};
}

Status generate(Session &session, const std::vector<int32_t> &prompt, int64_t kept,
                const GenerateOptions &options, Sampler &sampler, bool interruptible,
                Generated &out) {
  int64_t size = static_cast<int64_t>(prompt.size());
  if (size <= kept)
    return fail(kWrongUse, "the prompt is empty; give some text");
  Status status = checkRoom(session, size, options.count);
  if (status.failed())
    return status;
  LanguageModel &model = session.model;
  model.rewind(kept);
  out.promptTokens = size - kept;
  InterruptScope scope(interruptible);
  double start = now();
  const float *logits = nullptr;
  status = model.feed(prompt.data() + kept, size - kept, &logits);
  if (status.failed())
    return status;
  double prompted = now();
  out.promptSeconds = prompted - start;
  for (int64_t i = kept; i < size; ++i)
    sampler.accept(prompt[static_cast<size_t>(i)]);

  Output output(session, options);
  while (options.count < 0 || static_cast<int64_t>(out.tokens.size()) < options.count) {
    int32_t token = sampler.sample(logits, model.vocabulary());
    if (token < 0) {
      status = fail(kInternal, "the model's logits are not numbers after %" PRId64 " tokens",
                    model.position());
      break;
    }
    sampler.accept(token);
    out.tokens.push_back(token);
    bool isEnd = session.hasTokenizer && session.tokenizer.isStop(token);
    output.token(token, isEnd);
    if ((isEnd && !options.ignoreEos) || interrupted)
      break;
    bool last = static_cast<int64_t>(out.tokens.size()) == options.count;
    out.contextFull = !last && model.position() == model.context();
    if (last || out.contextFull)
      break;
    status = model.step(token, &logits);
    if (status.failed())
      break;
  }
  output.finish();
  out.decodeSeconds = now() - prompted;
  if (out.contextFull && options.count < 0 && !session.quiet)
    fprintf(stderr, "[the context of %" PRId64 " tokens is full]\n", model.context());
  return status;
}

void printTimings(const Generated &g) {
  auto rate = [](double count, double seconds) { return seconds > 0 ? count / seconds : 0.0; };
  // The first token comes out of the prompt's own logits.
  double steps = g.tokens.empty() ? 0 : static_cast<double>(g.tokens.size() - 1);
  fprintf(stderr,
          "[prompt: %" PRId64 " tokens, %.1f tokens/s; first token after %.1f "
          "ms; generated: %zu tokens, %.1f tokens/s]\n",
          g.promptTokens, rate(static_cast<double>(g.promptTokens), g.promptSeconds),
          1e3 * g.promptSeconds, g.tokens.size(), rate(steps, g.decodeSeconds));
}

void addGenerateOptions(Options &to, GenerateOptions &o, int64_t &seed) {
  SamplerOptions &s = o.sampler;
  to.push_back(Option::of("n", "N",
                          "most tokens to generate (-1: until the "
                          "end; default)",
                          o.count));
  to.push_back(Option::of("temp", "T",
                          "temperature; 0: the most likely token "
                          "(default 0.8)",
                          s.temperature));
  to.push_back(Option::of("top-k", "K", "only the K most likely; 0: all (default 40)", s.topK));
  to.push_back(Option::of("top-p", "P", "only the likeliest that sum to P (default 0.95)", s.topP));
  to.push_back(Option::of("min-p", "P",
                          "only those with P times the likeliest's "
                          "probability (default 0.05)",
                          s.minP));
  to.push_back(Option::of("repeat-penalty", "R", "divides the logits of recent tokens (default 1)",
                          s.repeatPenalty));
  to.push_back(Option::of("repeat-last", "N", "tokens it looks back (default 64)", s.repeatLast));
  to.push_back(Option::of("s", "SEED", "seed (default: from the clock)", seed));
  to.push_back(Option::of("ids", "write token ids instead of text", o.ids));
  to.push_back(Option::of("ignore-eos", "go on after the model's end", o.ignoreEos));
}

void settleSeed(GenerateOptions &options, int64_t seed) {
  if (seed < 0) {
    timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    seed = time.tv_sec * 1000000007 + time.tv_nsec;
  }
  options.sampler.seed = static_cast<uint64_t>(seed);
}

void addCommonOptions(Options &to, CommonOptions &o) {
  to.push_back(Option::of("t", "N", "threads (default: the processors)", o.threads));
  to.push_back(Option::of("c", "N", "context (default: as compiled)", o.context));
  to.push_back(Option::of("q", "no timings", o.quiet));
}

Status tokenList(const std::string &text, std::vector<int32_t> &out) {
  std::vector<int64_t> wide;
  Status status = parseInts(text, "--tokens", wide);
  for (int64_t id : wide) {
    if (status.failed())
      break;
    if (id < 0 || id > INT32_MAX)
      status = fail(kWrongUse, "--tokens: %" PRId64 " is no token id", id);
    out.push_back(static_cast<int32_t>(id));
  }
  return status;
}

bool readOptions(const QccModel &model, int count, char **arguments, const char *usage,
                 Options &options, std::vector<std::string> *rest, int &code) {
  bool help = false, h = false;
  size_t own = options.size();
  options.push_back(Option::of("help", "this text", help));
  options.push_back(Option::of("h", "this text", h));
  Status status = parseOptions(count, arguments, options, rest);
  options.resize(own);
  code = report(model.name, status);
  if (status.failed())
    return false;
  return !printHelp(help || h, usage, options);
}

bool printHelp(bool asked, const char *usage, const Options &options) {
  if (asked)
    printf("%s%s", usage, helpText(options).c_str());
  return asked;
}

} // namespace qcc::rt
