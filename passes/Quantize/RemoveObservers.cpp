//===- RemoveObservers.cpp - Drop the places where calibration would look -----===//

#include "dialects/QuantExt/IR/QuantExt.h"
#include "passes/Quantize/Passes.h"

namespace qcc {
#define GEN_PASS_DEF_REMOVEOBSERVERS
#include "passes/Quantize/Passes.h.inc"

namespace {
struct RemoveObservers final : impl::RemoveObserversBase<RemoveObservers> {
  void runOnOperation() override {
    getOperation()->walk([](quant_ext::ObserveOp op) {
      op.replaceAllUsesWith(op.getSource());
      op.erase();
    });
  }
};
} // namespace
} // namespace qcc
