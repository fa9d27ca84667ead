//===- QuantizeActivations.cpp - int8 activations for integer weights ---------===//

#include "passes/Quantize/Int8Matmul.h"
#include "passes/Quantize/Passes.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_QUANTIZEACTIVATIONS
#include "passes/Quantize/Passes.h.inc"

namespace {
struct QuantizeActivations final : impl::QuantizeActivationsBase<QuantizeActivations> {
  void runOnOperation() override {
    TargetInfo target = TargetInfo::of(getOperation());
    getOperation().walk([&](quant_ext::MatmulOp op) {
      if (takesInt8(op, target))
        rewriteToInt8(op, target);
    });
  }
};
} // namespace
} // namespace qcc
