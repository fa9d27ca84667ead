//===- TensorSamples.cpp - Inputs of a tensor model to calibrate on ------------------------===//

#include "compiler/Calibration/TensorSamples.h"
#include "compiler/Calibration/NpzFile.h"
#include "compiler/Codegen/ModelDescriptor.h"
#include "frontends/Common/Error.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "runtime/include/qcc/abi.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <cmath>
#include <cstring>
#include <functional>
#include <map>

using namespace llvm;

namespace qcc {
namespace {

/// An array of a directory or an archive, not read yet.
struct Item {
  std::string name;
  std::function<Error(rt::Array &)> read;
};

Expected<std::vector<Item>> itemsOfArchive(StringRef path) {
  Expected<std::shared_ptr<const MappedFile>> file = MappedFile::open(path);
  if (!file)
    return wrongUse(path, toString(file.takeError()));
  Expected<NpzFile> opened = NpzFile::open(*file);
  if (!opened)
    return opened.takeError();
  auto npz = std::make_shared<NpzFile>(std::move(*opened));
  std::vector<Item> items;
  for (const NpzFile::Member &member : npz->members())
    items.push_back(
        {member.name, [npz, &member](rt::Array &out) { return npz->read(member, out); }});
  return items;
}

Expected<std::vector<Item>> itemsOfDirectory(StringRef path) {
  std::vector<Item> items;
  std::error_code code;
  for (sys::fs::directory_iterator at(path, code), end; at != end && !code; at.increment(code)) {
    StringRef name = sys::path::filename(at->path());
    if (!name.consume_back(".npy"))
      continue;
    items.push_back({name.str(), [file = at->path()](rt::Array &out) -> Error {
                       rt::Status status = rt::readNpy(file, out);
                       return status.failed()
                                  ? make_error<ModelError>(ExitCode::WrongUse, status.message)
                                  : Error::success();
                     }});
  }
  if (code)
    return wrongUse(path, code.message());
  return items;
}

/// Names of inputs may hold what names of files may not; artifacts name their outputs so, too.
std::string fileName(StringRef name) {
  std::string result = name.str();
  for (char &c : result)
    if (!isAlnum(c) && c != '.' && c != '_' && c != '-')
      c = '_';
  return result;
}

bool isFinite(const rt::Array &array) {
  auto all = [&](auto *values) {
    return std::all_of(values, values + array.bytes / sizeof(*values),
                       [](auto value) { return std::isfinite(value); });
  };
  const uint8_t *data = array.memory.data();
  if (array.type == QCC_F32)
    return all(reinterpret_cast<const float *>(data));
  if (array.type == QCC_F64)
    return all(reinterpret_cast<const double *>(data));
  if (array.type != QCC_F16)
    return true;
  const auto *half = reinterpret_cast<const uint16_t *>(data);
  return std::none_of(half, half + array.bytes / 2,
                      [](uint16_t bits) { return (bits & 0x7c00) == 0x7c00; });
}

/// "float32 [batch, 3, 224, 224]"
std::string describe(const GraphInput &input) {
  std::string text = std::string(rt::elementName(input.type)) + " [";
  for (auto [i, dim, symbol] : enumerate(input.dims, input.symbols))
    text += (i ? ", " : "") + (dim >= 0         ? std::to_string(dim)
                               : symbol.empty() ? std::string("?")
                                                : symbol);
  return text + "]";
}

class Reader {
public:
  Reader(StringRef path, ArrayRef<GraphInput> inputs) : path(path), inputs(inputs) {}

  Expected<std::vector<TensorSample>> run(ArrayRef<Item> items) {
    for (const Item &item : items)
      if (Error error = place(item))
        return std::move(error);
    if (found.empty())
      return wrongUse(path, "holds no arrays; expected " + wanted());
    std::vector<TensorSample> samples;
    for (auto &[name, items] : found) {
      samples.push_back({name, {}});
      if (Error error = read(items, samples.back()))
        return std::move(error);
    }
    return samples;
  }

private:
  struct ByNumber {
    bool operator()(const std::string &x, const std::string &y) const {
      int order = StringRef(x).compare_numeric(y);
      return order ? order < 0 : x < y;
    }
  };

  std::string wanted() const {
    std::string text = "for each input of the model NAME.npy, or SAMPLE.in.NAME.npy of several "
                       "samples:";
    for (const GraphInput &input : inputs)
      text += " " + input.name;
    return text;
  }

  /// Finds out what an array is for.
  Error place(const Item &item) {
    // The longest name wins: one may be the end of another.
    size_t best = inputs.size(), length = 0;
    std::string sample;
    for (auto [i, input] : enumerate(inputs))
      for (const std::string &name : {input.name, fileName(input.name)}) {
        StringRef rest = item.name;
        bool whole = rest == name;
        if ((whole || rest.consume_back(".in." + name)) && name.size() >= length) {
          best = i;
          length = name.size();
          sample = whole ? "" : rest.str();
        }
      }
    if (best == inputs.size()) {
      if (StringRef(item.name).contains(".out."))
        return Error::success();
      return wrongUse(path, "the model has no input '" + item.name + "'; expected " + wanted());
    }
    std::vector<const Item *> &items = found[sample];
    items.resize(inputs.size());
    if (items[best])
      return wrongUse(path, "has input '" + inputs[best].name + "'" + of(sample) + " twice");
    items[best] = &item;
    return Error::success();
  }

  static std::string of(StringRef sample) {
    return sample.empty() ? "" : (" of sample '" + sample + "'").str();
  }

  Error read(ArrayRef<const Item *> items, TensorSample &sample) {
    std::map<std::string, int64_t> sizes;
    for (auto [input, item] : zip(inputs, items)) {
      std::string where = "input '" + input.name + "'" + of(sample.name);
      if (!item)
        return wrongUse(path, where + " is missing; expected " + wanted());
      rt::Array &array = sample.inputs.emplace_back();
      if (Error error = item->read(array))
        return error;
      if (!fits(input, array, sizes))
        return wrongUse(path, where + " is " + rt::describeArray(array.type, array.shape) +
                                  ", the model takes " + describe(input) + said(input, sizes));
      if (array.bytes == 0)
        return wrongUse(path, where + " is empty");
      if (!isFinite(array))
        return wrongUse(path, where + " has NaN or infinity; leave this sample out");
    }
    return Error::success();
  }

  /// Whether type and shape are the model's, and equal dimensions are equal.
  static bool fits(const GraphInput &input, const rt::Array &array,
                   std::map<std::string, int64_t> &sizes) {
    if (array.type != input.type || array.shape.size() != input.dims.size())
      return false;
    for (auto [size, dim, symbol] : zip(array.shape, input.dims, input.symbols)) {
      if (dim >= 0 && size != dim)
        return false;
      if (dim < 0 && !symbol.empty() && sizes.try_emplace(symbol, size).first->second != size)
        return false;
    }
    return true;
  }

  /// ", where seq is 8" of what the inputs before it said.
  static std::string said(const GraphInput &input, const std::map<std::string, int64_t> &sizes) {
    std::string text;
    for (const std::string &symbol : input.symbols)
      if (auto size = sizes.find(symbol); !symbol.empty() && size != sizes.end())
        text += (text.empty() ? ", where " : ", ") + symbol + " is " + std::to_string(size->second);
    return text;
  }

  StringRef path;
  ArrayRef<GraphInput> inputs;
  std::map<std::string, std::vector<const Item *>, ByNumber> found;
};
} // namespace

Expected<std::vector<GraphInput>> graphInputs(mlir::ModuleOp module) {
  auto run = module.lookupSymbol<mlir::func::FuncOp>("run");
  std::vector<GraphInput> inputs;
  for (unsigned i = 0; i < run.getNumArguments(); ++i) {
    auto type = cast<mlir::RankedTensorType>(run.getArgument(i).getType());
    GraphInput &input = inputs.emplace_back();
    input.name = run.getArgAttrOfType<mlir::StringAttr>(i, "nn.input").str();
    std::optional<int32_t> element = boundaryType(run, i);
    if (!element)
      return unsupported(input.name, "calibration on an input of this type");
    input.type = *element;
    auto symbols = run.getArgAttrOfType<mlir::ArrayAttr>(i, "nn.dims");
    unsigned dynamic = 0;
    for (int64_t dim : type.getShape()) {
      bool any = mlir::ShapedType::isDynamic(dim);
      input.dims.push_back(any ? -1 : dim);
      input.symbols.push_back(any ? cast<mlir::StringAttr>(symbols[dynamic++]).getValue().str()
                                  : "");
    }
  }
  return inputs;
}

Expected<std::vector<TensorSample>> readSamples(StringRef path, ArrayRef<GraphInput> inputs) {
  if (!sys::fs::exists(path))
    return wrongUse("-calib=" + path, "no such file or directory");
  bool directory = sys::fs::is_directory(path);
  if (!directory && !path.ends_with(".npz"))
    return wrongUse("-calib=" + path,
                    "a tensor model is calibrated on a directory of .npy files or a .npz file");
  Expected<std::vector<Item>> items = directory ? itemsOfDirectory(path) : itemsOfArchive(path);
  if (!items)
    return items.takeError();
  return Reader(path, inputs).run(*items);
}

std::vector<std::vector<size_t>> groupByShapes(ArrayRef<TensorSample> samples) {
  std::map<std::vector<std::vector<int64_t>>, size_t> known;
  std::vector<std::vector<size_t>> groups;
  for (auto [i, sample] : enumerate(samples)) {
    std::vector<std::vector<int64_t>> shapes;
    for (const rt::Array &input : sample.inputs)
      shapes.push_back(input.shape);
    auto [at, isNew] = known.try_emplace(std::move(shapes), groups.size());
    if (isNew)
      groups.emplace_back();
    groups[at->second].push_back(i);
  }
  return groups;
}

} // namespace qcc
