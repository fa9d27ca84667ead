//===- ApplyDescent.cpp - Single codes changed for less output error ------------===//

#include "passes/Quantize/EncodedWeights.h"
#include "passes/Quantize/Passes.h"

namespace qcc {
#define GEN_PASS_DEF_APPLYDESCENT
#include "passes/Quantize/Passes.h.inc"

namespace {
struct ApplyDescent final : impl::ApplyDescentBase<ApplyDescent> {
  using ApplyDescentBase::ApplyDescentBase;

  void runOnOperation() override {
    forEachEncodedWeight(getOperation(), [&](quant_ext::EncodeOp encode, nn::WeightOp weight) {
      if (weight.getObserver())
        appendMethod(encode, "descent");
    });
  }
};
} // namespace
} // namespace qcc
