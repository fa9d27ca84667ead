//===- DataFreeQuantizer.h - Methods that need no calibration --------------------------------===//
//
// Searches scales by the weights alone: what `-method=mse` asks for, and what is left for weights that no
// observer saw.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_WEIGHTS_DATAFREEQUANTIZER_H
#define QCC_COMPILER_WEIGHTS_DATAFREEQUANTIZER_H

#include "compiler/Methods/Methods.h"
#include "compiler/Weights/WeightQuantizer.h"

namespace qcc {

/// What a weight's `method` (as "importance+gptq+descent", set by the passes of those names) asks of the library of methods.
MethodOptions methodOptions(llvm::StringRef method);

class DataFreeQuantizer final : public WeightQuantizer {
public:
  explicit DataFreeQuantizer(unsigned jobs) : jobs(jobs) {}

  std::optional<int64_t> stepOf(nn::WeightOp, int64_t) override { return std::nullopt; }
  llvm::Error begin(int64_t) override { return llvm::Error::success(); }
  llvm::Error end(int64_t) override { return llvm::Error::success(); }
  llvm::Error fold(nn::WeightOp, int64_t, int64_t, int64_t,
                   llvm::MutableArrayRef<float>) override {
    return llvm::Error::success();
  }
  llvm::Error quantize(nn::WeightOp weight, int64_t instance, int64_t firstRow,
                       llvm::ArrayRef<float> values, QuantizedMatrix &rows) override;

private:
  unsigned jobs;
};

} // namespace qcc

#endif // QCC_COMPILER_WEIGHTS_DATAFREEQUANTIZER_H
