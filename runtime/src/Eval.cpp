//===- Eval.cpp - How well a language model predicts a text
//----------------===//
//
// Perplexity as llama.cpp's llama-perplexity measures it: the text is tokenized
// once and cut into windows of -c tokens that do not overlap; in each the
// tokens from the middle on are scored, so that all have at least half a window
// before them. And the logits themselves, for comparing two programs.
//
//===----------------------------------------------------------------------===//
#include "runtime/include/qcc/abi.h"
#include "runtime/src/MultipleChoice.h"
#include "runtime/src/Npy.h"

#include <cinttypes>
#include <cmath>
#include <unistd.h>

namespace qcc::rt {

namespace {

struct EvalOptions {
  std::string file, tokens, logits, choices;
  bool hasFile = false, hasTokens = false, hasLogits = false, hasChoices = false, json = false,
       keepFirst = false;
  int64_t window = 512, windows = 0, from = -1, limit = 0;
};

/// The sum over scored tokens.
struct Score {
  const int32_t *tokens = nullptr; ///< of the window
  int64_t size = 0, vocabulary = 0;
  double nll = 0, squares = 0;
  int64_t count = 0;

  Status add(int64_t row, const float *logits);
};

} // namespace

/// -log of the probability that the logits after token `row` give the next one.
Status Score::add(int64_t row, const float *logits) {
  double value = tokenLoss(logits, vocabulary, tokens[row + 1]);
  if (!std::isfinite(value))
    return fail(kInternal, "the model's logits are not numbers after token %" PRId64, row);
  nll += value;
  squares += value * value;
  ++count;
  return {};
}

static Status scoreRows(void *context, int64_t row, int64_t rows, const float *logits) {
  Score *score = static_cast<Score *>(context);
  Status status;
  for (int64_t i = 0; i < rows && row + i + 1 < score->size; ++i) {
    status = score->add(row + i, logits + i * score->vocabulary);
    if (status.failed())
      break;
  }
  return status;
}

static void progress(int64_t done, int64_t all, const Score &score) {
  const int width = 30;
  int full = static_cast<int>(done * width / all);
  fprintf(stderr, "\r[%.*s%*s] %" PRId64 "/%" PRId64 "  perplexity %.4f ", full,
          "##############################", width - full, "", done, all,
          std::exp(score.nll / static_cast<double>(score.count)));
  if (done == all)
    fputs("\n", stderr);
}

static void printPerplexity(const EvalOptions &options, const Score &score, int64_t windows,
                            size_t tokens) {
  double n = static_cast<double>(score.count), mean = score.nll / n;
  double variance = score.squares / n - mean * mean;
  double perplexity = std::exp(mean);
  double error = score.count > 1 && variance > 0
                     ? perplexity * std::sqrt(variance / static_cast<double>(score.count - 1))
                     : 0;
  if (options.json)
    printf("{\"perplexity\": %.6f, \"standard_error\": %.6f, \"nll\": %.8f, "
           "\"windows\": %" PRId64 ", \"window\": %" PRId64 ", \"from\": %" PRId64
           ", \"scored\": %" PRId64 ", \"tokens\": %zu}\n",
           perplexity, error, mean, windows, options.window, options.from, score.count, tokens);
  else
    printf("perplexity %.4f +- %.4f (%" PRId64 " windows of %" PRId64 " tokens, %" PRId64
           " tokens scored)\n",
           perplexity, error, windows, options.window, score.count);
}

/// Perplexity over the windows of a text.
static Status perplexity(Session &session, EvalOptions &options, std::vector<int32_t> tokens) {
  LanguageModel &model = session.model;
  if (options.from < 0)
    options.from = options.window / 2;
  if (options.from < 1)
    options.from = 1;
  int64_t windows = static_cast<int64_t>(tokens.size()) / options.window;
  if (windows == 0)
    return fail(kWrongUse,
                "the text has %zu tokens, less than one window of %" PRId64
                "; give more text or a smaller -c",
                tokens.size(), options.window);
  if (options.windows > 0 && options.windows < windows)
    windows = options.windows;
  // Where the model wants a begin token, each window starts with it.
  std::vector<int32_t> begin = session.tokenizer.encode("", true, false);
  bool replaceFirst = !options.keepFirst && !begin.empty() && begin[0] == session.tokenizer.bos();
  Score score;
  score.vocabulary = model.vocabulary();
  score.size = options.window;
  bool bar = isatty(STDERR_FILENO) && !session.quiet;
  for (int64_t w = 0; w < windows; ++w) {
    int32_t *window = tokens.data() + w * options.window;
    if (replaceFirst)
      window[0] = begin[0];
    score.tokens = window;
    model.rewind(0);
    // The logits after a token score the next one; those after the last none.
    Status status = model.score(window, options.window - 1, options.from - 1, scoreRows, &score);
    if (status.failed())
      return status;
    if (bar)
      progress(w + 1, windows, score);
  }
  printPerplexity(options, score, windows, tokens.size());
  return {};
}

namespace {
struct LogitsFile {
  OutputFile file;
  int64_t vocabulary = 0;
};
} // namespace

/// Writes the logits after every token as float32 [tokens, vocabulary].
static Status writeLogits(Session &session, const std::string &path,
                          const std::vector<int32_t> &tokens) {
  LogitsFile out;
  out.vocabulary = session.model.vocabulary();
  int64_t size = static_cast<int64_t>(tokens.size());
  if (size > session.model.context())
    return fail(kWrongUse,
                "%" PRId64 " tokens are more than the context of %" PRId64
                "; give fewer, or compile with a larger -ctx=",
                size, session.model.context());
  Status status = out.file.open(path);
  std::string header = npyHeader(QCC_F32, {size, out.vocabulary});
  if (!status.failed())
    status = out.file.write(header.data(), header.size());
  auto write = [](void *context, int64_t, int64_t rows, const float *logits) {
    LogitsFile *to = static_cast<LogitsFile *>(context);
    return to->file.write(logits, static_cast<size_t>(rows * to->vocabulary) * sizeof(float));
  };
  if (!status.failed())
    status = session.model.score(tokens.data(), size, 0, write, &out);
  if (!status.failed())
    status = out.file.commit();
  return status;
}

/// The questions are read first: a mistake in them costs no time.
static Status multipleChoice(const QccModel &model, const CommonOptions &common,
                             const EvalOptions &options) {
  if (options.hasLogits || options.limit < 0)
    return fail(kWrongUse, "eval --mc: --limit must be 0 or more, and there are no --logits");
  std::string text;
  std::vector<Question> questions;
  Status status = readText(options.choices, text);
  if (!status.failed())
    status = readQuestions(options.choices, text, questions);
  if (status.failed())
    return status;
  Session session(model);
  status = session.open(common);
  if (!status.failed())
    status = session.needTokenizer("eval --mc");
  if (!status.failed())
    status = evaluateChoices(session, questions, options.limit, options.json);
  return status;
}

static Status evaluate(const QccModel &model, const CommonOptions &common, EvalOptions &options) {
  if (options.hasFile + options.hasTokens + options.hasChoices != 1)
    return fail(kWrongUse, "eval: give one of -f FILE, --tokens IDS and --mc FILE.jsonl");
  if (options.hasChoices)
    return multipleChoice(model, common, options);
  if (options.hasTokens && !options.hasLogits)
    return fail(kWrongUse, "eval: --tokens needs --logits FILE.npy");
  if (options.window < 2 || options.windows < 0 || options.from >= options.window)
    return fail(kWrongUse, "eval: -c must be 2 or more, --windows 0 or more, "
                           "and --from less than -c");
  Session session(model);
  std::vector<int32_t> tokens;
  Status status;
  if (options.hasTokens)
    status = tokenList(options.tokens, tokens);
  if (!status.failed())
    status = session.open(common);
  if (!status.failed() && options.hasFile) {
    status = session.needTokenizer("eval -f");
    std::string text;
    if (!status.failed())
      status = readText(options.file, text);
    if (!status.failed())
      tokens = session.tokenizer.encode(text, /*addSpecial=*/false,
                                        /*parseSpecial=*/false);
  }
  if (status.failed())
    return status;
  if (tokens.empty())
    return fail(kWrongUse, "eval: no tokens");
  if (options.hasLogits)
    return writeLogits(session, options.logits, tokens);
  if (options.window > session.model.context())
    return fail(kWrongUse, "eval: -c %" PRId64 " is more than the context of %" PRId64,
                options.window, session.model.context());
  return perplexity(session, options, std::move(tokens));
}

int mainEval(const QccModel &model, int count, char **arguments) {
  CommonOptions common;
  EvalOptions o;
  Options options{
      Option::of("f", "FILE", "a text (-: stdin)", o.file, &o.hasFile),
      Option::of("c", "N", "tokens of a window (default 512)", o.window),
      Option::of("windows", "N", "only the first N windows; 0: all (default)", o.windows),
      Option::of("from", "N", "first token of a window that is scored (default: the middle)",
                 o.from),
      Option::of("keep-first", "do not replace a window's first token by the begin token",
                 o.keepFirst),
      Option::of("tokens", "IDS", "token ids instead of a text", o.tokens, &o.hasTokens),
      Option::of("logits", "FILE.npy", "write the logits after every token instead", o.logits,
                 &o.hasLogits),
      Option::of("mc", "FILE.jsonl", "multiple-choice questions instead of a text", o.choices,
                 &o.hasChoices),
      Option::of("limit", "N", "only the first N questions; 0: all (default)", o.limit),
      Option::of("json", "as JSON", o.json),
      Option::of("t", "N", "threads (default: the processors)", common.threads),
      Option::of("q", "no progress", common.quiet)};
  int code = 0;
  if (!readOptions(model, count, arguments,
                   "Perplexity of a text, the logits of some tokens, or the share of questions\n"
                   "answered right.\n"
                   "  PROGRAM eval -f FILE [-c 512]\n"
                   "  PROGRAM eval --tokens \"1 2 3\" --logits OUT.npy\n"
                   "  PROGRAM eval --mc QUESTIONS.jsonl [--limit N]\n",
                   options, nullptr, code))
    return code;
  return report(model.name, evaluate(model, common, o));
}

} // namespace qcc::rt
