//===- ActivationScales.cpp - Static scales of activations -------------------------===//

#include "compiler/Weights/ActivationScales.h"
#include "dialects/NN/IR/NN.h"
#include "frontends/Common/Error.h"
#include "frontends/Common/Json.h"
#include <cmath>

using namespace llvm;

namespace qcc {

std::optional<StringRef> scaledTensor(StringRef source) {
  if (source.consume_front("calibration:") && source.consume_back(":input_scale"))
    return source;
  return std::nullopt;
}

bool addActivationScales(TensorTable &table, StringRef tensor, std::vector<float> scales) {
  auto values = std::make_shared<std::vector<float>>(std::move(scales));
  SourceTensor source;
  source.name = ("calibration:" + tensor + ":input_scale").str();
  source.shape = {static_cast<int64_t>(values->size())};
  source.bytes = {reinterpret_cast<const uint8_t *>(values->data()),
                  values->size() * sizeof(float)};
  source.memory = std::move(values);
  return table.add(std::move(source));
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
    addActivationScales(table, name, {scale});
  }
  return table;
}

Error checkCalibrated(mlir::ModuleOp module, const TensorTable &table) {
  std::vector<std::string> missing;
  for (auto weight : module.getOps<nn::WeightOp>())
    for (auto name : weight.getSources().getAsRange<mlir::StringAttr>()) {
      if (std::optional<StringRef> tensor = scaledTensor(name.getValue()))
        if (!table.find(name.getValue()))
          missing.push_back(tensor->str());
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
