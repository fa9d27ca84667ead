//===- Verify.cpp - A compiled program against its float model ------------------------------===//

#include "compiler/Verify.h"
#include "compiler/Calibration/CalibrationText.h"
#include "compiler/Calibration/LayerRunner.h"
#include "compiler/Model.h"
#include "compiler/Pipeline.h"
#include "compiler/Progress.h"
#include "frontends/Common/Error.h"
#include "runtime/include/qcc/abi.h"
#include "runtime/src/Npy.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"

using namespace llvm;

namespace qcc {
namespace {

class Verification {
public:
  explicit Verification(const VerifyRequest &request) : request(request), progress(request.quiet) {}

  Expected<Quality> run() {
    if (Error error = open())
      return std::move(error);
    progress.step("verify");
    for (int64_t w = 0; w < text.windows(); ++w) {
      if (Error error = compareWindow(w))
        return std::move(error);
      progress.update(w + 1, text.windows());
    }
    progress.finish();
    return comparison.finish();
  }

private:
  Error open() {
    progress.step("float model");
    CompilerOptions options;
    Expected<std::unique_ptr<Model>> opened = openModel(request.model, options);
    if (!opened)
      return opened.takeError();
    model = std::move(*opened);
    Expected<CalibrationText> read = readText("-text", request.text, model->tokenizer,
                                              request.windows, request.window, TakeWindows::First);
    if (!read)
      return read.takeError();
    text = std::move(*read);
    mlir::DialectRegistry registry;
    registerDialects(registry);
    context = std::make_unique<mlir::MLIRContext>(registry);
    context->loadAllAvailableDialects();
    Expected<std::unique_ptr<LayerRunner>> created =
        LayerRunner::create(*model, request.model, *context, options, text.window, request.jobs);
    if (!created)
      return created.takeError();
    runner = std::move(*created);
    if (std::error_code code = sys::fs::createTemporaryFile("qcc", "npy", logitsFile))
      return make_error<ModelError>(ExitCode::DoesNotFit, "no temporary file: " + code.message());
    remover.setFile(logitsFile);
    return Error::success();
  }

  Error compareWindow(int64_t w) {
    ArrayRef<int32_t> tokens = ArrayRef(text.tokens).slice(w * text.window, text.window);
    // The logits after a token score the next one; the second half of the tokens is scored.
    int64_t first = text.window / 2 - 1, rows = text.window - 1 - first;
    if (Error error = runArtifact(tokens))
      return error;
    rt::Array logits;
    if (rt::Status status = rt::readNpy(logitsFile.str().str(), logits); status.failed())
      return make_error<ModelError>(ExitCode::Internal, status.message);
    int64_t vocabulary = runner->vocabulary();
    const float *quantized = reinterpret_cast<const float *>(logits.memory.data());
    if (logits.type != QCC_F32 || logits.shape.size() != 2 || logits.shape[1] != vocabulary ||
        logits.shape[0] != text.window)
      return wrongUse(request.artifact, "has logits of another shape than " + request.model +
                                            "; was it compiled from this model?");
    HiddenStates hidden;
    if (Error error = runner->embed(tokens, text.window, hidden))
      return error;
    if (Error error = runner->run(0, runner->layers(), hidden, 0, &hidden, nullptr))
      return error;
    std::vector<float> exact(LayerRunner::kHeadRows * vocabulary);
    for (int64_t at = 0; at < rows; at += LayerRunner::kHeadRows) {
      int64_t count = std::min(LayerRunner::kHeadRows, rows - at);
      if (Error error =
              runner->head(hidden.values.data() + (first + at) * hidden.width, count, exact.data()))
        return error;
      for (int64_t r = 0; r < count; ++r)
        if (!comparison.add(exact.data() + r * vocabulary, quantized + (first + at + r) * vocabulary,
                            vocabulary, tokens[first + at + r + 1]))
          return make_error<ModelError>(ExitCode::Internal, request.artifact +
                                                                ": logits are not numbers");
    }
    return Error::success();
  }

  /// Its logits after every token, into the temporary file.
  Error runArtifact(ArrayRef<int32_t> tokens) {
    std::string ids = join(map_range(tokens, [](int32_t id) { return std::to_string(id); }), " ");
    SmallString<128> program(request.artifact);
    sys::fs::make_absolute(program);
    StringRef arguments[] = {program, "eval", "--tokens", ids, "--logits", logitsFile};
    std::string message;
    std::optional<StringRef> redirects[] = {std::nullopt, StringRef(""), std::nullopt};
    int code = sys::ExecuteAndWait(program, arguments, std::nullopt, redirects, 0, 0, &message);
    if (code == 0)
      return Error::success();
    return make_error<ModelError>(
        ExitCode::WrongUse, request.artifact + ": ended with code " + std::to_string(code) +
                                (message.empty() ? "" : " (" + message + ")") +
                                "; verify needs a language model's program that runs here");
  }

  const VerifyRequest &request;
  Progress progress;
  std::unique_ptr<mlir::MLIRContext> context;
  std::unique_ptr<Model> model;
  CalibrationText text;
  std::unique_ptr<LayerRunner> runner;
  SmallString<128> logitsFile;
  FileRemover remover;
  Comparison comparison;
};

} // namespace

Expected<Quality> verify(const VerifyRequest &request) { return Verification(request).run(); }

} // namespace qcc
