//===- qcc.cpp - The compiler's command line -------------------------------------------===//
//
// Parses options into a CompileRequest; everything else is compiler/Driver.cpp.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver.h"
#include "compiler/Model.h"
#include "compiler/Pipeline.h"
#include "compiler/Verify.h"
#include "frontends/Common/Error.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/raw_ostream.h"
#include <csignal>
#include <set>

using namespace llvm;
using namespace qcc;

static cl::OptionCategory category("qcc options");

template <typename T> using Option = cl::opt<T>;

static Option<std::string> model(cl::Positional, cl::desc("MODEL"), cl::cat(category));
static Option<std::string> output("o", cl::desc("The artifact"), cl::value_desc("FILE"),
                                  cl::cat(category));
static Option<std::string> target("target", cl::init("native"), cl::cat(category),
                                  cl::desc("native (default), x86-64-v3, x86-64-v4 or arm64"));
static Option<std::string> cpu("mcpu", cl::desc("CPU of the target (cortex-a76, znver5, ...)"),
                               cl::cat(category));
static Option<std::string> attributes("mattr", cl::desc("Features of the CPU (+dotprod,-sve)"),
                                      cl::cat(category));
static Option<std::string>
    bits("bits", cl::init("keep"), cl::cat(category),
         cl::desc("32, 16, 2..8, auto (within -bpw), or keep (default): the file's precision"));
static Option<std::string> group("group", cl::init("32"), cl::cat(category),
                                 cl::desc("Weights that share a scale: 16, 32, 64, 128 or channel"));
static Option<bool> asymmetric("asym", cl::desc("Zero points"), cl::cat(category));
enum class Scales { F16, Super };
static Option<GridKind> grid(
    "grid", cl::desc("Values that codes stand for (default for 2 to 5 bits: -grid=codebook "
                     "-group=16 -scales=super, unless one of them is given)"),
    cl::cat(category), cl::init(GridKind::Integer),
    cl::values(clEnumValN(GridKind::Integer, "integer", "equidistant"),
               clEnumValN(GridKind::Codebook, "codebook", "denser around zero (2 to 5 bits)"),
               clEnumValN(GridKind::Nf4, "nf4", "quantiles of the normal distribution (4 bits)"),
               clEnumValN(GridKind::KQuant, "kquant", "GGUF's super-blocks (2 to 6 bits)")));
static Option<Scales> scales(
    "scales", cl::desc("How the scales of groups are held"), cl::cat(category),
    cl::init(Scales::F16),
    cl::values(clEnumValN(Scales::F16, "f16", "half precision"),
               clEnumValN(Scales::Super, "super", "int8, with a half precision one for each row")));
static Option<std::string> method(
    "method", cl::value_desc("A+B"), cl::cat(category),
    cl::desc("How codes are chosen: rtn (round to nearest), mse, and with -calib importance, gptq, "
             "gptaq, descent, smoothquant, awq, llm.int8 (default: the best known for these "
             "bits); nf4 and kquant choose a grid"));
static Option<std::string> calibration("calib", cl::value_desc("PATH"), cl::cat(category),
                                       cl::desc("What to calibrate on: a text, or inputs of an ONNX "
                                                 "model (a directory of .npy files, or a .npz)"));
static Option<double> bitsPerWeight("bpw", cl::value_desc("X"), cl::cat(category),
                                    cl::desc("Budget of -bits=auto: bits per weight of the layers"));
static Option<std::string>
    memory("memory", cl::value_desc("SIZE"), cl::cat(category),
           cl::desc("Budget of -bits=auto: all that the program holds, KV cache of -ctx included "
                    "(1GB, 600MB, 1GiB)"));
static Option<std::string> recipe("recipe", cl::value_desc("FILE"), cl::cat(category),
                                  cl::desc("The grid of every weight matrix, as -save-recipe wrote it"));
static Option<std::string> saveRecipe("save-recipe", cl::value_desc("FILE"), cl::cat(category),
                                      cl::desc("Write what -bits=auto chose"));
static Option<std::string>
    reportFile("report", cl::value_desc("FILE"), cl::cat(category),
               cl::desc("Write the report: HTML when FILE ends in .html, else JSON"));
static Option<int64_t> calibrationWindows("calib-windows", cl::init(32), cl::value_desc("N"),
                                          cl::cat(category),
                                          cl::desc("Windows of 512 tokens taken of it"));
static Option<bool> resume("resume", cl::init(true), cl::cat(category),
                           cl::desc("Go on after the last finished layer of a calibration that was "
                                    "interrupted (default); =false begins anew"));
static Option<Activations> activations(
    "act", cl::desc("Activations in matmuls with integer weights"), cl::cat(category),
    cl::init(Activations::Default),
    cl::values(clEnumValN(Activations::F32, "f32", "float"),
               clEnumValN(Activations::Int8, "int8", "int8 in groups of 32, scaled on the fly"),
               clEnumValN(Activations::Static8, "static8",
                          "int8 with calibrated scales (-calib or -act-scales)")));
static Option<std::string>
    activationScales("act-scales", cl::value_desc("FILE"), cl::cat(category),
                     cl::desc("JSON with the scale of the input of each weight, for -act=static8"));
static Option<KVCache>
    kv("kv", cl::desc("How the KV cache is held (default: f16; f32 with -act=f32)"),
       cl::cat(category), cl::init(KVCache::Default),
       cl::values(clEnumValN(KVCache::Int8, "int8", "int8, with a scale for each token and head"),
                  clEnumValN(KVCache::F16, "f16", "half precision"),
                  clEnumValN(KVCache::F32, "f32", "float")));
static Option<int64_t> context("ctx", cl::desc("Largest context"), cl::value_desc("N"),
                               cl::cat(category));
static cl::list<std::string> adapters("lora", cl::value_desc("DIR"), cl::cat(category),
                                      cl::desc("A PEFT LoRA adapter"));
static Option<bool> mergeAdapter("lora-merge", cl::cat(category),
                                 cl::desc("Add the adapter to the weights, or keep it beside them "
                                          "(default: added, unless -bits=keep holds a quantized "
                                          "base's grid)"));
static cl::list<std::string> shapes("shape", cl::value_desc("NAME=1x128"), cl::cat(category),
                                    cl::desc("Fixes dimensions of an ONNX model's input"));
static Option<Emit> emit(
    "emit", cl::desc("What is written"), cl::init(Emit::Exe), cl::cat(category),
    cl::values(clEnumValN(Emit::Exe, "exe", "a program (default)"),
               clEnumValN(Emit::Shared, "shared", "a shared library and header"),
               clEnumValN(Emit::Static, "static", "a static library and header"),
               clEnumValN(Emit::Obj, "obj", "object code"),
               clEnumValN(Emit::Asm, "asm", "assembly"), clEnumValN(Emit::LLVM, "llvm", "LLVM IR"),
               clEnumValN(Emit::MLIR, "mlir", "MLIR after the last stage")));
static Option<std::string>
    compileTo("compile-to", cl::value_desc("PHASE"), cl::cat(category),
              cl::desc("Stop after a phase and write MLIR (see -list-phases)"));
static Option<std::string> dumpPhases("dump-phases-to", cl::value_desc("DIR"), cl::cat(category),
                                      cl::desc("Write the MLIR after every phase"));
static Option<bool> listPhases("list-phases", cl::desc("Print the phases"), cl::cat(category));
static Option<unsigned> jobs("j", cl::desc("Threads of the compiler (default: all)"), cl::init(0),
                             cl::cat(category));
static Option<bool> quiet("q", cl::desc("Quiet"), cl::cat(category));
static Option<bool> verbose("v", cl::desc("Verbose"), cl::cat(category));

static cl::list<std::string> more(cl::Positional, cl::cat(category), cl::Hidden);
static Option<std::string> judge("text", cl::value_desc("FILE"), cl::cat(category),
                                 cl::desc("verify: text to judge on"));
static Option<int64_t> judgeWindows("windows", cl::init(40), cl::value_desc("N"), cl::cat(category),
                                    cl::desc("verify: windows of 512 tokens taken of it"));

static int fail(Error error) { return static_cast<int>(reportError(std::move(error), errs())); }

static Error wrong(const Twine &message) {
  return make_error<ModelError>(ExitCode::WrongUse, message.str());
}

/// "name=1x128" of -shape.
static Error parseShape(StringRef text, CompilerOptions &options) {
  auto [name, sizes] = text.rsplit('=');
  std::vector<int64_t> shape;
  SmallVector<StringRef> parts;
  sizes.split(parts, 'x');
  for (StringRef part : parts) {
    int64_t size = -1;
    if (part != "?" && (part.getAsInteger(10, size) || size < 1))
      return wrong("-shape=" + text + ": expected NAME=1x128, with ? for a dimension to keep");
    shape.push_back(size);
  }
  if (name.empty() || !options.shapes.emplace(name.str(), shape).second)
    return wrong("-shape=" + text + ": names no input, or one that was named before");
  return Error::success();
}

/// Grids that have the name of a method, taken out of it: what is left chooses their codes.
static Error parseGridMethods(CompilerOptions &options, SmallVectorImpl<StringRef> &names) {
  options.gridKind = grid;
  bool given = grid.getNumOccurrences();
  for (GridKind kind : {GridKind::Nf4, GridKind::KQuant}) {
    auto found = find(names, StringRef(gridName(kind)));
    if (found == names.end())
      continue;
    if (given && options.gridKind != kind)
      return wrong("-method=" + method + " and -grid name two grids");
    names.erase(found);
    options.gridKind = kind;
    given = true;
  }
  // The best known at these bits, unless one part of the grid is asked for.
  if (options.bits >= 2 && options.bits <= 5 && !given && !asymmetric &&
      !group.getNumOccurrences() && !scales.getNumOccurrences()) {
    options.gridKind = GridKind::Codebook;
    options.superScales = true;
    options.group = 16;
  }
  if (options.gridKind == GridKind::Nf4) {
    // As its authors use it: groups of 64, their maxima quantized once more.
    if (!group.getNumOccurrences())
      options.group = 64;
    if (!scales.getNumOccurrences())
      options.superScales = options.group != 0;
    if (!method.empty() && names.empty())
      names.push_back("rtn");
  }
  bool own = options.gridKind == GridKind::KQuant;
  if (own && (group.getNumOccurrences() || scales.getNumOccurrences()))
    return wrong("-grid=kquant has groups and scales of its own: leave -group and -scales out");
  if (own && !method.empty() && names.empty())
    names.push_back(options.calibration.empty() ? "mse" : "importance");
  if (options.gridKind != GridKind::Integer && options.asymmetric)
    return wrong("-grid=" + StringRef(gridName(options.gridKind)) +
                 ": zero points (-asym) are for -grid=integer");
  if (options.gridKind == GridKind::Codebook && options.bits > 5)
    return wrong("-grid=codebook: expected -bits=2 to 5");
  if (options.gridKind != GridKind::Integer && (options.bits < 2 || options.bits > 8))
    return wrong("-grid=" + StringRef(gridName(options.gridKind)) + ": expected -bits=2 to 6");
  if (options.bits >= 2 && options.bits <= 8)
    if (std::string why = checkGrid(options.grid()); !why.empty())
      return wrong("-bits=" + bits + ": " + why);
  return Error::success();
}

/// The best known for the bits, with what there is to know.
static StringRef defaultMethod(const CompilerOptions &options) {
  if (options.calibration.empty())
    return "mse";
  if (options.bits != 8 || activations != Activations::Static8)
    return "gptaq";
  // Factors need a norm or a product to be folded into; outliers in float need nothing.
  return isOnnx(model) ? "llm.int8" : "smoothquant";
}

/// "A+B" of -method, or the best known for the bits. Steps come in the order in which they work.
static Error parseMethods(CompilerOptions &options) {
  bool codes = options.bits >= 2 && options.bits <= 8, calibrated = !options.calibration.empty();
  SmallVector<StringRef> names;
  if (!method.empty())
    StringRef(method).split(names, '+');
  if (Error error = parseGridMethods(options, names))
    return error;
  if (method.empty() && codes)
    names.push_back(defaultMethod(options));
  std::set<Method> methods;
  for (StringRef name : names) {
    if (name == "rtn" && names.size() == 1)
      continue;
    if (name == "awq")
      methods.insert({Method::Awq, Method::Importance});
    else if (name == "smoothquant")
      methods.insert(Method::SmoothQuant);
    else if (name == "llm.int8")
      methods.insert(Method::LlmInt8);
    else if (name == "mse")
      methods.insert(Method::Mse);
    else if (name == "importance")
      methods.insert(Method::Importance);
    else if (name == "gptq")
      methods.insert({Method::Importance, Method::Gptq});
    else if (name == "gptaq")
      methods.insert({Method::Importance, Method::Gptaq, Method::Gptq});
    else if (name == "descent")
      methods.insert({Method::Importance, Method::Descent});
    else
      return wrong("-method=" + method + ": '" + name +
                   "' is not rtn (alone), mse, importance, gptq, gptaq, descent, smoothquant, awq, "
                   "llm.int8, nf4 or kquant");
  }
  if (methods.count(Method::Mse) && methods.count(Method::Importance))
    methods.erase(Method::Mse);
  bool smooth = methods.count(Method::SmoothQuant);
  if (smooth && methods.count(Method::Awq))
    return wrong("-method=" + method + ": smoothquant and awq want different factors; choose one");
  bool outliers = methods.count(Method::LlmInt8);
  if ((smooth || outliers) && activations == Activations::F32)
    return wrong("-method=" + method + ": " + (smooth ? "smoothquant" : "llm.int8") +
                 " is for int8 activations, not -act=f32");
  options.methods.assign(methods.begin(), methods.end());
  if (!method.empty() && !options.methods.empty() && !codes)
    return wrong("-method=" + method + ": there is nothing to choose with -bits=" + bits);
  if (!calibrated && (smooth || outliers || methods.count(Method::Importance)))
    return wrong("-method=" + method + " needs -calib=FILE, a text to calibrate on");
  return Error::success();
}

/// "600MB" of -memory.
static Error parseMemory(CompilerOptions &options) {
  if (bitsPerWeight.getNumOccurrences())
    return wrong("-memory and -bpw are both budgets; choose one");
  StringRef text = memory, unit = text.ltrim("0123456789.");
  double factor = StringSwitch<double>(unit.upper())
                      .Cases({"G", "GB"}, 1e9)
                      .Cases({"M", "MB"}, 1e6)
                      .Cases({"K", "KB"}, 1e3)
                      .Case("GIB", 1 << 30)
                      .Case("MIB", 1 << 20)
                      .Cases({"", "B"}, 1)
                      .Default(0);
  double value = 0;
  if (factor == 0 || text.drop_back(unit.size()).getAsDouble(value) || value * factor < 1 ||
      value * factor > 1e15)
    return wrong("-memory=" + text + ": expected a size like 600MB, 1.5GB or 1GiB");
  options.memory = static_cast<int64_t>(value * factor);
  return Error::success();
}

/// The options whose values need more than a type.
static Error parse(CompileRequest &request) {
  CompilerOptions &options = request.options;
  if (bits == "auto") {
    // What no budget is spent on (nothing, unless a recipe names only some) is held in 4 bits.
    options.chooseGrids = recipe.empty();
    options.bits = 4;
    options.bitsPerWeight = bitsPerWeight.getNumOccurrences() ? bitsPerWeight : 4.5;
    if (!memory.empty())
      if (Error error = parseMemory(options))
        return error;
    if (options.bitsPerWeight < 3 || options.bitsPerWeight > 8.5)
      return wrong("-bpw: expected 3 to 8.5 bits per weight");
    if (calibration.empty() && recipe.empty())
      return wrong("-bits=auto measures what every weight loses: it needs -calib=FILE, a text");
  } else if (bitsPerWeight.getNumOccurrences() || !memory.empty()) {
    return wrong("-bpw and -memory are budgets of -bits=auto");
  } else if (bits != "keep") {
    if (StringRef(bits).getAsInteger(10, options.bits) ||
        !(options.bits == 32 || options.bits == 16 || (options.bits >= 2 && options.bits <= 8)))
      return wrong("-bits=" + bits + ": expected 32, 16, 2 to 8, auto, or keep");
  }
  if (group == "channel")
    options.group = 0;
  else if (StringRef(group).getAsInteger(10, options.group) || options.group < 16 ||
           options.group % 16 != 0 || options.group > 4096)
    return wrong("-group=" + group + ": expected 32, 64, 128 or channel");
  if (scales == Scales::Super && (options.bits < 2 || options.bits > 8 || options.group == 0))
    return wrong("-scales=super: expected -bits=2 to 8 and groups, not -group=channel");
  options.superScales = scales == Scales::Super;
  options.asymmetric = asymmetric;
  options.calibration = calibration;
  options.recipe = recipe;
  options.recipeOutput = saveRecipe;
  if (calibrationWindows < 1 || calibrationWindows > 4096)
    return wrong("-calib-windows: expected 1 to 4096");
  options.calibrationWindows = calibrationWindows;
  if (Error error = parseMethods(options))
    return error;
  if (context < 0 || context > (int64_t(1) << 24))
    return wrong("-ctx: expected a number of tokens");
  options.context = context;
  for (const std::string &shape : shapes)
    if (Error error = parseShape(shape, options))
      return error;
  if (adapters.size() > 1)
    return wrong("-lora: one adapter is possible, " + Twine(adapters.size()) +
                 " are given; add them with PEFT (add_weighted_adapter)");
  if (!adapters.empty())
    options.lora = adapters.front();
  if (mergeAdapter.getNumOccurrences())
    options.loraMerge = mergeAdapter;
  options.kv = kv;
  options.activations = activations;
  if (activations != Activations::Static8 && !activationScales.empty())
    return wrong("-act-scales=FILE is for -act=static8");
  if (activations == Activations::Static8 && activationScales.empty() == calibration.empty())
    return wrong("-act=static8 needs scales: -calib=FILE to find them in, or -act-scales=FILE");
  request.activationScales = activationScales;
  request.report = reportFile;
  request.resume = resume;
  if (!reportFile.empty() &&
      (!compileTo.empty() || (emit != Emit::Exe && emit != Emit::Shared && emit != Emit::Static)))
    return wrong("-report=" + reportFile +
                 ": there is a report of whole artifacts only, not with -compile-to or this -emit");
  if (!compileTo.empty()) {
    const PhaseInfo *phase =
        find_if(phases(), [](const PhaseInfo &p) { return p.name == compileTo; });
    if (phase == phases().end())
      return wrong("-compile-to=" + compileTo + ": no such phase; -list-phases names them");
    request.compileTo = phase->phase;
    if (emit.getNumOccurrences() == 0)
      request.emit = Emit::MLIR;
  }
  return Error::success();
}

/// qcc verify ARTIFACT MODEL
static int runVerify() {
  if (more.size() != 1 || judge.empty())
    return fail(wrong("expected qcc verify ARTIFACT MODEL -text=FILE"));
  if (judgeWindows < 1)
    return fail(wrong("-windows: expected a positive number"));
  VerifyRequest request;
  request.artifact = model;
  request.model = more.front();
  request.text = judge;
  request.windows = judgeWindows;
  request.quiet = quiet;
  request.jobs = jobs;
  Expected<Quality> quality = verify(request);
  if (!quality)
    return fail(quality.takeError());
  outs() << quality->lines();
  return 0;
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  // A limit on file sizes is an error of writing, like a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  StringRef verb = argc > 1 ? argv[1] : "";
  bool inspecting = verb == "inspect", verifying = verb == "verify";
  if (inspecting || verifying) {
    argv[1] = argv[0];
    --argc;
    ++argv;
  }
  cl::HideUnrelatedOptions(category);
  cl::SetVersionPrinter([](raw_ostream &os) {
    os << "qcc " << QCC_VERSION << " (LLVM " << LLVM_VERSION_STRING << ")\n";
  });
  if (!cl::ParseCommandLineOptions(argc, argv,
                                   "compiles a model to one native program\n\n"
                                   "  qcc MODEL [options]\n  qcc inspect MODEL\n"
                                   "  qcc verify ARTIFACT MODEL -text=FILE\n",
                                   &errs()))
    return static_cast<int>(ExitCode::WrongUse);
  if (listPhases) {
    for (const PhaseInfo &phase : phases())
      outs() << left_justify(phase.name, 12) << phase.summary << '\n';
    return 0;
  }
  if (model.empty())
    return fail(wrong("no model given; see qcc --help"));
  if (inspecting) {
    Expected<std::string> text = inspect(model);
    if (!text)
      return fail(text.takeError());
    outs() << *text;
    return 0;
  }
  if (verifying)
    return runVerify();
  if (!more.empty())
    return fail(wrong("one model at a time: what is '" + more.front() + "'?"));
  CompileRequest request;
  request.model = model;
  request.output = output;
  request.target = target;
  request.cpu = cpu;
  request.attributes = attributes;
  request.emit = emit;
  request.dumpPhasesTo = dumpPhases;
  request.program = sys::fs::getMainExecutable(argv[0], reinterpret_cast<void *>(main));
  request.quiet = quiet;
  request.verbose = verbose;
  request.jobs = jobs;
  if (Error error = parse(request))
    return fail(std::move(error));
  // The linker registers options of its own, some by the same names.
  cl::ResetCommandLineParser();
  if (Error error = compile(request))
    return fail(std::move(error));
  return 0;
}
