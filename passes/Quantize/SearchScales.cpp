//===- SearchScales.cpp - Scales that lose least --------------------------------===//

#include "passes/Quantize/EncodedWeights.h"
#include "passes/Quantize/Passes.h"

namespace qcc {
#define GEN_PASS_DEF_SEARCHSCALES
#include "passes/Quantize/Passes.h.inc"

namespace {
struct SearchScales final : impl::SearchScalesBase<SearchScales> {
  using SearchScalesBase::SearchScalesBase;

  void runOnOperation() override {
    forEachEncodedWeight(getOperation(), [&](quant_ext::EncodeOp encode, nn::WeightOp weight) {
      if (!choosesCodes(encode.getMethod()))
        appendMethod(encode, importance && weight.getObserver() ? "importance" : "mse");
    });
  }
};
} // namespace
} // namespace qcc
