//===- MultipleChoiceTest.cpp - Reading questions, and their prompts ------===//
//
// What is wrong with a line is named with its number; a prompt is a question
// with an answer, or a sentence with its blank filled.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/MultipleChoice.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace qcc::rt;

namespace {

TEST(MultipleChoice, ReadsLines) {
  std::vector<Question> questions;
  Status status = readQuestions(
      "q.jsonl",
      "{\"question\": \"2 + 2?\", \"choices\": [\"3\", \"4\"], \"label\": 1, \"x\": [1]}\n"
      "\n"
      "{\"task\": \"piqa\", \"question\": \"\\u00e9\", \"choices\": [\"a\", \"b\", \"c\"], "
      "\"label\": 0}",
      questions);
  ASSERT_FALSE(status.failed()) << status.message;
  ASSERT_EQ(questions.size(), 2u);
  EXPECT_EQ(questions[0].question, "2 + 2?");
  EXPECT_EQ(questions[0].choices, (std::vector<std::string>{"3", "4"}));
  EXPECT_EQ(questions[0].label, 1);
  EXPECT_EQ(questions[0].task, "");
  EXPECT_EQ(questions[1].task, "piqa");
  EXPECT_EQ(questions[1].question, "\xc3\xa9");
}

TEST(MultipleChoice, NamesTheLineThatIsWrong) {
  const char *good = "{\"question\": \"q\", \"choices\": [\"a\", \"b\"], \"label\": 0}\n";
  struct Case {
    const char *line, *message;
  } cases[] = {
      {"{", "JSON: "},
      {"[]", "expected a JSON object"},
      {"{\"choices\": [\"a\", \"b\"], \"label\": 0}", "expected a text as \"question\""},
      {"{\"question\": 3, \"choices\": [\"a\", \"b\"], \"label\": 0}",
       "expected a text as \"question\""},
      {"{\"question\": \"\", \"choices\": [\"a\", \"b\"], \"label\": 0}",
       "expected a text as \"question\""},
      {"{\"question\": \"q\", \"label\": 0}", "expected a list of two or more texts"},
      {"{\"question\": \"q\", \"choices\": [\"a\"], \"label\": 0}",
       "expected a list of two or more texts"},
      {"{\"question\": \"q\", \"choices\": [\"a\", 4], \"label\": 0}",
       "expected texts that are not empty"},
      {"{\"question\": \"q\", \"choices\": [\"a\", \"\"], \"label\": 0}",
       "expected texts that are not empty"},
      {"{\"question\": \"q\", \"choices\": [\"a\", \"b\"]}", "expected the number of a choice"},
      {"{\"question\": \"q\", \"choices\": [\"a\", \"b\"], \"label\": 2}",
       "expected the number of a choice, 0 to 1"},
      {"{\"question\": \"q\", \"choices\": [\"a\", \"b\"], \"label\": -1}",
       "expected the number of a choice"},
      {"{\"question\": \"q\", \"choices\": [\"a\", \"b\"], \"label\": \"0\"}",
       "expected the number of a choice"},
      {"{\"question\": \"q\", \"choices\": [\"a\", \"b\"], \"label\": 0, \"task\": 1}",
       "expected a text as \"task\""},
  };
  for (const Case &c : cases) {
    std::vector<Question> questions;
    Status status = readQuestions("q.jsonl", std::string(good) + "\n" + c.line, questions);
    EXPECT_EQ(status.code, kWrongUse) << c.line;
    EXPECT_EQ(status.message.find("q.jsonl line 3: " + std::string(c.message)), 0u)
        << status.message;
  }
  std::vector<Question> none;
  EXPECT_EQ(readQuestions("q.jsonl", " \n\n", none).message, "q.jsonl: no questions");
}

TEST(MultipleChoice, Prompts) {
  struct Case {
    const char *question, *context, *answer;
    size_t bytes;
  } cases[] = {
      {"Why?", "Question: Why?\nAnswer:", " \xc3\xa9l", 3},
      {"Ann saw _ in the mirror.", "Ann saw \xc3\xa9l", " in the mirror.", 14},
      {"_'s car is red", "\xc3\xa9l", "'s car is red", 13},
      // No blank, or no sentence behind it.
      {"a_b is a name", "Question: a_b is a name\nAnswer:", " \xc3\xa9l", 3},
      {"_ or _", "Question: _ or _\nAnswer:", " \xc3\xa9l", 3},
      {"it ends with _ ", "Question: it ends with _ \nAnswer:", " \xc3\xa9l", 3},
  };
  for (const Case &c : cases) {
    Question question;
    question.question = c.question;
    question.choices = {"x", "\xc3\xa9l"};
    Prompt prompt = promptOf(question, 1);
    EXPECT_EQ(prompt.context, c.context);
    EXPECT_EQ(prompt.answer, c.answer);
    EXPECT_EQ(prompt.answerBytes, c.bytes) << c.question;
  }
}

TEST(MultipleChoice, LossOfAToken) {
  const float logits[] = {1, 3, 2, -INFINITY};
  double sum = std::exp(1.0) + std::exp(3.0) + std::exp(2.0);
  EXPECT_NEAR(tokenLoss(logits, 4, 1), std::log(sum) - 3, 1e-6);
  EXPECT_FALSE(std::isfinite(tokenLoss(logits, 4, 3)));
}

} // namespace
