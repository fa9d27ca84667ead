//===- CalibratedTensors.cpp - What calibration found, as tensors -----------------------===//

#include "compiler/Weights/CalibratedTensors.h"
#include "dialects/NN/IR/NN.h"
#include "frontends/Common/Error.h"
#include "frontends/Common/Json.h"
#include <cmath>

using namespace llvm;

namespace qcc {

template <typename T>
static bool add(TensorTable &table, StringRef tensor, StringRef what, ArrayRef<int64_t> shape,
                std::vector<T> values) {
  auto memory = std::make_shared<std::vector<T>>(std::move(values));
  SourceTensor source;
  source.name = nn::calibratedSource(tensor, what);
  source.dtype = std::is_same_v<T, float> ? DType::F32 : DType::I32;
  source.shape = shape.vec();
  source.bytes = {reinterpret_cast<const uint8_t *>(memory->data()), memory->size() * sizeof(T)};
  source.memory = std::move(memory);
  assert(numBytes(source.dtype, shape) == source.bytes.size() && "values of another shape");
  return table.add(std::move(source));
}

bool addCalibrated(TensorTable &table, StringRef tensor, StringRef what, ArrayRef<int64_t> shape,
                   std::vector<float> values) {
  return add(table, tensor, what, shape, std::move(values));
}

bool addCalibrated(TensorTable &table, StringRef tensor, StringRef what, ArrayRef<int64_t> shape,
                   std::vector<int32_t> values) {
  return add(table, tensor, what, shape, std::move(values));
}

Expected<TensorTable> readActivationScales(StringRef path) {
  Expected<nlohmann::json> json = readJson(path);
  if (!json)
    return json.takeError();
  if (!json->is_object())
    return badModel(path, "", "expected an object of tensor names and scales");
  TensorTable table;
  for (const auto &[name, value] : json->items()) {
    float scale = value.is_number() ? value.get<float>() : 0;
    if (!std::isnormal(scale) || scale < 0)
      return badModel(path, name, "expected a positive number as scale");
    addCalibrated(table, name, nn::kInputScale, {1}, std::vector<float>{scale});
  }
  return table;
}

Error checkCalibrated(mlir::ModuleOp module, const TensorTable &table) {
  std::vector<std::string> missing;
  for (auto weight : module.getOps<nn::WeightOp>())
    for (auto name : weight.getSources().getAsRange<mlir::StringAttr>()) {
      if (auto source = nn::parseCalibratedSource(name.getValue()))
        if (!table.find(name.getValue()))
          missing.push_back(source->tensor.str());
    }
  if (missing.empty())
    return Error::success();
  return make_error<ModelError>(
      ExitCode::WrongUse,
      "-act=static8: no scale of the activations that meet these tensors; "
      "give them with -act-scales=FILE",
      std::move(missing));
}

} // namespace qcc
