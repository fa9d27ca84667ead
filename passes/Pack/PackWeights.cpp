//===- PackWeights.cpp - Put weights in the order that kernels read -----------===//

#include "dialects/QuantExt/IR/QuantExt.h"
#include "passes/Pack/Passes.h"
#include "passes/Target/TargetInfo.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_PACKWEIGHTS
#include "passes/Pack/Passes.h.inc"

namespace {
struct PackWeights final : impl::PackWeightsBase<PackWeights> {
  void runOnOperation() override {
    getOperation().walk([&](Operation *op) {
      if (auto matmul = dyn_cast<quant_ext::MatmulOp>(op))
        pack(matmul, cast<RankedTensorType>(matmul.getType()).getDimSize(1));
      else if (auto gather = dyn_cast<quant_ext::GatherRowsOp>(op))
        pack(gather, gather.getRows());
    });
  }

  template <typename OpT> void pack(OpT op, int64_t rows) {
    if (op.getLanes())
      return;
    OpBuilder b(op);
    auto types = quant_ext::packedTypes(op.getScheme(), rows, op.getK(), kLanes);
    auto repack =
        quant_ext::RepackOp::create(b, op.getLoc(), llvm::to_vector_of<Type>(types),
                                    op.getWeight(), op.getScheme(), kLanes);
    op.getWeightMutable().assign(repack.getPacked());
    op.setLanes(kLanes);
  }
};
} // namespace
} // namespace qcc
