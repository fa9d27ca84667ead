//===- EncodedWeights.cpp - The weights whose codes are still to be chosen ----===//

#include "passes/Quantize/EncodedWeights.h"

using namespace mlir;

namespace qcc {

void forEachEncodedWeight(ModuleOp module,
                          llvm::function_ref<void(quant_ext::EncodeOp, nn::WeightOp)> visit) {
  SymbolTable symbols(module);
  module.walk([&](quant_ext::EncodeOp encode) {
    auto load = encode.getSource().getDefiningOp<nn::LoadWeightOp>();
    auto weight = load ? symbols.lookup<nn::WeightOp>(load.getWeight()) : nn::WeightOp();
    if (!weight || weight.getRole() || encode.getMethod() == "keep" ||
        encode.getScheme().toScheme().isFloat())
      return;
    visit(encode, weight);
  });
}

void appendMethod(quant_ext::EncodeOp encode, StringRef step) {
  StringRef before = encode.getMethod();
  encode.setMethod(before == "rtn" ? step.str() : (before + "+" + step).str());
}

bool choosesCodes(StringRef method) {
  SmallVector<StringRef> steps;
  method.split(steps, '+');
  return !llvm::all_of(steps, [](StringRef step) {
    return llvm::is_contained({"rtn", "awq", "smoothquant", "llm.int8"}, step);
  });
}

} // namespace qcc
