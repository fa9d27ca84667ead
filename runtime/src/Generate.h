//===- Generate.h - The verbs of a language model's program
//----------------===//
//
// A session is the model with its tokenizer and chat template. Each verb of the
// command line is one function over it; LanguageModelMain.cpp reads the
// options.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_RUNTIME_SRC_GENERATE_H
#define QCC_RUNTIME_SRC_GENERATE_H

#include "runtime/src/LanguageModel.h"
#include "runtime/src/Options.h"
#include "runtime/src/Sampler.h"
#include "runtime/text/Tokenizer.h"

namespace qcc::rt {

/// Options of every verb.
struct CommonOptions {
  int64_t threads = 0, context = 0;
  bool quiet = false;
};

struct Session {
  explicit Session(const QccModel &model) : model(model) {}

  /// Opens the model, and the tokenizer if the program has one.
  Status open(const CommonOptions &options);
  /// The tokenizer alone, of a file that is mapped.
  Status openTokenizer();
  /// Fails (kWrongUse) when the program has no tokenizer; `verb` is for the
  /// message.
  Status needTokenizer(const char *what) const;

  LanguageModel model;
  text::Tokenizer tokenizer;
  bool hasTokenizer = false;
  bool quiet = false;
};

/// How to go on from a prompt.
struct GenerateOptions {
  SamplerOptions sampler;
  int64_t count = -1; ///< most tokens; -1: until the model ends or the context is full
  bool ids = false;   ///< write token ids instead of text
  bool ignoreEos = false;
  bool ownText = false; ///< what comes is a text of its own, no continuation
};

/// What a generation did.
struct Generated {
  std::vector<int32_t> tokens;
  int64_t promptTokens = 0; ///< fed now, without what the cache already held
  double promptSeconds = 0, decodeSeconds = 0;
  bool contextFull = false; ///< ended there and not at the model's own end
};

/// Feeds `prompt` behind the `kept` tokens that the cache holds, and writes
/// what the model says to stdout as it comes. SIGINT ends it early when
/// `interruptible`.
Status generate(Session &session, const std::vector<int32_t> &prompt, int64_t kept,
                const GenerateOptions &options, Sampler &sampler, bool interruptible,
                Generated &out);

/// Timings of a generation, to stderr.
void printTimings(const Generated &generated);

/// Adds the options of sampling and generation.
void addGenerateOptions(Options &to, GenerateOptions &options, int64_t &seed);
/// Takes a negative seed from the clock.
void settleSeed(GenerateOptions &options, int64_t seed);

/// The verbs: each reads its own arguments.
int mainComplete(const QccModel &model, int count, char **arguments);
int mainChat(const QccModel &model, int count, char **arguments);
int mainBench(const QccModel &model, int count, char **arguments);
int mainEval(const QccModel &model, int count, char **arguments);
int mainTokenize(const QccModel &model, int count, char **arguments);
int mainInfo(const QccModel &model, int count, char **arguments);

void addCommonOptions(Options &to, CommonOptions &options);

/// Ids of `--tokens`, checked to fit int32.
Status tokenList(const std::string &text, std::vector<int32_t> &out);

/// When help was asked for, prints usage and options to stdout and returns
/// true.
bool printHelp(bool asked, const char *usage, const Options &options);

/// Reads a verb's options, --help among them: false when the verb ends here,
/// with `code`.
bool readOptions(const QccModel &model, int count, char **arguments, const char *usage,
                 Options &options, std::vector<std::string> *rest, int &code);

} // namespace qcc::rt

#endif // QCC_RUNTIME_SRC_GENERATE_H
