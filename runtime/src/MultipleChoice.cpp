//===- MultipleChoice.cpp - Questions with several answers -----------------===//
//
// See MultipleChoice.h. The tokens that the choices of a question share stay in
// the KV cache: only what differs is computed for each.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/MultipleChoice.h"
#include "runtime/text/Value.h"

#include <algorithm>
#include <cinttypes>
#include <cmath>
#include <cstring>
#include <unistd.h>

namespace qcc::rt {

//===--- reading --------------------------------------------------------------===//

/// What is wrong with a question, or nothing.
static std::string readQuestion(const std::string &line, Question &out) {
  text::Value value;
  std::string wrong = text::parseJson(line, value);
  if (!wrong.empty())
    return wrong;
  if (!value.isMap())
    return "expected a JSON object";
  const text::Value *question = value.find("question"), *choices = value.find("choices"),
                    *label = value.find("label"), *task = value.find("task");
  if (question == nullptr || !question->isString() || question->asString().empty())
    return "expected a text as \"question\"";
  if (choices == nullptr || !choices->isList() || choices->asList().size() < 2)
    return "expected a list of two or more texts as \"choices\"";
  for (const text::Value &choice : choices->asList()) {
    if (!choice.isString() || choice.asString().empty())
      return "expected texts that are not empty in \"choices\"";
    out.choices.push_back(choice.asString());
  }
  if (label == nullptr || !label->isInt() || label->asInt() < 0 ||
      label->asInt() >= static_cast<int64_t>(out.choices.size()))
    return format("expected the number of a choice, 0 to %zu, as \"label\"",
                  out.choices.size() - 1);
  if (task != nullptr && !task->isString())
    return "expected a text as \"task\"";
  out.question = question->asString();
  out.label = label->asInt();
  if (task != nullptr)
    out.task = task->asString();
  return "";
}

Status readQuestions(const std::string &name, const std::string &text, std::vector<Question> &out) {
  int64_t number = 0;
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos)
      continue;
    Question question;
    std::string wrong = readQuestion(line, question);
    if (!wrong.empty())
      return fail(kWrongUse, "%s line %" PRId64 ": %s", name.c_str(), number, wrong.c_str());
    out.push_back(std::move(question));
  }
  if (out.empty())
    return fail(kWrongUse, "%s: no questions", name.c_str());
  return {};
}

/// Where the one blank of a sentence is, or npos.
static size_t findBlank(const std::string &sentence) {
  size_t at = sentence.find('_');
  if (at == std::string::npos || sentence.find('_', at + 1) != std::string::npos)
    return std::string::npos;
  bool begins = at == 0 || sentence[at - 1] == ' ';
  bool goesOn = sentence.find_first_not_of(" \t\n", at + 1) != std::string::npos;
  return begins && goesOn ? at : std::string::npos;
}

Prompt promptOf(const Question &question, size_t choice) {
  Prompt prompt;
  size_t blank = findBlank(question.question);
  if (blank == std::string::npos) {
    prompt.context = "Question: " + question.question + "\nAnswer:";
    prompt.answer = " " + question.choices[choice];
  } else {
    prompt.context = question.question.substr(0, blank) + question.choices[choice];
    prompt.answer = question.question.substr(blank + 1);
  }
  size_t text = prompt.answer.find_first_not_of(' ');
  prompt.answerBytes = prompt.answer.size() - std::min(text, prompt.answer.size() - 1);
  return prompt;
}

//===--- measuring ------------------------------------------------------------===//

double tokenLoss(const float *logits, int64_t vocabulary, int32_t token) {
  float top = -INFINITY;
  for (int64_t i = 0; i < vocabulary; ++i)
    top = logits[i] > top ? logits[i] : top;
  double sum = 0;
  for (int64_t i = 0; i < vocabulary; ++i)
    sum += std::exp(logits[i] - top);
  return std::log(sum) + top - logits[token];
}

namespace {

/// Questions and right answers of one task, or of all.
struct Tally {
  std::string task;
  int64_t count = 0, right = 0, rightByBytes = 0;
};

class Examiner {
public:
  explicit Examiner(Session &session) : session(session) {
    std::vector<int32_t> special = session.tokenizer.encode("", true, false);
    if (!special.empty() && special[0] == session.tokenizer.bos())
      begin.push_back(special[0]);
  }

  Status answer(const Question &question);
  void print(bool json) const;
  const Tally &all() const { return total; }

private:
  std::vector<int32_t> encode(const std::string &text) const;
  Status likelihood(const Prompt &prompt, double &out);
  Tally &tallyOf(const std::string &task);

  Session &session;
  std::vector<int32_t> begin;
  Tally total;
  std::vector<Tally> tasks;
};

struct AnswerScore {
  const std::vector<int32_t> *tokens;
  int64_t offset, vocabulary;
  double loss = 0;
};

} // namespace

static Status addRows(void *context, int64_t row, int64_t rows, const float *logits) {
  AnswerScore *score = static_cast<AnswerScore *>(context);
  for (int64_t i = 0; i < rows; ++i) {
    size_t next = static_cast<size_t>(score->offset + row + i + 1);
    score->loss +=
        tokenLoss(logits + i * score->vocabulary, score->vocabulary, (*score->tokens)[next]);
  }
  return {};
}

std::vector<int32_t> Examiner::encode(const std::string &text) const {
  std::vector<int32_t> tokens = begin;
  std::vector<int32_t> more =
      session.tokenizer.encode(text, /*addSpecial=*/false, /*parseSpecial=*/false);
  tokens.insert(tokens.end(), more.begin(), more.end());
  return tokens;
}

/// log of the probability of a prompt's answer after its context. The answer's
/// tokens are those of the whole text behind as many as the context alone has.
Status Examiner::likelihood(const Prompt &prompt, double &out) {
  std::vector<int32_t> tokens = encode(prompt.context + prompt.answer);
  size_t first = std::min(encode(prompt.context).size(), tokens.size() - 1);
  if (first == 0)
    return fail(kWrongUse, "a question without tokens before the answer");
  LanguageModel &model = session.model;
  // The logits after the token before the answer are needed again.
  size_t shared = 0, most = std::min(first - 1, model.tokens().size());
  while (shared < most && model.tokens()[shared] == tokens[shared])
    ++shared;
  model.rewind(static_cast<int64_t>(shared));
  AnswerScore score{&tokens, static_cast<int64_t>(shared), model.vocabulary()};
  Status status =
      model.score(tokens.data() + shared, static_cast<int64_t>(tokens.size() - 1 - shared),
                  static_cast<int64_t>(first - 1 - shared), addRows, &score);
  if (!status.failed() && !std::isfinite(score.loss))
    return fail(kInternal, "the model's logits are not numbers");
  out = -score.loss;
  return status;
}

Tally &Examiner::tallyOf(const std::string &task) {
  for (Tally &tally : tasks)
    if (tally.task == task)
      return tally;
  tasks.push_back({});
  tasks.back().task = task;
  return tasks.back();
}

Status Examiner::answer(const Question &question) {
  size_t best = 0, bestByBytes = 0;
  double most = -INFINITY, mostByBytes = -INFINITY;
  for (size_t i = 0; i < question.choices.size(); ++i) {
    Prompt prompt = promptOf(question, i);
    double value = 0;
    Status status = likelihood(prompt, value);
    if (status.failed())
      return status;
    double byBytes = value / static_cast<double>(prompt.answerBytes);
    if (value > most)
      most = value, best = i;
    if (byBytes > mostByBytes)
      mostByBytes = byBytes, bestByBytes = i;
  }
  for (Tally *tally : {&total, &tallyOf(question.task)}) {
    ++tally->count;
    tally->right += best == static_cast<size_t>(question.label);
    tally->rightByBytes += bestByBytes == static_cast<size_t>(question.label);
  }
  return {};
}

/// Share and its standard error, that of a mean of zeros and ones.
static void shareOf(int64_t right, int64_t count, double &share, double &error) {
  share = static_cast<double>(right) / static_cast<double>(count);
  error = count > 1 ? std::sqrt(share * (1 - share) / static_cast<double>(count - 1)) : 0;
}

static std::string tallyText(const Tally &tally, bool json) {
  double plain, plainError, byBytes, byBytesError;
  shareOf(tally.right, tally.count, plain, plainError);
  shareOf(tally.rightByBytes, tally.count, byBytes, byBytesError);
  if (json)
    return format("\"questions\": %" PRId64 ", \"accuracy\": %.6f, \"standard_error\": %.6f, "
                  "\"acc_norm\": %.6f, \"acc_norm_standard_error\": %.6f",
                  tally.count, plain, plainError, byBytes, byBytesError);
  return format("accuracy %.4f +- %.4f, by bytes %.4f +- %.4f (%" PRId64 " questions)", plain,
                plainError, byBytes, byBytesError, tally.count);
}

void Examiner::print(bool json) const {
  if (!json) {
    if (tasks.size() > 1)
      for (const Tally &tally : tasks)
        printf("%s: %s\n", tally.task.empty() ? "(no task)" : tally.task.c_str(),
               tallyText(tally, false).c_str());
    printf("%s\n", tallyText(total, false).c_str());
    return;
  }
  std::string out = "{" + tallyText(total, true) + ", \"tasks\": {";
  for (const Tally &tally : tasks)
    out += (&tally == tasks.data() ? "" : ", ") + jsonString(tally.task) + ": {" +
           tallyText(tally, true) + "}";
  printf("%s}}\n", out.c_str());
}

Status evaluateChoices(Session &session, const std::vector<Question> &questions, int64_t limit,
                       bool json) {
  Examiner examiner(session);
  size_t count = questions.size();
  if (limit > 0)
    count = std::min(count, static_cast<size_t>(limit));
  bool bar = isatty(STDERR_FILENO) && !session.quiet;
  for (size_t i = 0; i < count; ++i) {
    Status status = examiner.answer(questions[i]);
    if (status.failed())
      return fail(static_cast<ExitCode>(status.code), "question %zu: %s", i + 1,
                  status.message.c_str());
    if (bar)
      fprintf(stderr, "\r%zu/%zu  accuracy %.4f ", i + 1, count,
              static_cast<double>(examiner.all().right) / static_cast<double>(i + 1));
  }
  if (bar)
    fputs("\n", stderr);
  examiner.print(json);
  return {};
}

} // namespace qcc::rt
