//===- LayerRunner.cpp - A language model, run layer by layer -----------------------------===//

#include "compiler/Calibration/LayerRunner.h"
#include "compiler/Model.h"
#include "frontends/Common/Error.h"
#include <cstring>

using namespace llvm;

namespace qcc {
namespace {
constexpr StringRef kTapPrefix = "tap:";

Error internal(const Twine &what) {
  return make_error<ModelError>(ExitCode::Internal, "calibration: " + what.str());
}

/// The float model: the file's own precision where that is float, else 32 bits.
CompilerOptions floatOptions(mlir::ModuleOp module, int64_t window) {
  bool half = all_of(module.getOps<nn::WeightOp>(), [](nn::WeightOp weight) {
    return weight.getFormat() == "f16" || weight.getFormat() == "bf16" ||
           cast<mlir::RankedTensorType>(weight.getSourceType()).getRank() < 2;
  });
  CompilerOptions options;
  options.bits = half ? 16 : 32;
  options.activations = Activations::F32;
  options.kv = KVCache::F32;
  options.context = window;
  options.chunk = window; // one call for a window: what observers saw of it is in one piece
  return options;
}
} // namespace

LayerRunner::~LayerRunner() = default;

Expected<std::unique_ptr<LayerRunner>> LayerRunner::create(Model &model, StringRef path,
                                                           mlir::MLIRContext &context,
                                                           const CompilerOptions &user,
                                                           int64_t window, unsigned jobs) {
  auto runner = std::unique_ptr<LayerRunner>(new LayerRunner());
  CompilerOptions importOptions = user;
  importOptions.kv = KVCache::F32;
  importOptions.context = window;
  Expected<mlir::OwningOpRef<mlir::ModuleOp>> module = model.import(&context, importOptions);
  if (!module)
    return module.takeError();
  if (Error error = prepareToWatch(**module, path, /*layers=*/true))
    return std::move(error);
  (*module)->walk([&](nn::LoadWeightOp load) {
    if (load.getInstance())
      runner->layerWeights.insert(load.getWeight());
  });
  CompilerOptions options = floatOptions(**module, window);
  runner->window = window;
  Expected<std::unique_ptr<CompiledProgram>> program =
      CompiledProgram::create(std::move(*module), model, options, jobs);
  if (!program)
    return program.takeError();
  runner->program = std::move(*program);
  for (auto weight : runner->program->module().getOps<nn::WeightOp>()) {
    if (!runner->layerWeights.contains(weight.getSymName()))
      continue;
    for (auto [layer, source] : enumerate(weight.getSources().getAsRange<mlir::StringAttr>()))
      runner->places[source.getValue()] = {weight.getSymName().str(), int64_t(layer)};
    runner->numLayers = std::max<int64_t>(runner->numLayers, weight.getSources().size());
  }
  Expected<ProgramWeights> memory = ProgramWeights::load(*runner->program, model, path, jobs);
  if (!memory)
    return memory.takeError();
  runner->memory.emplace(std::move(*memory));
  if (Error error = runner->findTaps())
    return std::move(error);
  return runner;
}

Error LayerRunner::findTaps() {
  for (const TensorDescriptor &output : ArrayRef(program->entry("layers").outputs).drop_front()) {
    StringRef name = output.name;
    if (!name.consume_front(kTapPrefix) || output.dims.size() != 2)
      return internal("unexpected result '" + output.name + "' of the layers");
    tapNames.push_back(name.str());
    observerWidths[name] = output.dims[1];
    tapBuffers.emplace_back(window * output.dims[1]);
  }
  return Error::success();
}

int64_t LayerRunner::hidden() const { return program->descriptor().languageModel->hidden; }
int64_t LayerRunner::vocabulary() const { return program->descriptor().languageModel->vocabulary; }

Error LayerRunner::embed(ArrayRef<int32_t> tokens, int64_t size, HiddenStates &out) {
  out.window = size;
  out.windows = static_cast<int64_t>(tokens.size()) / size;
  out.width = hidden();
  out.values.resize(tokens.size() * out.width);
  for (int64_t w = 0; w < out.windows; ++w)
    if (Error error = program->call("embed", {size}, {tokens.data() + w * size}, {out.of(w)}))
      return error;
  return Error::success();
}

Error LayerRunner::run(int64_t first, int64_t last, const HiddenStates &in, int64_t w,
                       HiddenStates *out, Tap tap) {
  result.resize(in.window * in.width);
  SmallVector<void *> outputs{result.data()};
  for (std::vector<float> &buffer : tapBuffers)
    outputs.push_back(buffer.data());
  constexpr int64_t position = 0;
  if (Error error =
          program->call("layers", {in.window, first, last, position}, {in.of(w)}, outputs))
    return error;
  if (tap)
    for (auto [name, buffer] : zip(tapNames, tapBuffers))
      tap(name, buffer.data(), in.window);
  if (out)
    std::memcpy(out->of(w), result.data(), result.size() * sizeof(float));
  return Error::success();
}

Error LayerRunner::head(const float *hidden, int64_t rows, float *logits) {
  return program->call("head", {rows}, {hidden}, {logits});
}

const LayerRunner::Place *LayerRunner::placeOf(StringRef source) const {
  auto found = places.find(source);
  return found == places.end() ? nullptr : &found->second;
}

std::vector<LayerRunner::Matrix> LayerRunner::matrices(int64_t layer) const {
  std::vector<Matrix> result;
  for (auto weight : program->module().getOps<nn::WeightOp>()) {
    auto type = cast<mlir::RankedTensorType>(weight.getSourceType());
    if (!weight.getObserver() || type.getRank() != 2 || layer >= int64_t(weight.getSources().size()))
      continue;
    StringRef source = cast<mlir::StringAttr>(weight.getSources()[layer]).getValue();
    result.push_back({source.str(), weight.getObserver()->str(), *placeOf(source),
                      type.getDimSize(0), type.getDimSize(1)});
  }
  return result;
}

int64_t LayerRunner::elements() const {
  int64_t sum = 0;
  for (int64_t layer = 0; layer < numLayers; ++layer)
    for (const Matrix &matrix : matrices(layer))
      sum += matrix.n * matrix.k;
  return sum;
}

std::vector<LayerRunner::Matrix> LayerRunner::tables() const {
  std::vector<Matrix> result;
  for (auto weight : program->module().getOps<nn::WeightOp>()) {
    auto type = cast<mlir::RankedTensorType>(weight.getSourceType());
    if (weight.getRole() != "embedding" && weight.getRole() != "output")
      continue;
    StringRef source = cast<mlir::StringAttr>(weight.getSources()[0]).getValue();
    result.push_back({source.str(), "", {weight.getSymName().str(), 0}, type.getDimSize(0),
                      type.getDimSize(1)});
  }
  return result;
}

std::vector<float> LayerRunner::read(const Place &place) const {
  return memory->read(place.symbol, place.layer);
}

Error LayerRunner::replace(const Place &place, int64_t firstRow, ArrayRef<float> values) {
  return memory->replace(place.symbol, place.layer, firstRow, values);
}

void LayerRunner::dropLayer(int64_t layer) {
  for (const auto &symbol : layerWeights)
    memory->drop(symbol.getKey(), layer);
}

} // namespace qcc
