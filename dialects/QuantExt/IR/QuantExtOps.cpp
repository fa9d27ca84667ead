//===- QuantExtOps.cpp - Verifiers of the quantization dialect ---------------===//

#include "dialects/QuantExt/IR/QuantExt.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace qcc::quant_ext;

#define GET_OP_CLASSES
#include "dialects/QuantExt/IR/QuantExtOps.cpp.inc"

/// Fails unless the types are those that the scheme says; notes the expected list.
static LogicalResult verifyComponents(Operation *op, TypeRange found,
                                      ArrayRef<RankedTensorType> expected, StringRef what) {
  bool same = found.size() == expected.size();
  for (auto [a, b] : llvm::zip(found, expected))
    same &= a == b;
  if (same)
    return success();
  InFlightDiagnostic diag = op->emitOpError() << what << " do not fit the scheme";
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleaveComma(expected, os);
  diag.attachNote() << "expected " << text;
  return diag;
}

static SmallVector<RankedTensorType> weightTypes(SchemeAttr scheme, int64_t n, int64_t k,
                                                 std::optional<uint64_t> lanes) {
  return lanes ? packedTypes(scheme, n, k, *lanes) : logicalTypes(scheme, n, k);
}

/// [T, K] and [T, ceil(K / group)]: the same T, and groups that cover K.
static LogicalResult verifyGroups(Operation *op, RankedTensorType source, RankedTensorType perGroup,
                                  int64_t group) {
  if (group < 1)
    return op->emitOpError("group must be at least 1, found ") << group;
  if (source.getRank() != 2 || perGroup.getRank() != 2)
    return op->emitOpError("takes matrices");
  if (source.isDynamicDim(1))
    return op->emitOpError("needs a static number of features");
  if (source.getDimSize(0) != perGroup.getDimSize(0))
    return op->emitOpError("operands and results must have the same rows");
  int64_t groups = llvm::divideCeil(source.getDimSize(1), group);
  if (perGroup.getDimSize(1) != groups) {
    InFlightDiagnostic diag = op->emitOpError("expected ") << groups << " groups, found "
                                                          << perGroup.getDimSize(1);
    diag.attachNote() << source.getDimSize(1) << " features in groups of " << group;
    return diag;
  }
  return success();
}

/// Scales of activations [T, ceil(K / group)], or static ones [ceil(K / group)] or [1].
static LogicalResult verifyScales(Operation *op, RankedTensorType source, RankedTensorType scales,
                                  int64_t group) {
  if (scales.getRank() != 1)
    return verifyGroups(op, source, scales, group);
  if (group < 1 || source.getRank() != 2 || source.isDynamicDim(1))
    return op->emitOpError("takes a matrix with a static number of features, in groups");
  int64_t groups = llvm::divideCeil(source.getDimSize(1), group);
  if (scales.getDimSize(0) != 1 && scales.getDimSize(0) != groups)
    return op->emitOpError("takes scales [T, groups], or static scales [groups] or [1]");
  return success();
}

LogicalResult EncodeOp::verify() {
  auto source = cast<RankedTensorType>(getSource().getType());
  if (source.getRank() != 2 || !source.hasStaticShape())
    return emitOpError("takes a matrix of static shape");
  return verifyComponents(
      *this, getComponents().getTypes(),
      logicalTypes(getScheme(), source.getDimSize(0), source.getDimSize(1)), "components");
}

LogicalResult RepackOp::verify() {
  if (getComponents().empty())
    return emitOpError("needs components");
  auto codes = cast<RankedTensorType>(getComponents().front().getType());
  if (codes.getRank() != 2 || !codes.hasStaticShape())
    return emitOpError("takes codes [N, K] of static shape");
  int64_t n = codes.getDimSize(0), k = codes.getDimSize(1);
  if (getLanes() < 1)
    return emitOpError("lanes must be at least 1");
  if (failed(verifyComponents(*this, getComponents().getTypes(), logicalTypes(getScheme(), n, k),
                              "components")))
    return failure();
  return verifyComponents(*this, getPacked().getTypes(),
                          packedTypes(getScheme(), n, k, getLanes()), "packed components");
}

LogicalResult ChooseQParamsOp::verify() {
  return verifyGroups(*this, cast<RankedTensorType>(getSource().getType()),
                      cast<RankedTensorType>(getScales().getType()), getGroup());
}

LogicalResult QuantizeOp::verify() {
  auto source = cast<RankedTensorType>(getSource().getType());
  auto codes = cast<RankedTensorType>(getCodes().getType());
  if (failed(
          verifyScales(*this, source, cast<RankedTensorType>(getScales().getType()), getGroup())))
    return failure();
  int64_t padded = llvm::alignTo(source.getDimSize(1), qcc::kUnit);
  if (codes.getRank() != 2 || codes.getDimSize(1) != padded)
    return emitOpError("codes must have ") << padded << " features (K padded to a multiple of 32)";
  if (codes.getDimSize(0) != source.getDimSize(0))
    return emitOpError("operands and results must have the same rows");
  return success();
}

LogicalResult DequantizeOp::verify() {
  return verifyScales(*this, cast<RankedTensorType>(getResult().getType()),
                      cast<RankedTensorType>(getScales().getType()), getGroup());
}

LogicalResult GroupSumsOp::verify() {
  auto source = cast<RankedTensorType>(getSource().getType());
  auto sums = cast<RankedTensorType>(getSums().getType());
  if (source.getElementType().isInteger(8) != sums.getElementType().isInteger(32))
    return emitOpError("sums i8 into i32, f32 into f32");
  return verifyGroups(*this, source, sums, getGroup());
}

LogicalResult MatmulOp::verify() {
  auto acts = cast<RankedTensorType>(getActs().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  if (acts.getRank() != 2 || result.getRank() != 2 || result.isDynamicDim(1))
    return emitOpError("takes activations [T, K] and gives [T, N] with static N");
  bool quantized = acts.getElementType().isInteger(8);
  if (quantized != bool(getActScales()))
    return emitOpError(quantized ? "int8 activations need scales"
                                 : "float activations have no scales");
  auto scales = quantized ? cast<RankedTensorType>(getActScales().getType()) : RankedTensorType();
  if (scales && scales.getRank() == 1 && scales.getDimSize(0) != 1 &&
      scales.getDimSize(0) != static_cast<int64_t>(llvm::divideCeil(getK(), qcc::kUnit)))
    return emitOpError("static scales of activations are a vector of one element, or of one for "
                       "each 32 features");
  Scheme scheme = getScheme().toScheme();
  if (quantized && (scheme.isFloat() || scheme.code == CodeKind::FloatCodebook))
    return emitOpError("int8 activations need a weight with integer codes");
  int64_t k = getK(), columns = quantized ? llvm::alignTo(k, qcc::kUnit) : k;
  if (acts.getDimSize(1) != columns)
    return emitOpError("expected activations of ") << columns << " features, found "
                                                   << acts.getDimSize(1);
  if (acts.getDimSize(0) != result.getDimSize(0))
    return emitOpError("operands and results must have the same rows");
  if (getScheme().getMin() != Min::None && !getSums())
    return emitOpError("a scheme with minima or zero points needs sums of the activations");
  return verifyComponents(*this, getWeight().getTypes(),
                          weightTypes(getScheme(), result.getDimSize(1), k, getLanes()),
                          "weight components");
}

LogicalResult GatherRowsOp::verify() {
  auto ids = cast<RankedTensorType>(getIds().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  if (ids.getRank() != 1 || result.getRank() != 2 || ids.getDimSize(0) != result.getDimSize(0))
    return emitOpError("takes ids [T] and gives [T, K]");
  if (result.getDimSize(1) != static_cast<int64_t>(getK()))
    return emitOpError("expected a result of ") << getK() << " features";
  return verifyComponents(*this, getWeight().getTypes(),
                          weightTypes(getScheme(), getRows(), getK(), getLanes()),
                          "weight components");
}
