//===- LanguageModelTest.cpp
//-----------------------------------------------===//
//
// Sessions over FakeLanguageModel.c, whose next token is known.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/LanguageModel.h"
#include "TempFile.h"

using namespace qcc::rt;

static const int32_t kWeights[] = {7, 3};

/// The fake model with weights inside the program.
static QccModel fake() {
  QccModel model = qcc_model;
  model.weights = reinterpret_cast<const uint8_t *>(kWeights);
  return model;
}

static int32_t want(const std::vector<int32_t> &tokens) {
  int64_t sum = 0;
  for (int32_t token : tokens)
    sum += token;
  return static_cast<int32_t>((7 * sum + 3 * static_cast<int64_t>(tokens.size() - 1)) % 64);
}

static int32_t largest(const float *logits) {
  int32_t best = 0;
  for (int32_t i = 1; i < 64; ++i)
    best = logits[i] > logits[best] ? i : best;
  return best;
}

/// n tokens.
static std::vector<int32_t> some(int n) {
  std::vector<int32_t> out;
  for (int i = 0; i < n; ++i)
    out.push_back((i * 11 + 5) % 64);
  return out;
}

TEST(LanguageModel, FeedsInChunksAndDecodes) {
  QccModel model = fake();
  for (int64_t threads : {1, 2, 3})
    for (int size : {1, 15, 16, 17, 40}) {
      LanguageModel lm(model);
      Status status = lm.open(threads, 0);
      ASSERT_FALSE(status.failed()) << status.message;
      std::vector<int32_t> tokens = some(size);
      const float *logits = nullptr;
      ASSERT_FALSE(lm.feed(tokens.data(), size, &logits).failed());
      for (int step = 0; step < 10; ++step) {
        int32_t next = largest(logits);
        ASSERT_EQ(next, want(tokens)) << size << " " << step;
        tokens.push_back(next);
        ASSERT_FALSE(lm.step(next, &logits).failed());
        EXPECT_EQ(lm.tokens(), tokens);
      }
    }
}

TEST(LanguageModel, RewindsAndGoesOn) {
  QccModel model = fake();
  LanguageModel lm(model);
  ASSERT_FALSE(lm.open(2, 0).failed());
  std::vector<int32_t> tokens = some(30);
  const float *logits = nullptr;
  ASSERT_FALSE(lm.feed(tokens.data(), 30, &logits).failed());
  lm.rewind(10);
  tokens.resize(10);
  tokens.push_back(63);
  ASSERT_FALSE(lm.feed(&tokens[10], 1, &logits).failed());
  EXPECT_EQ(largest(logits), want(tokens));
}

namespace {
struct Rows {
  std::vector<int64_t> numbers;
  std::vector<int32_t> next;
};
} // namespace

TEST(LanguageModel, ScoresFromARowOn) {
  QccModel model = fake();
  std::vector<int32_t> tokens = some(50);
  for (int64_t first : {0, 1, 20, 31, 32, 49}) {
    LanguageModel lm(model);
    ASSERT_FALSE(lm.open(2, 0).failed());
    Rows rows;
    auto sink = [](void *context, int64_t row, int64_t count, const float *logits) {
      Rows *to = static_cast<Rows *>(context);
      for (int64_t i = 0; i < count; ++i) {
        to->numbers.push_back(row + i);
        to->next.push_back(largest(logits + i * 64));
      }
      return Status();
    };
    ASSERT_FALSE(lm.score(tokens.data(), 50, first, sink, &rows).failed());
    ASSERT_EQ(rows.numbers.size(), static_cast<size_t>(50 - first));
    for (size_t i = 0; i < rows.numbers.size(); ++i) {
      EXPECT_EQ(rows.numbers[i], first + static_cast<int64_t>(i));
      EXPECT_EQ(rows.next[i], want({tokens.begin(), tokens.begin() + rows.numbers[i] + 1}));
    }
  }
}

TEST(LanguageModel, SinkEndsIt) {
  QccModel model = fake();
  LanguageModel lm(model);
  ASSERT_FALSE(lm.open(1, 0).failed());
  std::vector<int32_t> tokens = some(40);
  int calls = 0;
  auto sink = [](void *context, int64_t, int64_t, const float *) {
    ++*static_cast<int *>(context);
    return fail(kNoRoom, "full");
  };
  expectFailure(lm.score(tokens.data(), 40, 0, sink, &calls), kNoRoom, "full");
  EXPECT_EQ(calls, 1);
}

TEST(LanguageModel, NeverCutsSilently) {
  QccModel model = fake();
  std::vector<int32_t> tokens = some(97);
  const float *logits = nullptr;
  LanguageModel lm(model);
  ASSERT_FALSE(lm.open(1, 0).failed());
  expectFailure(lm.feed(tokens.data(), 97, &logits), kWrongUse,
                "97 tokens, and the context has room for 96");
  ASSERT_FALSE(lm.feed(tokens.data(), 96, &logits).failed());
  expectFailure(lm.step(1, &logits), kWrongUse, "compile with a larger -ctx=");
  LanguageModel small(model);
  ASSERT_FALSE(small.open(1, 20).failed());
  expectFailure(small.feed(tokens.data(), 21, &logits), kWrongUse, "raise -c");
}

TEST(LanguageModel, SaysWhatIsWrong) {
  QccModel model = fake();
  LanguageModel lm(model);
  expectFailure(lm.open(1, 97), kWrongUse,
                "-c 97: this program was compiled for a context of 96 tokens; "
                "compile it again with -ctx=97");
  expectFailure(lm.open(-1, 0), kWrongUse, "-t -1: no such number of threads");
  LanguageModel good(model);
  ASSERT_FALSE(good.open(1, 0).failed());
  const float *logits = nullptr;
  int32_t bad = 64;
  expectFailure(good.feed(&bad, 1, &logits), kWrongUse,
                "token 64 is not in the vocabulary, which has 64 tokens");
  bad = -1;
  expectFailure(good.step(bad, &logits), kWrongUse, "token -1 is not in");
}

TEST(LanguageModel, ChecksTheContract) {
  QccModel wrongVersion = fake();
  wrongVersion.version = 99;
  expectFailure(LanguageModel(wrongVersion).open(1, 0), kInternal,
                "compiled for version 99 of the runtime");
  QccModel tensor = fake();
  tensor.language_model = nullptr;
  expectFailure(LanguageModel(tensor).open(1, 0), kInternal, "is no language model");
  QccModel noHead = fake();
  noHead.num_entries = 2;
  expectFailure(LanguageModel(noHead).open(1, 0), kInternal, "has no entry point head");
  QccLanguageModel about = *qcc_model.language_model;
  about.chunk = 0;
  QccModel noChunk = fake();
  noChunk.language_model = &about;
  expectFailure(LanguageModel(noChunk).open(1, 0), kInternal, "describes itself wrongly");
}

TEST(Program, Describes) {
  QccModel model = fake();
  LanguageModel lm(model);
  ASSERT_FALSE(lm.open(2, 0).failed());
  std::string text = describeProgram(lm.program);
  EXPECT_NE(text.find("name: fake\nbits: 32\n"), std::string::npos);
  EXPECT_NE(text.find("threads: 2\n"), std::string::npos);
  EXPECT_EQ(linesToJson("a: 1\nb c: x: y\nno colon\n"), "{\"a\": 1, \"b c\": \"x: y\"}\n");
}
