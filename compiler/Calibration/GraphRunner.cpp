//===- GraphRunner.cpp - A tensor model, run on samples -----------------------------------===//

#include "compiler/Calibration/GraphRunner.h"
#include "compiler/Model.h"
#include "frontends/Common/Error.h"
#include <cstring>

using namespace llvm;

namespace qcc {
namespace {
constexpr StringRef kEntry = "run", kTapPrefix = "tap:";

/// The model with the inputs' sizes those of `sample`, observed and tapped.
Expected<mlir::OwningOpRef<mlir::ModuleOp>>
observedGraph(Model &model, StringRef path, mlir::MLIRContext &context, const CompilerOptions &user,
              ArrayRef<GraphInput> inputs, const TensorSample &sample) {
  CompilerOptions options = user;
  for (auto [input, array] : zip(inputs, sample.inputs))
    options.shapes[input.name] = array.shape;
  Expected<mlir::OwningOpRef<mlir::ModuleOp>> module = model.import(&context, options);
  if (!module)
    return module.takeError();
  if (Error error = prepareToWatch(**module, path, /*layers=*/false))
    return std::move(error);
  return module;
}

CompilerOptions floatOptions() {
  CompilerOptions options;
  options.bits = 32;
  options.activations = Activations::F32;
  return options;
}
} // namespace

Expected<std::unique_ptr<GraphRunner>>
GraphRunner::create(Model &model, StringRef path, mlir::MLIRContext &context,
                    const CompilerOptions &options, ArrayRef<GraphInput> inputs,
                    ArrayRef<TensorSample> samples, unsigned jobs) {
  auto runner = std::unique_ptr<GraphRunner>(new GraphRunner(samples));
  std::vector<std::vector<size_t>> groups = groupByShapes(samples);
  if (groups.size() > kMaxShapes)
    return wrongUse("-calib=" + options.calibration, "its samples have " + Twine(groups.size()) +
                                                         " different shapes, and each is compiled; "
                                                         "bring them to at most " +
                                                         Twine(kMaxShapes) + " by cutting them");
  for (std::vector<size_t> &group : groups) {
    Expected<mlir::OwningOpRef<mlir::ModuleOp>> module =
        observedGraph(model, path, context, options, inputs, samples[group.front()]);
    if (!module)
      return module.takeError();
    Expected<std::unique_ptr<CompiledProgram>> program =
        CompiledProgram::create(std::move(*module), model, floatOptions(), jobs);
    if (!program)
      return program.takeError();
    Variant &variant = runner->variants.emplace_back();
    variant.program = std::move(*program);
    variant.samples = std::move(group);
    Expected<ProgramWeights> weights = ProgramWeights::load(*variant.program, model, path, jobs);
    if (!weights)
      return weights.takeError();
    variant.weights.emplace(std::move(*weights));
    Expected<std::vector<rt::Array>> outputs = makeOutputs(variant);
    if (!outputs)
      return outputs.takeError();
    variant.outputs = std::move(*outputs);
  }
  for (const TensorDescriptor &output : runner->variants.front().program->entry(kEntry).outputs)
    if (StringRef name = output.name; name.consume_front(kTapPrefix))
      runner->observed.push_back({name.str(), output.dims.back()});
  if (runner->observed.empty())
    return unsupported(path,
                       "calibration has nothing to do: no matrix product has constant weights; "
                       "leave -calib out");
  return runner;
}

Expected<std::vector<rt::Array>> GraphRunner::makeOutputs(const Variant &variant) {
  std::vector<rt::Array> arrays;
  for (const TensorDescriptor &output : variant.program->entry(kEntry).outputs) {
    rt::Array &array = arrays.emplace_back();
    array.type = output.type;
    array.shape = output.dims;
    if (!rt::arrayBytes(array.type, array.shape, array.bytes))
      return make_error<ModelError>(ExitCode::Internal,
                                    "calibration: output '" + output.name + "' has no fixed size");
    rt::Status status =
        array.memory.reserve(std::max<uint64_t>(array.bytes, 1), output.name.c_str(), false);
    if (status.failed())
      return make_error<ModelError>(static_cast<ExitCode>(status.code), status.message);
  }
  return arrays;
}

ArrayRef<uint8_t> GraphRunner::exactOf(const Variant &variant) {
  return {variant.exact->data(), variant.program->weights().size()};
}

Error GraphRunner::keepExact() {
  for (Variant &variant : variants) {
    ArrayRef<uint8_t> weights = variant.program->weights();
    const Variant &first = variants.front();
    if (first.exact && exactOf(first) == weights) {
      variant.exact = first.exact;
    } else {
      variant.exact = std::make_shared<rt::Memory>();
      rt::Status status = variant.exact->reserve(weights.size(), "the float weights", false);
      if (status.failed())
        return make_error<ModelError>(static_cast<ExitCode>(status.code), status.message);
      std::memcpy(variant.exact->data(), weights.data(), weights.size());
    }
    Expected<std::vector<rt::Array>> outputs = makeOutputs(variant);
    if (!outputs)
      return outputs.takeError();
    variant.exactOutputs = std::move(*outputs);
  }
  return Error::success();
}

static SmallVector<void *> placesOf(ArrayRef<rt::Array> arrays) {
  SmallVector<void *> places;
  for (const rt::Array &array : arrays)
    places.push_back(array.memory.data());
  return places;
}

Error GraphRunner::run(Tap tap, function_ref<void()> done) {
  for (Variant &variant : variants) {
    const EntryDescriptor &entry = variant.program->entry(kEntry);
    SmallVector<void *> outputs = placesOf(variant.outputs),
                        exactOutputs = placesOf(variant.exactOutputs);
    for (size_t i : variant.samples) {
      SmallVector<void *> pointers = placesOf(samples[i].inputs);
      SmallVector<const void *> inputs(pointers.begin(), pointers.end());
      if (variant.exact)
        if (Error error = variant.program->call(kEntry, {}, inputs, exactOutputs, exactOf(variant)))
          return error;
      if (Error error = variant.program->call(kEntry, {}, inputs, outputs))
        return error;
      for (size_t output = 0; output < entry.outputs.size(); ++output) {
        StringRef name = entry.outputs[output].name;
        const rt::Array &seen = variant.outputs[output];
        if (name.consume_front(kTapPrefix))
          tap(name, variant.exact ? static_cast<const float *>(exactOutputs[output]) : nullptr,
              static_cast<const float *>(outputs[output]),
              static_cast<int64_t>(seen.bytes / sizeof(float)) / seen.shape.back());
      }
      done();
    }
  }
  return Error::success();
}

Error GraphRunner::replace(StringRef symbol, int64_t firstRow, ArrayRef<float> values) {
  for (Variant &variant : variants)
    if (Error error = variant.weights->replace(symbol, 0, firstRow, values))
      return error;
  return Error::success();
}

} // namespace qcc
