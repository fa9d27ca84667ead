//===- Resume.cpp - Going on after an interrupted calibration ---------------------------===//

#include "compiler/Resume.h"
#include "compiler/Calibration/Sensitivity.h"
#include "frontends/Common/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/WithColor.h"

using namespace llvm;

namespace qcc {

void Resume::imported(mlir::ModuleOp module) {
  if (request.options.calibration.empty())
    return;
  static int here; // an address in this program
  key.addCompiler(sys::fs::getMainExecutable(request.program.c_str(), &here));
  key.addModule(module);
}

Error Resume::open(StringRef output, const WeightFiles &files, const CalibrationText &text) {
  key.addArray<int64_t>("window", text.window);
  key.addArray<int32_t>("tokens", text.tokens);
  key.addArray<int32_t>("held out", text.heldOut);
  // With a report, layers have more to remember.
  key.add("report", request.report.empty() ? "" : "measured");
  return open(output, files);
}

Error Resume::open(StringRef output, const WeightFiles &files, ArrayRef<TensorSample> samples) {
  for (const TensorSample &sample : samples)
    for (const rt::Array &input : sample.inputs) {
      key.addArray<int64_t>(sample.name, input.shape);
      key.add("input", {reinterpret_cast<const uint8_t *>(input.memory.data()), input.bytes});
    }
  return open(output, files);
}

Error Resume::open(StringRef output, const WeightFiles &files) {
  if (output.empty())
    return Error::success();
  key.addFiles(files);
  Expected<std::unique_ptr<CalibrationJournal>> journal = CalibrationJournal::open(
      (output + ".calibration").str(), key.finish(), request.resume,
      [](const Twine &message) { WithColor::warning() << message << '\n'; });
  if (!journal)
    return journal.takeError();
  opened = std::move(*journal);
  return Error::success();
}

void Resume::announceMatrices(const LayerRunner &runner, const Probes &probes) const {
  int64_t known = 0, total = 0;
  auto count = [&](ArrayRef<LayerRunner::Matrix> matrices, ArrayRef<GridChoice> grids) {
    for (const LayerRunner::Matrix &matrix : matrices)
      known += opened && opened->losses(lossesName(matrix.source, grids));
    total += matrices.size();
  };
  count(runner.tables(), probes.tables);
  for (int64_t layer = 0; layer < runner.layers(); ++layer)
    count(runner.matrices(layer), probes.layers);
  announce("matrix", known, total);
}

void Resume::announceSteps(StringRef kind, int64_t total) const {
  announce(kind, opened ? opened->steps() : 0, total);
}

void Resume::announce(StringRef kind, int64_t done, int64_t total) const {
  if (done > 0 && !request.quiet)
    errs() << "goes on after " << kind << ' ' << done << " of " << total << " (" << opened->path()
           << ")\n";
}

Error Resume::finish(Error result) {
  if (!opened)
    return result;
  // A full disk, a directory that cannot be written and a budget that is too small can be mended.
  // Another model or another compiler would not look at it.
  bool useful = false;
  result = handleErrors(std::move(result), [&](std::unique_ptr<ModelError> error) -> Error {
    useful = error->code() == ExitCode::DoesNotFit || error->code() == ExitCode::WrongUse;
    return Error(std::move(error));
  });
  if (!useful)
    opened->remove();
  else if (opened->hasRecords())
    WithColor::note() << opened->path() << " is kept: what calibration has found so far\n";
  return result;
}

} // namespace qcc
