//===- CalibrationText.cpp - Windows of tokens from a text ------------------------------===//

#include "compiler/Calibration/CalibrationText.h"
#include "frontends/Common/Error.h"
#include "runtime/text/Tokenizer.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SHA256.h"

using namespace llvm;

namespace qcc {
namespace {
/// As much of a text as is tokenized: far more than any calibration needs.
constexpr size_t kMostBytes = size_t(64) << 20;
/// Below this the tokenizer falls back to bytes: another language, or no text at all.
constexpr double kFewestCharactersPerToken = 2.0;

} // namespace

Expected<CalibrationText> readText(StringRef option, StringRef path, ArrayRef<uint8_t> tokenizer,
                                   int64_t windows, int64_t window, TakeWindows take,
                                   int64_t heldOut) {
  std::string named = (option + "=" + path).str();
  auto wrong = [&](const Twine &what) { return wrongUse(named, what); };
  if (tokenizer.empty())
    return wrong("the model has no tokenizer; put its tokenizer.json beside the weights");
  ErrorOr<std::unique_ptr<MemoryBuffer>> file = MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!file)
    return wrong(file.getError().message() + "; name a text file of about 100 KB or more");
  StringRef bytes = (*file)->getBuffer();
  if (bytes.trim().empty())
    return wrong("is empty; name a text file of about 100 KB or more");

  CalibrationText text;
  text.path = path.str();
  text.window = window;
  text.hash = toHex(SHA256::hash(arrayRefFromStringRef(bytes)), /*LowerCase=*/true);
  text::Tokenizer encoder;
  if (std::string fault = encoder.open(tokenizer.data(), tokenizer.size()); !fault.empty())
    return make_error<ModelError>(ExitCode::Internal, "tokenizer: " + fault);
  // Line ends are those of text files elsewhere: CR LF is one.
  SmallVector<StringRef> lines;
  bytes.take_front(kMostBytes).split(lines, "\r\n");
  std::string used = join(lines, "\n");
  std::vector<int32_t> all = encoder.encode(used, false, false);

  // With a begin token, a window is that and one token less of the text.
  std::vector<int32_t> begin = encoder.encode("", true, false);
  if (begin.size() != 1 || begin[0] != encoder.bos())
    begin.clear();
  int64_t body = window - static_cast<int64_t>(begin.size());
  int64_t available = static_cast<int64_t>(all.size()) / body;
  if (available == 0)
    return wrong("has " + Twine(all.size()) + " tokens, less than one window of " + Twine(window) +
                 "; name a longer text");
  // A short text is for calibration first: a fifth of it at most is held out.
  int64_t taken = std::min(windows + heldOut, available);
  heldOut = std::min(heldOut, std::max(taken - windows, taken / 5));
  int64_t calibrated = taken - heldOut;
  if (calibrated < windows)
    text.warnings.push_back((Twine(named) + " is short: " + Twine(calibrated) + " windows of " +
                             Twine(window) + " tokens instead of " + Twine(windows) +
                             "; results get better with a longer text")
                                .str());
  if (used.size() < kFewestCharactersPerToken * all.size())
    text.warnings.push_back((Twine(named) +
                             " is hardly text that this model knows: it has less than two bytes a "
                             "token; calibrate on text of the kind and language the model will see")
                                .str());
  for (int64_t w = 0; w < taken; ++w) {
    // Held-out windows are spread as evenly as the others.
    bool apart = (w + 1) * heldOut / taken > w * heldOut / taken;
    std::vector<int32_t> &to = apart ? text.heldOut : text.tokens;
    to.insert(to.end(), begin.begin(), begin.end());
    auto first = all.begin() + (take == TakeWindows::First ? w : w * available / taken) * body;
    to.insert(to.end(), first, first + body);
  }
  return text;
}

} // namespace qcc
