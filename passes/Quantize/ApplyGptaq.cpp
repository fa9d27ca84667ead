//===- ApplyGptaq.cpp - What the layers before changed is made up ------------===//

#include "passes/Quantize/EncodedWeights.h"
#include "passes/Quantize/Passes.h"

namespace qcc {
#define GEN_PASS_DEF_APPLYGPTAQ
#include "passes/Quantize/Passes.h.inc"

namespace {
struct ApplyGptaq final : impl::ApplyGptaqBase<ApplyGptaq> {
  using ApplyGptaqBase::ApplyGptaqBase;

  void runOnOperation() override {
    forEachEncodedWeight(getOperation(), [&](quant_ext::EncodeOp encode, nn::WeightOp weight) {
      if (encode.getMethod().contains("gptq")) {
        encode.emitOpError("has chosen its codes already; qcc-gptaq comes before qcc-gptq");
        return signalPassFailure();
      }
      if (weight.getObserver())
        appendMethod(encode, "gptaq");
    });
  }
};
} // namespace
} // namespace qcc
