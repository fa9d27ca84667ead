//===- QuantizeWeights.cpp - Give every weight matrix a scheme -----------------===//
//
// The policy of `-bits` is here: which scheme a weight gets from its format in the file, its role
// and the options.
//
//===----------------------------------------------------------------------===//

#include "dialects/NN/IR/NN.h"
#include "dialects/QuantExt/Codec/Presets.h"
#include "dialects/QuantExt/IR/QuantExt.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "passes/Quantize/Passes.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_QUANTIZEWEIGHTS
#include "passes/Quantize/Passes.h.inc"

namespace {

/// The scheme that holds a file's format exactly, or nothing when there is none.
std::optional<Scheme> schemeOfFormat(StringRef format) {
  if (format == "f32" || format == "f64")
    return floatScheme(CodeKind::F32);
  if (format == "f16")
    return floatScheme(CodeKind::F16);
  if (format == "bf16")
    return floatScheme(CodeKind::BF16);
  auto type = llvm::StringSwitch<std::optional<GgufType>>(format)
                  .Case("q4_0", GgufType::Q4_0)
                  .Case("q4_1", GgufType::Q4_1)
                  .Case("q5_0", GgufType::Q5_0)
                  .Case("q5_1", GgufType::Q5_1)
                  .Case("q8_0", GgufType::Q8_0)
                  .Case("q2_k", GgufType::Q2_K)
                  .Case("q3_k", GgufType::Q3_K)
                  .Case("q4_k", GgufType::Q4_K)
                  .Case("q5_k", GgufType::Q5_K)
                  .Case("q6_k", GgufType::Q6_K)
                  .Case("iq4_nl", GgufType::IQ4_NL)
                  .Case("iq4_xs", GgufType::IQ4_XS)
                  .Default(std::nullopt);
  if (!type)
    return std::nullopt;
  return ggufScheme(*type);
}

struct Choice {
  Scheme scheme;
  StringRef method;
};

/// The components of a weight matrix, and the scheme they are in.
struct Encoded {
  ValueRange components;
  quant_ext::SchemeAttr scheme;
};

struct QuantizeWeights final : impl::QuantizeWeightsBase<QuantizeWeights> {
  using QuantizeWeightsBase::QuantizeWeightsBase;

  void runOnOperation() override {
    std::optional<GridKind> named = gridOfName(std::string_view(grid));
    GridChoice choice{static_cast<unsigned>(bits), static_cast<unsigned>(group), asymmetric,
                      named.value_or(GridKind::Integer), superScales};
    std::string wrong = !named ? "no grid is called '" + grid + "'"
                        : bits >= 2 && bits <= 8 ? checkGrid(choice) : "";
    if (!wrong.empty()) {
      getOperation().emitError() << wrong;
      return signalPassFailure();
    }
    kind = *named;
    SymbolTable symbols(getOperation());
    WalkResult result = getOperation().walk([&](Operation *op) -> WalkResult {
      if (auto linear = dyn_cast<nn::LinearOp>(op))
        return rewrite(linear, symbols);
      if (auto embedding = dyn_cast<nn::EmbeddingOp>(op))
        return rewrite(embedding, symbols);
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

  GridKind kind = GridKind::Integer; ///< what `grid` names

  FailureOr<Choice> choose(nn::WeightOp weight) const {
    StringRef format = weight.getFormat();
    if (ArrayAttr choices = weight.getChoicesAttr()) {
      auto scheme = choices.empty() ? quant_ext::SchemeAttr()
                                    : dyn_cast<quant_ext::SchemeAttr>(choices[0]);
      if (!scheme || !llvm::all_equal(choices))
        return weight.emitOpError("must have one #quant_ext.scheme in its choices; "
                                  "qcc-split-weights makes it so");
      return Choice{scheme.toScheme(), scheme.toScheme().isFloat() ? "keep" : "rtn"};
    }
    if (bits == 0 || weight.getRole() == "adapter") {
      if (mlir::Attribute own = weight.getSourceSchemeAttr()) {
        if (auto packed = dyn_cast<quant_ext::SchemeAttr>(own))
          return Choice{packed.toScheme(), "keep"};
        return weight.emitOpError("source_scheme must be a #quant_ext.scheme, found ") << own;
      }
      std::optional<Scheme> scheme = schemeOfFormat(format);
      if (!scheme)
        return weight.emitOpError("has format '")
               << format << "', which no scheme holds exactly; use -bits to requantize it";
      return Choice{*scheme, "keep"};
    }
    if (bits == 32)
      return Choice{floatScheme(CodeKind::F32), "keep"};
    if (bits == 16)
      return Choice{floatScheme(format == "bf16" ? CodeKind::BF16 : CodeKind::F16), "keep"};
    // A model's ends keep 8 bits: they lose most, and an embedding costs no time.
    if (weight.getRole() && bits < 8)
      return Choice{integerScheme(8, 32, false), "rtn"};
    return Choice{gridScheme({static_cast<unsigned>(bits), static_cast<unsigned>(group),
                              asymmetric, kind, superScales}),
                  "rtn"};
  }

  FailureOr<Encoded> encode(OpBuilder &b, Operation *user, Value weight, SymbolTable &symbols) {
    auto load = weight.getDefiningOp<nn::LoadWeightOp>();
    if (!load)
      return user->emitOpError("takes a weight that is not loaded from an nn.weight");
    FailureOr<Choice> choice = choose(symbols.lookup<nn::WeightOp>(load.getWeight()));
    if (failed(choice))
      return failure();
    auto scheme = quant_ext::SchemeAttr::get(&getContext(), choice->scheme);
    auto type = cast<RankedTensorType>(weight.getType());
    auto types = quant_ext::logicalTypes(scheme, type.getDimSize(0), type.getDimSize(1));
    auto op = quant_ext::EncodeOp::create(
        b, user->getLoc(), llvm::to_vector_of<Type>(types), weight, scheme, choice->method);
    return Encoded{op.getComponents(), scheme};
  }

  LogicalResult rewrite(nn::LinearOp op, SymbolTable &symbols) {
    OpBuilder b(op);
    FailureOr<Encoded> weight = encode(b, op, op.getWeight(), symbols);
    if (failed(weight))
      return failure();
    auto input = cast<RankedTensorType>(op.getInput().getType());
    Value sums;
    if (weight->scheme.getMin() != quant_ext::Min::None)
      sums = quant_ext::GroupSumsOp::create(b, op.getLoc(),
                                            sumsType(input, unitPart(weight->scheme.toScheme())),
                                            op.getInput(), unitPart(weight->scheme.toScheme()));
    auto matmul = quant_ext::MatmulOp::create(b, op.getLoc(), op.getType(), op.getInput(), Value(),
                                              Value(), sums, weight->components, weight->scheme,
                                              input.getDimSize(1), IntegerAttr());
    op.replaceAllUsesWith(matmul.getResult());
    op.erase();
    return success();
  }

  LogicalResult rewrite(nn::EmbeddingOp op, SymbolTable &symbols) {
    OpBuilder b(op);
    FailureOr<Encoded> weight = encode(b, op, op.getWeight(), symbols);
    if (failed(weight))
      return failure();
    auto type = cast<RankedTensorType>(op.getWeight().getType());
    auto gather = quant_ext::GatherRowsOp::create(b, op.getLoc(), op.getType(), op.getIds(),
                                                  weight->components, weight->scheme,
                                                  type.getDimSize(0), type.getDimSize(1),
                                                  IntegerAttr());
    op.replaceAllUsesWith(gather.getResult());
    op.erase();
    return success();
  }

  static RankedTensorType sumsType(RankedTensorType input, int64_t group) {
    int64_t groups = llvm::divideCeil(input.getDimSize(1), group);
    return RankedTensorType::get({input.getDimSize(0), groups}, input.getElementType());
  }
};

} // namespace
} // namespace qcc
