//===- Bench.cpp - How fast a language model is
//----------------------------===//
//
// Prefill and decode apart, each repeated, best and median told; and the time
// from the program's start to the first token. Meant as llama-bench's pp and
// tg.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/Generate.h"

#include <algorithm>
#include <cinttypes>

namespace qcc::rt {

namespace {
struct BenchOptions {
  int64_t prompt = 512, decode = 64, repetitions = 5, depth = 0;
  bool promptGiven = false, json = false;
};

struct Rates {
  std::vector<double> all;
  double best() const { return all.empty() ? 0 : *std::max_element(all.begin(), all.end()); }
  double median() const {
    std::vector<double> sorted = all;
    std::sort(sorted.begin(), sorted.end());
    size_t n = sorted.size();
    return n == 0 ? 0 : (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
  }
};

struct Results {
  double openSeconds = 0, firstTokenSeconds = 0;
  Rates prefill, decode;
};
} // namespace

static Status checkBench(BenchOptions &bench, const LanguageModel &model) {
  if (bench.prompt < 0 || bench.decode < 0 || bench.repetitions < 1 || bench.depth < 0 ||
      bench.prompt + bench.decode == 0)
    return fail(kWrongUse, "bench: -p, -n and -d must be 0 or more, -r 1 or "
                           "more, and not all 0");
  int64_t room = model.context();
  if (!bench.promptGiven)
    bench.prompt = std::min(bench.prompt, room - std::min(room, bench.depth));
  if (bench.depth > room || bench.prompt > room - bench.depth || bench.decode > room - bench.depth)
    return fail(kWrongUse,
                "bench: -d %" PRId64 " with -p %" PRId64 " or -n %" PRId64
                " is more than the context of %" PRId64,
                bench.depth, bench.prompt, bench.decode, room);
  return {};
}

static Status measure(LanguageModel &model, const BenchOptions &bench, double start, Results &out) {
  // Tokens without meaning, the same in every run.
  std::vector<int32_t> tokens(
      static_cast<size_t>(std::max({bench.prompt, bench.depth, bench.decode, int64_t(1)})));
  uint64_t random = 1;
  for (int32_t &token : tokens) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    token = static_cast<int32_t>((random >> 33) % static_cast<uint64_t>(model.vocabulary()));
  }
  const float *logits = nullptr;
  Status status;
  auto deepen = [&] {
    model.rewind(0);
    if (bench.depth != 0)
      status = model.feed(tokens.data(), bench.depth, &logits);
    return now();
  };
  for (int64_t r = 0; r <= bench.repetitions && !status.failed(); ++r) {
    double begin = deepen();
    if (bench.prompt != 0 && !status.failed())
      status = model.feed(tokens.data(), bench.prompt, &logits);
    double seconds = now() - begin;
    // The first one touches the weights for the first time: it is not counted.
    if (r == 0)
      out.firstTokenSeconds = now() - start;
    else if (bench.prompt != 0)
      out.prefill.all.push_back(static_cast<double>(bench.prompt) / seconds);
  }
  for (int64_t r = 0; r <= bench.repetitions && bench.decode != 0; ++r) {
    double begin = deepen();
    for (int64_t i = 0; i < bench.decode && !status.failed(); ++i)
      status = model.step(tokens[static_cast<size_t>(i)], &logits);
    if (status.failed())
      break;
    if (r != 0)
      out.decode.all.push_back(static_cast<double>(bench.decode) / (now() - begin));
  }
  return status;
}

static void print(const Session &session, const BenchOptions &bench, const Results &results) {
  const LanguageModel &model = session.model;
  const QccModel &about = model.program.model;
  double bytes = static_cast<double>(about.weight_bytes);
  if (!bench.json) {
    printf("prefill %" PRId64 " tokens: best %.1f, median %.1f tokens/s\n", bench.prompt,
           results.prefill.best(), results.prefill.median());
    printf("decode %" PRId64 " tokens: best %.1f, median %.1f tokens/s "
           "(%.1f GB/s of weights)\n",
           bench.decode, results.decode.best(), results.decode.median(),
           1e-9 * bytes * results.decode.best());
    printf("first token after %.1f ms (%.1f ms to open); %u threads\n",
           1e3 * results.firstTokenSeconds, 1e3 * results.openSeconds, model.program.team.size());
    return;
  }
  auto rates = [](const char *name, int64_t tokens, const Rates &r) {
    std::string out =
        format("\"%s\": {\"tokens\": %" PRId64 ", \"best\": %.3f, \"median\": %.3f, \"all\": [",
               name, tokens, r.best(), r.median());
    for (size_t i = 0; i < r.all.size(); ++i)
      out += format(i == 0 ? "%.3f" : ", %.3f", r.all[i]);
    return out + "]}";
  };
  printf("{\"model\": %s, \"threads\": %u, \"weight_bytes\": %" PRId64 ", \"depth\": %" PRId64
         ", %s, %s, \"open_ms\": %.3f, "
         "\"first_token_ms\": %.3f}\n",
         jsonString(about.name).c_str(), model.program.team.size(), about.weight_bytes, bench.depth,
         rates("prefill", bench.prompt, results.prefill).c_str(),
         rates("decode", bench.decode, results.decode).c_str(), 1e3 * results.openSeconds,
         1e3 * results.firstTokenSeconds);
}

int mainBench(const QccModel &model, int count, char **arguments) {
  double start = now();
  CommonOptions common;
  BenchOptions bench;
  Options options{
      Option::of("p", "N", "tokens of prefill (default 512)", bench.prompt, &bench.promptGiven),
      Option::of("n", "N", "tokens of decode (default 64)", bench.decode),
      Option::of("d", "N", "tokens before them (default 0)", bench.depth),
      Option::of("r", "N", "repetitions (default 5)", bench.repetitions),
      Option::of("json", "as JSON", bench.json)};
  addCommonOptions(options, common);
  int code = 0;
  if (!readOptions(model, count, arguments,
                   "Measures tokens per second.\n  PROGRAM bench [options]\n", options, nullptr,
                   code))
    return code;
  Session session(model);
  Results results;
  Status status = session.open(common);
  results.openSeconds = now() - start;
  if (!status.failed())
    status = checkBench(bench, session.model);
  if (!status.failed())
    status = measure(session.model, bench, start, results);
  if (!status.failed())
    print(session, bench, results);
  return report(model.name, status);
}

} // namespace qcc::rt
