//===- CalibratedLoads.cpp - Loads of what calibration will find -----------------===//

#include "passes/Quantize/CalibratedLoads.h"

using namespace mlir;

namespace qcc {

quant_ext::EncodeOp encodeOf(quant_ext::MatmulOp op) {
  return op.getWeight().front().getDefiningOp<quant_ext::EncodeOp>();
}

nn::LoadWeightOp weightLoadOf(quant_ext::MatmulOp op) {
  quant_ext::EncodeOp encode = encodeOf(op);
  return encode ? encode.getSource().getDefiningOp<nn::LoadWeightOp>() : nullptr;
}

bool isObserved(quant_ext::MatmulOp op, SymbolTable &symbols) {
  nn::LoadWeightOp load = weightLoadOf(op);
  return load && symbols.lookup<nn::WeightOp>(load.getWeight()).getObserver();
}

Value loadBeside(OpBuilder &b, nn::LoadWeightOp load, StringRef what, RankedTensorType type,
                 SymbolTable &symbols) {
  auto weight = symbols.lookup<nn::WeightOp>(load.getWeight());
  std::string name = nn::symbolBeside(weight.getSymName(), what);
  if (!symbols.lookup(name)) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointAfter(weight);
    SmallVector<Attribute> sources;
    for (auto source : weight.getSources().getAsRange<StringAttr>())
      sources.push_back(b.getStringAttr(nn::calibratedSource(source.getValue(), what)));
    symbols.insert(nn::WeightOp::create(b, weight.getLoc(), name, type, sources,
                                        type.getElementType().isF32() ? "f32" : "i32"));
  }
  return nn::LoadWeightOp::create(b, load.getLoc(), TypeRange{type},
                                  FlatSymbolRefAttr::get(b.getContext(), name), load.getInstance())
      .getResult(0);
}

} // namespace qcc
