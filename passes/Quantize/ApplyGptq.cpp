//===- ApplyGptq.cpp - Codes that make up for one another's rounding ------------===//

#include "passes/Quantize/EncodedWeights.h"
#include "passes/Quantize/Passes.h"

namespace qcc {
#define GEN_PASS_DEF_APPLYGPTQ
#include "passes/Quantize/Passes.h.inc"

namespace {
struct ApplyGptq final : impl::ApplyGptqBase<ApplyGptq> {
  using ApplyGptqBase::ApplyGptqBase;

  void runOnOperation() override {
    forEachEncodedWeight(getOperation(), [&](quant_ext::EncodeOp encode, nn::WeightOp weight) {
      if (weight.getObserver())
        appendMethod(encode, "gptq");
    });
  }
};
} // namespace
} // namespace qcc
