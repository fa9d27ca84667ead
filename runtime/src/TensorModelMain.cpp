//===- TensorModelMain.cpp - Command line of a tensor model
//----------------===//
//
// run: arrays from .npy files through the model into .npy files. bench: how
// long it takes. info: what it is.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/Options.h"
#include "runtime/src/TensorModel.h"

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstring>
#include <sys/stat.h>

namespace qcc::rt {

static const char kUsage[] = "PROGRAM run --input NAME=FILE.npy ... --output-dir DIR\n"
                             "PROGRAM bench [--shape NAME=1x128 ...]\n"
                             "PROGRAM info\n"
                             "PROGRAM VERB --help\n";

/// Reads a verb's options; false when it ends here, with `code`.
static bool readOptions(const QccModel &model, int count, char **arguments, const char *usage,
                        Options options, int &code) {
  bool help = false, h = false;
  Options all = options;
  all.push_back(Option::of("help", "this text", help));
  all.push_back(Option::of("h", "this text", h));
  code = report(model.name, parseOptions(count, arguments, all, nullptr));
  if (code == 0 && (help || h))
    printf("%s%s", usage, helpText(options).c_str());
  return code == 0 && !help && !h;
}

static std::string inputNames(const QccEntry &entry) {
  std::string out;
  for (int32_t i = 0; i < entry.num_inputs; ++i)
    out += format("%s%s %s", i == 0 ? "" : ", ", entry.inputs[i].name,
                  describeTensor(entry, entry.inputs[i]).c_str());
  return out;
}

/// The number of the input in "NAME=rest". Names may hold '=' themselves.
static Status splitInput(const QccEntry &entry, const char *option, const std::string &text,
                         size_t &index, std::string &rest) {
  for (int32_t i = 0; i < entry.num_inputs; ++i) {
    size_t size = strlen(entry.inputs[i].name);
    if (text.compare(0, size, entry.inputs[i].name) != 0 || text.size() <= size ||
        text[size] != '=')
      continue;
    index = static_cast<size_t>(i);
    rest = text.substr(size + 1);
    return {};
  }
  return fail(kWrongUse, "--%s %s: no input of that name; the inputs are %s", option, text.c_str(),
              inputNames(entry).c_str());
}

/// Reads the arrays of all inputs.
static Status readInputs(const QccEntry &entry, const std::vector<std::string> &given,
                         std::vector<Array> &out) {
  out.resize(static_cast<size_t>(entry.num_inputs));
  std::vector<bool> seen(out.size());
  for (const std::string &text : given) {
    size_t index = 0;
    std::string file;
    Status status = splitInput(entry, "input", text, index, file);
    if (!status.failed() && seen[index])
      status = fail(kWrongUse, "input %s is given twice", entry.inputs[index].name);
    if (!status.failed())
      status = readNpy(file, out[index]);
    if (status.failed())
      return status;
    seen[index] = true;
  }
  for (size_t i = 0; i < seen.size(); ++i)
    if (!seen[i])
      return fail(kWrongUse, "input %s is missing: give --input %s=FILE.npy, %s",
                  entry.inputs[i].name, entry.inputs[i].name,
                  describeTensor(entry, entry.inputs[i]).c_str());
  return {};
}

/// The file name of an output.
static std::string fileName(const char *name) {
  std::string out = name;
  for (char &c : out) {
    bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                 c == '.' || c == '_' || c == '-';
    c = plain ? c : '_';
  }
  return out + ".npy";
}

static Status makeDirectory(const std::string &where) {
  if (mkdir(where.c_str(), 0777) != 0 && errno != EEXIST)
    return fail(kWrongUse, "cannot make the directory %s: %s", where.c_str(), strerror(errno));
  return {};
}

static Status writeOutputs(const TensorModel &model, const std::string &where) {
  std::vector<std::string> names;
  for (size_t i = 0; i < model.outputs.size(); ++i) {
    const QccTensor &tensor = model.entry().outputs[i];
    std::string name = fileName(tensor.name);
    if (std::find(names.begin(), names.end(), name) != names.end())
      return fail(kNotSupported, "two outputs would be written to the same file %s", name.c_str());
    names.push_back(name);
    const Array &array = model.outputs[i];
    Status status = writeNpy(where + "/" + name, array.type, array.shape, array.memory.data());
    if (status.failed())
      return status;
  }
  return {};
}

static int mainRun(const QccModel &about, int count, char **arguments) {
  std::vector<std::string> inputs;
  std::string directory;
  int64_t threads = 0;
  bool quiet = false;
  int code = 0;
  if (!readOptions(
          about, count, arguments,
          "Runs the model on arrays.\n  PROGRAM run --input NAME=FILE.npy ... "
          "--output-dir DIR\n",
          {Option::of("input", "NAME=FILE.npy", "an input array", inputs),
           Option::of("output-dir", "DIR", "where NAME.npy of each output goes", directory),
           Option::of("t", "N", "threads (default: the processors)", threads),
           Option::of("q", "no timings", quiet)},
          code))
    return code;
  if (directory.empty())
    return report(about.name, fail(kWrongUse, "run: give --output-dir DIR"));
  TensorModel model(about);
  std::vector<Array> arrays;
  Status status = model.open(threads);
  if (!status.failed())
    status = readInputs(model.entry(), inputs, arrays);
  if (!status.failed())
    status = model.prepare(arrays);
  // Before the work, not after it.
  if (!status.failed())
    status = makeDirectory(directory);
  double start = now();
  if (!status.failed())
    status = model.run();
  if (!status.failed() && !quiet)
    fprintf(stderr, "[run: %.3f ms]\n", 1e3 * (now() - start));
  if (!status.failed())
    status = writeOutputs(model, directory);
  return report(about.name, status);
}

/// "1x128" -> {1, 128}; "" is the shape of a scalar.
static Status parseShape(const std::string &text, std::vector<int64_t> &out) {
  std::string blanks = text;
  std::replace(blanks.begin(), blanks.end(), 'x', ' ');
  Status status = parseInts(blanks, "--shape", out);
  for (int64_t d : out)
    if (!status.failed() && d < 0)
      status = fail(kWrongUse, "--shape %s: negative", text.c_str());
  return status;
}

/// Values that a model computes with without overflow: ones, and small
/// fractions.
static Status fill(Array &array) {
  if (!arrayBytes(array.type, array.shape, array.bytes))
    return fail(kWrongUse, "an input of shape %s is too large",
                describeArray(array.type, array.shape).c_str());
  Status status = array.memory.reserve(array.bytes == 0 ? 1 : array.bytes, "an input", false);
  if (status.failed())
    return status;
  size_t size = elementBytes(array.type);
  for (uint64_t i = 0; i < array.bytes / size; ++i) {
    uint8_t *at = array.memory.data() + i * size;
    float fraction = static_cast<float>(i % 17) / 16 - 0.5f;
    double wide = fraction;
    // 0x3400 is 0.25 in binary16.
    uint16_t half = 0x3400;
    uint64_t one = 1;
    const void *from = array.type == QCC_F32   ? static_cast<void *>(&fraction)
                       : array.type == QCC_F64 ? static_cast<void *>(&wide)
                       : array.type == QCC_F16 ? static_cast<void *>(&half)
                                               : static_cast<void *>(&one);
    memcpy(at, from, size);
  }
  return {};
}

/// Arrays for the bench: shapes from --shape, open dimensions 1 where nothing
/// says.
static Status benchInputs(const QccEntry &entry, const std::vector<std::string> &shapes,
                          std::vector<Array> &out) {
  out.resize(static_cast<size_t>(entry.num_inputs));
  DimSolver solver(entry);
  for (const std::string &text : shapes) {
    size_t index = 0;
    std::string shape;
    std::vector<int64_t> dims;
    Status status = splitInput(entry, "shape", text, index, shape);
    if (!status.failed())
      status = parseShape(shape, dims);
    if (!status.failed())
      status = solver.add(entry.inputs[index], dims);
    if (status.failed())
      return status;
  }
  for (size_t i = 0; i < out.size(); ++i) {
    const QccTensor &tensor = entry.inputs[i];
    out[i].type = tensor.type;
    for (int32_t d = 0; d < tensor.rank; ++d) {
      int64_t dim = tensor.dims[d];
      if (dim < 0)
        dim = dim == INT64_MIN ? 1 : solver.dims[static_cast<size_t>(-1 - dim)];
      out[i].shape.push_back(dim < 0 ? 1 : dim);
    }
    Status status = fill(out[i]);
    if (status.failed())
      return status;
  }
  return {};
}

static Status bench(TensorModel &model, const std::vector<std::string> &shapes, int64_t repetitions,
                    bool json) {
  std::vector<Array> arrays;
  Status status = benchInputs(model.entry(), shapes, arrays);
  if (!status.failed())
    status = model.prepare(arrays);
  std::vector<double> times;
  // The first one touches the weights for the first time: it is not counted.
  for (int64_t i = 0; i <= repetitions && !status.failed(); ++i) {
    double start = now();
    status = model.run();
    if (i != 0)
      times.push_back(1e3 * (now() - start));
  }
  if (status.failed())
    return status;
  std::sort(times.begin(), times.end());
  double median = (times[(times.size() - 1) / 2] + times[times.size() / 2]) / 2;
  const char *text = json ? "{\"model\": %s, \"threads\": %u, \"repetitions\": %zu, "
                            "\"best_ms\": %.6f, \"median_ms\": %.6f}\n"
                          : "%s on %u threads, %zu runs: best %.3f ms, median %.3f ms\n";
  const QccModel &about = model.program.model;
  std::string name = json ? jsonString(about.name) : std::string(about.name);
  printf(text, name.c_str(), model.program.team.size(), times.size(), times[0], median);
  return {};
}

static int mainBench(const QccModel &about, int count, char **arguments) {
  std::vector<std::string> shapes;
  int64_t threads = 0, repetitions = 20;
  bool json = false;
  int code = 0;
  if (!readOptions(about, count, arguments,
                   "Measures the time of one run.\n  PROGRAM bench [options]\n",
                   {Option::of("shape", "NAME=1x128", "shape of an input", shapes),
                    Option::of("r", "N", "repetitions (default 20)", repetitions),
                    Option::of("t", "N", "threads (default: the processors)", threads),
                    Option::of("json", "as JSON", json)},
                   code))
    return code;
  if (repetitions < 1)
    return report(about.name, fail(kWrongUse, "bench: -r must be 1 or more"));
  TensorModel model(about);
  Status status = model.open(threads);
  if (!status.failed())
    status = bench(model, shapes, repetitions, json);
  return report(about.name, status);
}

static int mainInfo(const QccModel &about, int count, char **arguments) {
  bool json = false;
  int code = 0;
  if (!readOptions(about, count, arguments, "Says what this program is made of.\n  PROGRAM info\n",
                   {Option::of("json", "as JSON", json)}, code))
    return code;
  TensorModel model(about);
  Status status = model.open(0);
  if (status.failed())
    return report(about.name, status);
  std::string text = describeProgram(model.program);
  const QccEntry &entry = model.entry();
  for (int32_t i = 0; i < entry.num_inputs; ++i)
    text += format("input %s: %s\n", entry.inputs[i].name,
                   describeTensor(entry, entry.inputs[i]).c_str());
  for (int32_t i = 0; i < entry.num_outputs; ++i)
    text += format("output %s: %s\n", entry.outputs[i].name,
                   describeTensor(entry, entry.outputs[i]).c_str());
  fputs((json ? linesToJson(text) : text).c_str(), stdout);
  return kDone;
}

static int run(const QccModel &model, int count, char **arguments) {
  const char *verb = count > 1 ? arguments[1] : "";
  if (strcmp(verb, "run") == 0)
    return mainRun(model, count - 2, arguments + 2);
  if (strcmp(verb, "bench") == 0)
    return mainBench(model, count - 2, arguments + 2);
  if (strcmp(verb, "info") == 0)
    return mainInfo(model, count - 2, arguments + 2);
  if (strcmp(verb, "--help") == 0 || strcmp(verb, "-help") == 0 || strcmp(verb, "-h") == 0) {
    fputs(kUsage, stdout);
    return kDone;
  }
  return report(model.name, fail(kWrongUse, "'%s' is no verb: run, bench or info", verb));
}

} // namespace qcc::rt

int main(int count, char **arguments) {
  int code = qcc::rt::run(qcc_model, count, arguments);
  // What was printed has arrived, or it is an error.
  if (fflush(stdout) != 0 && code == 0)
    code = qcc::rt::report(qcc_model.name,
                           qcc::rt::fail(qcc::rt::kNoRoom, "cannot write to standard output"));
  return code;
}
