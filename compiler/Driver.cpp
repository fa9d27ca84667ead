//===- Driver.cpp - From a model file to an artifact ----------------------------------===//

#include "compiler/Driver.h"
#include "compiler/Calibration/Footprint.h"
#include "compiler/Calibration/GraphQuantizer.h"
#include "compiler/Calibration/LayerQuantizer.h"
#include "compiler/Calibration/Sensitivity.h"
#include "compiler/Codegen/Codegen.h"
#include "compiler/Emit/Artifact.h"
#include "compiler/Emit/HeaderWriter.h"
#include "compiler/Emit/Linker.h"
#include "compiler/Model.h"
#include "compiler/Pipeline.h"
#include "compiler/Progress.h"
#include "compiler/Report/Gather.h"
#include "compiler/Resume.h"
#include "compiler/Weights/CalibratedTensors.h"
#include "compiler/Weights/DataFreeQuantizer.h"
#include "compiler/Weights/Materialize.h"
#include "frontends/Common/Error.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "passes/Target/TargetInfo.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/WithColor.h"

using namespace llvm;

namespace qcc {
namespace {

/// Windows of the calibration text that only the report sees.
constexpr int64_t kHeldOutWindows = 4;
/// What a program takes beside weights, tokenizer and memory that it asks for.
constexpr int64_t kProgramBytes = 2 << 20;
/// Of -bits=auto: 3 bits with their scales, and 8.
constexpr double kFewestBits = 3.3, kMostBits = 8.5;

/// A file that is removed when it goes out of scope, and by Ctrl-C.
struct TemporaryFile {
  SmallString<128> path;
  ~TemporaryFile() {
    if (path.empty())
      return;
    sys::fs::remove(path);
    sys::DontRemoveFileOnSignal(path);
  }
};

class Compilation {
public:
  explicit Compilation(const CompileRequest &request)
      : request(request), progress(request.quiet), context(registry()), resume(request) {
    // Messages of passes are collected into one error.
    context.getDiagEngine().registerHandler([&](mlir::Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() != mlir::DiagnosticSeverity::Error)
        return;
      raw_string_ostream os(diagnostics);
      os << (diagnostics.empty() ? "" : "; ") << diagnostic.str();
      for (mlir::Diagnostic &note : diagnostic.getNotes())
        os << " (" << note.str() << ")";
    });
  }

  Error run() {
    if (Error error = resume.finish(compile()))
      return error;
    progress.finish();
    return showReport();
  }

private:
  Error compile() {
    Expected<TargetSpec> resolved = resolveTarget(request.target, request.cpu, request.attributes);
    if (!resolved)
      return resolved.takeError();
    target = std::move(*resolved);
    if (Error error = import())
      return error;
    if (!request.activationScales.empty()) {
      Expected<TensorTable> scales = readActivationScales(request.activationScales);
      if (!scales)
        return scales.takeError();
      calibrated = std::move(*scales);
    }
    if (Error error = chooseWeightGrids())
      return error;
    if (Error error = runPhases())
      return error;
    if (request.compileTo != Phase::LLVM || request.emit == Emit::MLIR)
      return writeText(print());
    if (request.options.calibration.empty())
      if (Error error = checkCalibrated(*module, calibrated))
        return error;
    if (Error error = generateCode())
      return error;
    return writeOutput();
  }

  static mlir::DialectRegistry registry() {
    mlir::DialectRegistry registry;
    registerDialects(registry);
    return registry;
  }

  //===--- stages --------------------------------------------------------------===//

  Error import() {
    progress.step("import");
    context.loadAllAvailableDialects();
    Expected<std::unique_ptr<Model>> opened = openModel(request.model, request.options);
    if (!opened)
      return opened.takeError();
    model = std::move(*opened);
    for (const std::string &warning : model->warnings)
      WithColor::warning() << warning << '\n';
    Expected<mlir::OwningOpRef<mlir::ModuleOp>> imported = model->import(&context, request.options);
    if (!imported)
      return imported.takeError();
    module = std::move(*imported);
    setTarget(*module, target);
    resume.imported(*module);
    if (Error error = openSamples())
      return error;
    bool isStatic = request.options.activations == Activations::Static8;
    bool keepsOutliers = is_contained(request.options.methods, Method::LlmInt8);
    if ((request.options.activations == Activations::Int8 || isStatic || keepsOutliers) &&
        TargetInfo::of(*module).dot == TargetInfo::Dot::None)
      return make_error<ModelError>(ExitCode::WrongUse,
                                    (isStatic        ? "-act=static8: "
                                     : keepsOutliers ? "-method=llm.int8: "
                                                     : "-act=int8: ") +
                                        request.target +
                                        " has no dot product of bytes; name a CPU that has one "
                                        "(-mcpu=neoverse-n1, -mattr=+dotprod) or use -act=f32");
    return dump(Phase::Import);
  }

  /// -calib of a tensor model, read first: what is wrong with it is known before anything takes time.
  Error openSamples() {
    if (!model->isGraph() || request.options.calibration.empty())
      return Error::success();
    Expected<std::vector<GraphInput>> inputs = graphInputs(*module);
    if (!inputs)
      return inputs.takeError();
    sampleInputs = std::move(*inputs);
    Expected<std::vector<TensorSample>> read = readSamples(request.options.calibration, sampleInputs);
    if (!read)
      return read.takeError();
    samples = std::move(*read);
    return Error::success();
  }

  /// Runs the stages one by one, up to the one asked for.
  Error runPhases() {
    for (const PhaseInfo &phase : phases()) {
      if (phase.phase > request.compileTo)
        break;
      if (phase.phase == Phase::Import)
        continue;
      if (phase.phase == Phase::LLVM)
        if (Error error = describeModel())
          return error;
      progress.step(phase.name);
      mlir::PassManager manager(&context);
      buildPipeline(manager, phase.phase, request.options);
      // What a pass cannot deal with is qcc's fault by now: keep it for whoever looks into it.
      std::string reproducer = sys::path::filename(model->name).str() + ".reproducer.mlir";
      manager.enableCrashReproducerGeneration(reproducer);
      diagnostics.clear();
      if (mlir::failed(manager.run(*module)))
        return stageError(phase.name, reproducer);
      if (phase.phase == Phase::Pack && request.verbose)
        listWeights();
      if (Error error = dump(phase.phase))
        return error;
    }
    return Error::success();
  }

  Error stageError(StringRef stage, StringRef reproducer) {
    return make_error<ModelError>(ExitCode::Internal,
                                  (Twine(request.model) + ": stage " + stage + ": " + diagnostics +
                                   "; this is a fault of qcc, please report it with " + reproducer)
                                      .str());
  }

  void listWeights() {
    for (auto weight : module->getOps<nn::WeightOp>()) {
      errs() << "  " << left_justify(weight.getSymName(), 32)
             << format(" %3zu x %10.3f MB  ", weight.getSources().size(),
                       *weight.getStride() / 1e6);
      if (weight.getScheme())
        errs() << *weight.getMethod() << ' ' << *weight.getScheme();
      errs() << '\n';
    }
  }

  Error describeModel() {
    Expected<std::vector<EntryDescriptor>> entries = collectEntries(*module);
    if (!entries)
      return entries.takeError();
    descriptor.entries = std::move(*entries);
    descriptor.name = model->name;
    descriptor.features = join(neededFeatures(target), ",");
    descriptor.weightBytes = weightBytes(*module);
    if (int64_t memory = request.options.memory; memory && request.options.chooseGrids)
      if (descriptor.weightBytes + besideWeights > memory)
        return make_error<ModelError>(ExitCode::DoesNotFit,
                                      formatv("-memory: the choice takes {0} bytes, {1} were given",
                                              descriptor.weightBytes + besideWeights, memory)
                                          .str());
    model->describe(request.options, descriptor);
    descriptor.info = information();
    return Error::success();
  }

  /// "key: value" lines for the `info` verb.
  std::string information() const {
    std::string text;
    raw_string_ostream os(text);
    os << "model: " << model->name << '\n'
       << "compiler: qcc " << QCC_VERSION << ", LLVM " << LLVM_VERSION_STRING << '\n'
       << "target: " << target.triple << ' ' << target.cpu << '\n'
       << "bits: " << gridLine() << "\nweights: " << descriptor.weightBytes << " bytes\n";
    if (descriptor.languageModel)
      os << "context: " << descriptor.languageModel->context << " tokens, KV cache of "
         << descriptor.languageModel->stateBytes << " bytes\n";
    return text;
  }

  /// What -bits made of the layers' matrices.
  std::string gridLine() const {
    const CompilerOptions &options = request.options;
    if (options.bits == 0)
      return "keep";
    if (options.chooseGrids || !options.recipe.empty())
      return "a grid for each matrix";
    if (options.bits > 8)
      return std::to_string(options.bits);
    return describeGrid(gridScheme(options.grid()));
  }

  Error generateCode() {
    progress.step("code");
    Expected<std::unique_ptr<llvm::Module>> translated =
        translateToLLVM(*module, descriptor, target, llvmContext);
    if (!translated)
      return translated.takeError();
    llvmModule = std::move(*translated);
    return Error::success();
  }

  //===--- output ----------------------------------------------------------------===//

  Error writeOutput() {
    if (request.emit == Emit::LLVM) {
      std::string text;
      raw_string_ostream(text) << *llvmModule;
      return writeText(text);
    }
    Expected<SmallVector<char, 0>> code = emitCode(*llvmModule, target, request.emit == Emit::Asm);
    if (!code)
      return code.takeError();
    StringRef bytes(code->data(), code->size());
    if (request.emit == Emit::Asm)
      return writeText(bytes);
    if (request.emit == Emit::Obj)
      return writeFileAtomically(outputPath(".o"), bytes);
    return linkArtifact(bytes);
  }

  Error linkArtifact(StringRef object) {
    progress.step("link");
    Expected<std::string> runtime = findRuntimeDir(request.program);
    if (!runtime)
      return runtime.takeError();
    Expected<LinkArch> arch = archOfTriple(target.triple);
    if (!arch)
      return arch.takeError();
    LinkOptions link{
        *arch, descriptor.languageModel ? RuntimeKind::LanguageModel : RuntimeKind::TensorModel,
        *runtime};
    TemporaryFile objectFile, program;
    if (Error error = temporary("o", object, objectFile))
      return error;
    if (Error error = temporary("program", {}, program))
      return error;
    std::vector<std::string> objects{objectFile.path.str().str()};
    std::string name = cIdentifier(model->name);
    std::string output = artifactPath();
    if (request.emit != Emit::Exe && descriptor.languageModel)
      return make_error<ModelError>(ExitCode::WrongUse,
                                    "-emit=shared and -emit=static are for tensor models; a "
                                    "language model is a program (-emit=exe)");
    if (request.emit == Emit::Static) {
      if (Error error = archiveStatic(link, objects, name, output))
        return error;
      if (Error error = writeArtifact({}, output + ".weights"))
        return error;
    } else {
      Error error =
          request.emit == Emit::Exe
              ? linkExecutable(link, objects, program.path.str())
              : linkShared(link, objects, name, sys::path::filename(output), program.path.str());
      if (error)
        return error;
      if (Error written = writeArtifact(program.path.str(), output))
        return written;
    }
    return request.emit == Emit::Exe ? Error::success() : writeHeader(output);
  }

  /// -bits=auto and -recipe: a grid for each matrix, before the stages need to know.
  Error chooseWeightGrids() {
    const CompilerOptions &options = request.options;
    Recipe recipe;
    if (!options.recipe.empty()) {
      Expected<Recipe> read = readRecipe(options.recipe);
      if (!read)
        return read.takeError();
      recipe = std::move(*read);
    } else if (options.chooseGrids) {
      Expected<Recipe> chosen = measureAndChoose();
      if (!chosen)
        return chosen.takeError();
      recipe = std::move(*chosen);
    } else {
      return Error::success();
    }
    if (!options.recipeOutput.empty())
      if (Error error = writeRecipe(recipe, options.recipeOutput))
        return error;
    return applyRecipe(recipe, *module, options.grid(), options.recipe);
  }

  Expected<Recipe> measureAndChoose() {
    if (model->isGraph())
      return make_error<ModelError>(ExitCode::Unsupported,
                                    "-bits=auto is for language models; of a tensor model, name "
                                    "the grids with -recipe=FILE");
    if (Error error = openCalibration())
      return std::move(error);
    progress.step("sensitivity");
    double elements = double(layerRunner->elements()), bits = request.options.bitsPerWeight;
    if (request.options.memory) {
      Expected<double> left = bitsWithin(request.options.memory, elements);
      if (!left)
        return left.takeError();
      bits = *left;
    }
    Probes probes = probesFor(bits);
    resume.announceMatrices(*layerRunner, probes);
    Expected<std::vector<WeightSensitivity>> measured =
        measureSensitivity(*layerRunner, calibrationText, probes, request.jobs,
                           [&](int64_t done, int64_t total) { progress.update(done, total); },
                           resume.journal());
    if (!measured)
      return measured.takeError();
    Expected<Recipe> recipe =
        chooseGrids(*measured, optionsFor(bits), budgetBytes(*measured, bits));
    if (recipe && !request.quiet) {
      progress.finish();
      errs() << describe(*recipe, *measured);
    }
    return recipe;
  }

  /// The bits for each of the layers' weights that -memory leaves, at most those of 8 bits.
  Expected<double> bitsWithin(int64_t memory, double elements) {
    Expected<Footprint> footprint =
        measureFootprint(*module, *model, request.options, request.jobs);
    if (!footprint)
      return footprint.takeError();
    int64_t program = model->tokenizer.size() + kProgramBytes;
    int64_t fixed = footprint->withoutLayers() + program;
    besideWeights = footprint->besideWeights() + program;
    double bits = std::min(8.0 * double(memory - fixed) / elements, kMostBits);
    if (bits < kFewestBits)
      return make_error<ModelError>(
          ExitCode::DoesNotFit,
          formatv("-memory={0:f1} MB: {1:f1} MB are taken by what is not the layers' weights ({2:f1} "
                  "MB the KV cache of -ctx), and those need {3:f1} MB or more; give more memory, or "
                  "a shorter -ctx",
                  memory / 1e6, fixed / 1e6, footprint->state / 1e6, elements * kFewestBits / 8e6)
              .str());
    if (!request.quiet) {
      progress.finish();
      errs() << formatv("{0:f1} MB without the layers' weights, {1:f1} MB of them the KV cache; {2:f2} "
                        "bits for each weight of the layers\n",
                        fixed / 1e6, footprint->state / 1e6, bits);
    }
    return bits;
  }

  /// The text, and the float model that runs on it.
  Error openCalibration() {
    if (layerRunner)
      return Error::success();
    const CompilerOptions &options = request.options;
    progress.step("calibrate");
    Expected<CalibrationText> text =
        readText("-calib", options.calibration, model->tokenizer, options.calibrationWindows,
                 options.calibrationWindow, TakeWindows::Spread, kHeldOutWindows);
    if (!text)
      return text.takeError();
    calibrationText = std::move(*text);
    for (const std::string &warning : calibrationText.warnings)
      WithColor::warning() << warning << '\n';
    Expected<std::unique_ptr<LayerRunner>> runner = LayerRunner::create(
        *model, request.model, context, options, calibrationText.window, request.jobs);
    if (!runner)
      return runner.takeError();
    layerRunner = std::move(*runner);
    return resume.open(journalBeside(), weightFiles(), calibrationText);
  }

  /// Makes ready what quantizes weights by more than their own values.
  Error calibrate() {
    const CompilerOptions &options = request.options;
    if (options.calibration.empty()) {
      quantizer = std::make_unique<DataFreeQuantizer>(request.jobs);
      return Error::success();
    }
    if (model->isGraph())
      return calibrateGraph();
    if (Error error = openCalibration())
      return error;
    auto layers = std::make_unique<LayerQuantizer>(*layerRunner, calibrationText, model->files(),
                                                   calibrated, request.jobs,
                                                   /*measure=*/!request.report.empty(),
                                                   resume.journal());
    if (Error error = layers->start(*module))
      return error;
    resume.announceSteps("layer", layerRunner->layers());
    layerQuantizer = layers.get();
    quantizer = std::move(layers);
    return Error::success();
  }

  /// The same for a tensor model.
  Error calibrateGraph() {
    progress.step("calibrate");
    Expected<std::unique_ptr<GraphRunner>> runner =
        GraphRunner::create(*model, request.model, context, request.options, sampleInputs, samples,
                            request.jobs);
    if (!runner)
      return runner.takeError();
    graphRunner = std::move(*runner);
    if (Error error = resume.open(journalBeside(), weightFiles(), samples))
      return error;
    auto graph = std::make_unique<GraphQuantizer>(*graphRunner, weightFiles(), calibrated,
                                                  request.jobs, resume.journal());
    if (Error error = graph->start(*module))
      return error;
    resume.announceSteps("step", graph->steps());
    quantizer = std::move(graph);
    return Error::success();
  }

  Error writeArtifact(StringRef program, const std::string &output) {
    Expected<std::unique_ptr<ArtifactWriter>> writer = ArtifactWriter::create(output);
    if (!writer)
      return writer.takeError();
    ArtifactWriter &artifact = **writer;
    if (!program.empty())
      if (Error error = artifact.setProgram(program))
        return error;
    if (Error error = artifact.beginWeights(descriptor.weightBytes))
      return error;
    if (Error error = calibrate())
      return error;
    progress.step("weights");
    Error error = materializeWeights(
        *module, weightFiles(), request.model,
        [&](uint64_t offset, ArrayRef<uint8_t> bytes) {
          return artifact.writeWeights(offset, bytes);
        },
        [&](uint64_t done, uint64_t total) { progress.update(done, total); }, request.jobs,
        quantizer.get());
    if (error)
      return error;
    if (Error e = artifact.setTokenizer(model->tokenizer))
      return e;
    if (Error e = artifact.setChatTemplate(model->chatTemplate))
      return e;
    if (Error e = gatherReport(artifact))
      return e;
    if (Error e = artifact.commit())
      return e;
    report.fileBytes = artifact.size();
    return Error::success();
  }

  /// The model's files, and what calibration adds to them.
  WeightFiles weightFiles() const {
    WeightFiles files = model->files();
    files.calibrated = &calibrated;
    return files;
  }

  //===--- report --------------------------------------------------------------===//

  /// What is known before the artifact is complete, and its summary into the artifact.
  Error gatherReport(ArtifactWriter &artifact) {
    report.model = model->name;
    report.compiler = std::string("qcc ") + QCC_VERSION + ", LLVM " + LLVM_VERSION_STRING;
    report.target = target.triple + " " + target.cpu;
    addWeights(*module, report);
    report.bytes.push_back({"tokenizer", model->tokenizer.size()});
    report.bytes.push_back({"program", artifact.overheadBytes() - model->tokenizer.size()});
    if (layerQuantizer) {
      int64_t heldOut = calibrationText.heldOut.size() / calibrationText.window;
      report.calibration = {calibrationText.path, calibrationText.hash, calibrationText.windows(),
                            calibrationText.window, heldOut};
      progress.step("judge");
      if (Error error = layerQuantizer->finish(report))
        return error;
      for (const std::string &warning : report.warnings)
        WithColor::warning() << warning << '\n';
      report.warnings.insert(report.warnings.begin(), calibrationText.warnings.begin(),
                             calibrationText.warnings.end());
    }
    return artifact.setReport(report.summary());
  }

  Error showReport() {
    for (const auto &[name, seconds] : progress.times())
      report.times.push_back({name, seconds});
    report.peakBytes = peakMemory();
    if (report.calibration && !request.quiet)
      errs() << report.text();
    return request.report.empty() ? Error::success() : writeReport(report, request.report);
  }

  Error writeHeader(StringRef output) {
    HeaderModel header;
    header.name = model->name;
    const EntryDescriptor &entry = descriptor.entries.front();
    auto convert = [](const TensorDescriptor &t) {
      return HeaderTensor{t.name, static_cast<QccType>(t.type), t.dims};
    };
    for (const TensorDescriptor &t : entry.inputs)
      header.inputs.push_back(convert(t));
    for (const TensorDescriptor &t : entry.outputs)
      header.outputs.push_back(convert(t));
    header.dimNames = entry.dimNames;
    header.dimMax = entry.dimMax;
    header.weightBytes = descriptor.weightBytes;
    header.weightsBeside = request.emit == Emit::Static;
    SmallString<128> path(output);
    sys::path::replace_extension(path, "h");
    return writeFileAtomically(path, headerText(header));
  }

  Error temporary(StringRef suffix, StringRef bytes, TemporaryFile &file) {
    if (std::error_code code = sys::fs::createTemporaryFile("qcc", suffix, file.path))
      return make_error<ModelError>(ExitCode::DoesNotFit, "no temporary file: " + code.message());
    sys::RemoveFileOnSignal(file.path);
    return bytes.empty() ? Error::success() : writeFileAtomically(file.path, bytes);
  }

  std::string outputPath(StringRef extension) const {
    if (!request.output.empty())
      return request.output;
    return sys::path::filename(model->name).str() + extension.str();
  }

  std::string artifactPath() const {
    return outputPath(request.emit == Emit::Exe      ? ""
                      : request.emit == Emit::Shared ? ".so"
                                                     : ".a");
  }

  /// The file that the journal of calibration belongs to; empty when that is standard output.
  std::string journalBeside() const {
    bool whole = request.compileTo == Phase::LLVM &&
                 is_contained({Emit::Exe, Emit::Shared, Emit::Static}, request.emit);
    if (whole)
      return artifactPath();
    return request.output == "-" ? "" : request.output;
  }

  Error writeText(StringRef text) {
    progress.finish();
    if (request.output.empty() || request.output == "-") {
      outs() << text;
      return Error::success();
    }
    return writeFileAtomically(request.output, text);
  }

  std::string print() {
    std::string text;
    raw_string_ostream os(text);
    mlir::OpPrintingFlags flags;
    flags.elideLargeElementsAttrs(64);
    module->print(os, flags);
    os << '\n';
    return text;
  }

  Error dump(Phase phase) {
    if (request.dumpPhasesTo.empty())
      return Error::success();
    if (std::error_code code = sys::fs::create_directories(request.dumpPhasesTo))
      return make_error<ModelError>(ExitCode::WrongUse,
                                    request.dumpPhasesTo + ": " + code.message());
    SmallString<128> path(request.dumpPhasesTo);
    sys::path::append(path, Twine(static_cast<int>(phase)) + "-" + info(phase).name + ".mlir");
    return writeFileAtomically(path, print());
  }

  const CompileRequest &request;
  Progress progress;
  mlir::MLIRContext context;
  std::string diagnostics;
  TargetSpec target;
  std::unique_ptr<Model> model;
  TensorTable calibrated; ///< what recipes take from calibration, not from the model
  int64_t besideWeights = 0; ///< with -memory: what the program holds that is not weights
  CalibrationText calibrationText;
  std::unique_ptr<LayerRunner> layerRunner;
  std::vector<GraphInput> sampleInputs;
  std::vector<TensorSample> samples;
  std::unique_ptr<GraphRunner> graphRunner;
  std::unique_ptr<WeightQuantizer> quantizer;
  LayerQuantizer *layerQuantizer = nullptr; ///< the same, when it is one
  CompileReport report;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  ModelDescriptor descriptor;
  Resume resume;
  LLVMContext llvmContext;
  std::unique_ptr<llvm::Module> llvmModule;
};

} // namespace

Error compile(const CompileRequest &request) { return Compilation(request).run(); }

Expected<std::string> inspect(StringRef path) { return inspectModel(path); }

} // namespace qcc
