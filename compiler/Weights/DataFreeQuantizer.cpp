//===- DataFreeQuantizer.cpp - Methods that need no calibration ------------------------------===//

#include "compiler/Weights/DataFreeQuantizer.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace qcc {

MethodOptions methodOptions(StringRef method) {
  MethodOptions options;
  SmallVector<StringRef> steps;
  method.split(steps, '+');
  for (StringRef step : steps) {
    if (step == "mse")
      options.scales = ScaleMethod::Mse;
    else if (step == "importance")
      options.scales = ScaleMethod::Importance;
    else if (step == "gptq")
      options.gptq = true, options.damping = 0.03;
    else if (step == "descent") {
      options.descentSweeps = 2;
      options.refitScales = true;
    }
  }
  return options;
}

Error DataFreeQuantizer::quantize(nn::WeightOp weight, int64_t, int64_t, ArrayRef<float> values,
                                  QuantizedMatrix &rows) {
  MethodOptions options = methodOptions(*weight.getMethod());
  options.threads = jobs;
  return quantizeMatrix(values.data(), rows.n, rows.k, rows.scheme, nullptr, options, rows);
}

} // namespace qcc
