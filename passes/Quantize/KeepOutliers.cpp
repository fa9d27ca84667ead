//===- KeepOutliers.cpp - Outlier channels of activations stay in float ----------===//
//
// Mixed-precision decomposition (Dettmers et al. 2022, LLM.int8, section 3): the few input channels
// of large magnitude go through a small float product, so that the scales of int8 activations fit
// the rest. How many channels there is room for is fixed here; which they are calibration finds,
// for each layer.
//
//===----------------------------------------------------------------------===//

#include "dialects/QuantExt/Codec/Presets.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Quantize/CalibratedLoads.h"
#include "passes/Quantize/EncodedWeights.h"
#include "passes/Quantize/Int8Matmul.h"
#include "passes/Quantize/Passes.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_KEEPOUTLIERS
#include "passes/Quantize/Passes.h.inc"

namespace {

/// An input in two parts.
struct Parts {
  Value inliers;  ///< [T, K], zero in the kept channels
  Value outliers; ///< [T, C]
};

Value rowWise(ImplicitLocOpBuilder &b, Value x, Value other,
              function_ref<Value(OpBuilder &, Location, Value, Value)> body) {
  auto type = cast<RankedTensorType>(x.getType());
  SmallVector<Value> dynamic;
  if (type.isDynamicDim(0))
    dynamic.push_back(tensor::DimOp::create(b, x, 0));
  Value init = tensor::EmptyOp::create(b, type, dynamic);
  AffineMap all = b.getMultiDimIdentityMap(2);
  bool matrix = cast<RankedTensorType>(other.getType()).getRank() == 2;
  AffineMap second = matrix ? all : AffineMap::get(2, 0, b.getAffineDimExpr(1));
  SmallVector<utils::IteratorType> parallel(2, utils::IteratorType::parallel);
  return linalg::GenericOp::create(b, TypeRange{type}, ValueRange{x, other}, ValueRange{init},
                                   ArrayRef<AffineMap>{all, second, all}, parallel,
                                   [&](OpBuilder &inner, Location loc, ValueRange args) {
                                     linalg::YieldOp::create(inner, loc,
                                                             body(inner, loc, args[0], args[1]));
                                   })
      .getResult(0);
}

struct KeepOutliers final : impl::KeepOutliersBase<KeepOutliers> {
  using KeepOutliersBase::KeepOutliersBase;

  void runOnOperation() override {
    TargetInfo target = TargetInfo::of(getOperation());
    if (slots <= 0 || slots % kLanes != 0) {
      getOperation().emitError("slots must be a positive multiple of ")
          << kLanes << ", found " << int64_t(slots);
      return signalPassFailure();
    }
    if (target.dot == TargetInfo::Dot::None) {
      getOperation().emitError("target has no dot product of bytes, so activations are float and "
                               "have no outliers to keep");
      return signalPassFailure();
    }
    SymbolTable symbols(getOperation());
    SmallVector<quant_ext::MatmulOp> matmuls;
    getOperation().walk([&](quant_ext::MatmulOp op) {
      if (takesInt8(op, target) && isObserved(op, symbols) && encodeOf(op).getMethod() != "keep")
        matmuls.push_back(op);
    });
    llvm::SetVector<Operation *> encodes;
    for (quant_ext::MatmulOp op : matmuls)
      encodes.insert(encodeOf(op));
    for (Operation *op : encodes)
      if (failed(mark(cast<quant_ext::EncodeOp>(op))))
        return signalPassFailure();
    for (quant_ext::MatmulOp op : matmuls)
      rewrite(op, symbols);
  }

private:
  static LogicalResult mark(quant_ext::EncodeOp encode) {
    if (choosesCodes(encode.getMethod()))
      return encode.emitOpError("has method '")
             << encode.getMethod()
             << "' already; qcc-keep-outliers comes before what chooses scales and codes";
    appendMethod(encode, "llm.int8");
    return success();
  }

  /// The parts of what `op` reads; matmuls of a block that read the same share them.
  Parts split(quant_ext::MatmulOp op, SymbolTable &symbols) {
    Parts &known = parts[{op.getActs(), op->getBlock()}];
    if (known.inliers)
      return known;
    ImplicitLocOpBuilder b(op.getLoc(), op);
    nn::LoadWeightOp load = weightLoadOf(op);
    Value x = op.getActs();
    auto type = cast<RankedTensorType>(x.getType());
    Type f32 = b.getF32Type();
    Value columns =
        loadBeside(b, load, nn::kOutliers, RankedTensorType::get({slots}, b.getI32Type()), symbols);
    Value mask = loadBeside(b, load, nn::kInliers, RankedTensorType::get({type.getDimSize(1)}, f32),
                            symbols);
    known.inliers = rowWise(b, x, mask, [](OpBuilder &b, Location loc, Value x, Value m) -> Value {
      return arith::MulFOp::create(b, loc, x, m);
    });
    known.outliers = nn::GatherColumnsOp::create(
        b, RankedTensorType::get({type.getDimSize(0), slots}, f32), x, columns);
    return known;
  }

  void rewrite(quant_ext::MatmulOp op, SymbolTable &symbols) {
    Parts of = split(op, symbols);
    ImplicitLocOpBuilder b(op.getLoc(), op);
    int64_t n = cast<RankedTensorType>(op.getType()).getDimSize(1);
    auto scheme = quant_ext::SchemeAttr::get(&getContext(), floatScheme(CodeKind::F16));
    Value kept = loadBeside(b, weightLoadOf(op), nn::kOutlierColumns,
                            RankedTensorType::get({n, slots}, b.getF32Type()), symbols);
    auto encoded = quant_ext::EncodeOp::create(
        b, llvm::to_vector_of<Type>(quant_ext::logicalTypes(scheme, n, slots)), kept, scheme,
        "keep");
    Value part =
        quant_ext::MatmulOp::create(b, op.getType(), of.outliers, Value(), Value(), Value(),
                                    encoded.getComponents(), scheme, slots, IntegerAttr());
    op.getActsMutable().assign(of.inliers);
    if (auto sums = op.getSums() ? op.getSums().getDefiningOp<quant_ext::GroupSumsOp>() : nullptr) {
      Value inlierSums = quant_ext::GroupSumsOp::create(b, sums.getType(), of.inliers,
                                                        sums.getGroup(), sums.getMultiplier());
      op.getSumsMutable().assign(inlierSums);
      if (sums->use_empty())
        sums->erase();
    }
    b.setInsertionPointAfter(op);
    Value sum =
        rowWise(b, op.getResult(), part, [](OpBuilder &b, Location loc, Value x, Value y) -> Value {
          return arith::AddFOp::create(b, loc, x, y);
        });
    Operation *add = sum.getDefiningOp();
    op.getResult().replaceUsesWithIf(sum, [&](OpOperand &use) -> bool {
      return use.getOwner() != add && !isa<tensor::DimOp>(use.getOwner());
    });
  }

  DenseMap<std::pair<Value, Block *>, Parts> parts;
};
} // namespace
} // namespace qcc
