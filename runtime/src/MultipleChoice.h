//===- MultipleChoice.h - Questions with several answers -------------------===//
//
// What `eval --mc` reads and measures: for every question the answer that the
// model finds most likely, by the likelihood of the whole answer and by that of
// a byte of it. Prompts are those of lm-evaluation-harness without examples.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_RUNTIME_SRC_MULTIPLECHOICE_H
#define QCC_RUNTIME_SRC_MULTIPLECHOICE_H

#include "runtime/src/Generate.h"

namespace qcc::rt {

struct Question {
  std::string task; ///< what it belongs to; may be empty
  std::string question;
  std::vector<std::string> choices;
  int64_t label = 0; ///< the right one
};

/// Reads a JSON object a line: "question" (text), "choices" (at least two
/// texts), "label" (the number of the right one, from 0) and optionally "task".
/// Other keys and empty lines are ignored. Fails (kWrongUse) with
/// "NAME line N: ..." for the first line that is anything else.
Status readQuestions(const std::string &name, const std::string &text, std::vector<Question> &out);

/// What the model is given for a choice, and the text whose likelihood counts.
struct Prompt {
  std::string context, answer;
  size_t answerBytes = 0; ///< without the blank before it
};

/// "Question: {question}\nAnswer:" and " {choice}". A question with one blank,
/// a word "_" with text behind it, is a sentence to complete instead: the text
/// before the blank and the choice, then the rest of the sentence.
Prompt promptOf(const Question &question, size_t choice);

/// The loss of a token: -log of its probability by `logits` [vocabulary].
/// Infinite or NaN when they are no numbers.
double tokenLoss(const float *logits, int64_t vocabulary, int32_t token);

/// Answers the first `limit` questions (0: all) and prints the shares of right
/// answers to stdout, as JSON when asked for.
Status evaluateChoices(Session &session, const std::vector<Question> &questions, int64_t limit,
                       bool json);

} // namespace qcc::rt

#endif // QCC_RUNTIME_SRC_MULTIPLECHOICE_H
