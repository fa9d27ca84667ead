//===- Model.cpp - An opened model of any kind --------------------------------------------===//

#include "compiler/Model.h"
#include "frontends/Common/Error.h"
#include "frontends/LanguageModel/Importer.h"
#include "frontends/ONNX/ImportOnnx.h"
#include "frontends/Tokenizer/GgufMetadata.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace qcc {
namespace {

/// "dir/model.gguf" and "dir/model/" are called "model".
std::string nameOf(StringRef path) {
  path = path.rtrim('/');
  return sys::fs::is_directory(path) ? sys::path::filename(path).str()
                                     : sys::path::stem(path).str();
}

class DecoderModel final : public Model {
public:
  DecoderModel(LanguageModelSource opened, const CompilerOptions &options)
      : source(std::move(opened)) {
    name = nameOf(source.path);
    if (source.quantization && options.bits != 0 && options.bits < 16)
      warnings.push_back(source.path + ": the checkpoint is quantized already (" +
                         methodName(source.quantization->method).str() +
                         "); -bits=" + std::to_string(options.bits) +
                         " quantizes its dequantized weights once more and loses quality; "
                         "-bits=keep holds them exactly");
    bool floatCodebooks = source.quantization && options.bits == 0 &&
                          source.quantization->method == QuantizationMethod::BitsAndBytes &&
                          source.quantization->bits == 4;
    if (floatCodebooks && options.activations == Activations::Int8)
      warnings.push_back(source.path + ": matrices of NF4 and FP4 have no int8 products; they run "
                                       "with float activations, as with -act=f32");
  }

  /// Takes the adapter that the options name.
  Error readAdapter(const CompilerOptions &options) {
    if (options.lora.empty())
      return options.loraMerge ? make_error<ModelError>(ExitCode::WrongUse,
                                                        "-lora-merge needs an adapter: -lora=DIR")
                               : Error::success();
    Expected<LoraAdapter> adapter = LoraAdapter::open(options.lora);
    if (!adapter)
      return adapter.takeError();
    if (Error error = source.attach(std::move(*adapter)))
      return error;
    bool keepsGrid = options.bits == 0 && source.adaptsQuantized();
    mergeAdapter = options.loraMerge.value_or(!keepsGrid);
    if (mergeAdapter && keepsGrid)
      return make_error<ModelError>(ExitCode::WrongUse,
                                    "-lora-merge=true: the base is quantized, and a merged weight "
                                    "is not on its grid; add -bits=N to quantize it anew, or keep "
                                    "the adapter beside it with -lora-merge=false");
    return Error::success();
  }

  Error readTokenizer() {
    Expected<TokenizerSpec> spec = TokenizerSpec();
    if (source.gguf) {
      if (!source.gguf->find("tokenizer.ggml.model"))
        return Error::success();
      spec = readTokenizerGguf(GgufMetadata(*source.gguf), source.path);
    } else {
      SmallString<128> file(source.path);
      sys::path::append(file, "tokenizer.json");
      if (!sys::fs::exists(file))
        return Error::success();
      spec = readTokenizerDirectory(source.path);
    }
    if (!spec)
      return spec.takeError();
    chatTemplate = spec->chatTemplate;
    for (int64_t id : source.config.eosTokenIds)
      if (!is_contained(spec->stops, id))
        spec->stops.push_back(static_cast<int32_t>(id));
    Expected<std::vector<uint8_t>> blob = buildTokenizer(*spec);
    if (!blob)
      return blob.takeError();
    tokenizer = std::move(*blob);
    return Error::success();
  }

  Expected<mlir::OwningOpRef<mlir::ModuleOp>> import(mlir::MLIRContext *context,
                                                     const CompilerOptions &options) override {
    return importLanguageModel(context, source, importOptions(options));
  }
  WeightFiles files() const override {
    return {source.tensors, source.quantization ? &*source.quantization : nullptr,
            source.adapter ? &*source.adapter : nullptr};
  }

  bool isGraph() const override { return false; }

  void describe(const CompilerOptions &options, ModelDescriptor &descriptor) const override {
    const ModelConfig &config = source.config;
    LanguageModelImportOptions import_ = importOptions(options);
    descriptor.languageModel = {config.vocabSize, config.hiddenSize, import_.context, options.chunk,
                                stateLayout(config, import_).back()};
    for (EntryDescriptor &entry : descriptor.entries)
      for (auto [dim, max] : zip(entry.dimNames, entry.dimMax))
        max = dim == "T" ? options.chunk : import_.context;
  }

private:
  LanguageModelImportOptions importOptions(const CompilerOptions &options) const {
    constexpr int64_t defaultContext = 4096;
    int64_t wanted =
        options.context ? options.context : std::min(source.config.maxPositions, defaultContext);
    // Keys lie in blocks of 16 positions.
    LanguageModelImportOptions result;
    result.context = alignTo(wanted, 16);
    result.floatCache = options.floatCache();
    result.mergeAdapter = mergeAdapter;
    result.int8Cache = options.kv == KVCache::Int8;
    return result;
  }

  LanguageModelSource source;
  bool mergeAdapter = false;
};

/// An ONNX graph: one entry point over tensors.
class GraphModel final : public Model {
public:
  GraphModel(std::unique_ptr<OnnxModel> opened, TensorTable tensors)
      : source(std::move(opened)), table(std::move(tensors)) {
    name = nameOf(source->path());
  }

  Expected<mlir::OwningOpRef<mlir::ModuleOp>> import(mlir::MLIRContext *context,
                                                     const CompilerOptions &options) override {
    OnnxImportOptions import;
    for (const auto &[input, shape] : options.shapes)
      import.shapes[input].assign(shape.begin(), shape.end());
    return importOnnx(context, *source, import);
  }
  WeightFiles files() const override { return table; }
  bool isGraph() const override { return true; }
  void describe(const CompilerOptions &, ModelDescriptor &) const override {}

private:
  std::unique_ptr<OnnxModel> source;
  TensorTable table; ///< views into source
};

Expected<std::unique_ptr<Model>> openGraph(StringRef path) {
  Expected<std::unique_ptr<OnnxModel>> source = OnnxModel::open(path);
  if (!source)
    return source.takeError();
  Expected<TensorTable> tensors = constantTensors(**source);
  if (!tensors)
    return tensors.takeError();
  return std::make_unique<GraphModel>(std::move(*source), std::move(*tensors));
}

} // namespace

bool isOnnx(StringRef path) {
  return sys::path::extension(path).equals_insensitive(".onnx") && !sys::fs::is_directory(path);
}

Expected<std::unique_ptr<Model>> openModel(StringRef path, const CompilerOptions &options) {
  if (isOnnx(path)) {
    if (!options.lora.empty() || options.loraMerge)
      return make_error<ModelError>(ExitCode::WrongUse,
                                    "-lora is for language models of a Hugging Face directory or "
                                    "a GGUF file; " +
                                        path.str() + " is an ONNX graph");
    return openGraph(path);
  }
  Expected<LanguageModelSource> source = openLanguageModel(path);
  if (!source)
    return source.takeError();
  auto model = std::make_unique<DecoderModel>(std::move(*source), options);
  if (Error error = model->readAdapter(options))
    return std::move(error);
  if (Error error = model->readTokenizer())
    return std::move(error);
  return model;
}

Expected<std::string> inspectModel(StringRef path) {
  if (isOnnx(path)) {
    Expected<std::unique_ptr<OnnxModel>> source = OnnxModel::open(path);
    if (!source)
      return source.takeError();
    return describe(**source);
  }
  Expected<LanguageModelSource> source = openLanguageModel(path);
  if (!source)
    return source.takeError();
  return describe(*source);
}

} // namespace qcc
