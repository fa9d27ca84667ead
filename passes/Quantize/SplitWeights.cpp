//===- SplitWeights.cpp - A symbol for each scheme of a weight -----------------===//

#include "dialects/NN/IR/NN.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Quantize/Passes.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_SPLITWEIGHTS
#include "passes/Quantize/Passes.h.inc"

namespace {

/// The weights that took a weight's place, and which instance of which of them each layer has.
struct Parts {
  SmallVector<nn::WeightOp> weights;
  SmallVector<int64_t> part, instance;
};

struct SplitWeights final : impl::SplitWeightsBase<SplitWeights> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (auto weight : llvm::to_vector(getOperation().getOps<nn::WeightOp>())) {
      ArrayAttr choices = weight.getChoicesAttr();
      if (!choices)
        continue;
      if (choices.size() != weight.getSources().size()) {
        weight.emitOpError("has ")
            << choices.size() << " choices for " << weight.getSources().size() << " instances";
        return signalPassFailure();
      }
      if (!llvm::all_equal(choices) && failed(split(weight, symbols)))
        return signalPassFailure();
    }
  }

private:
  LogicalResult split(nn::WeightOp weight, SymbolTable &symbols) {
    std::optional<SymbolTable::UseRange> uses = weight.getSymbolUses(getOperation());
    Parts parts = makeParts(weight, symbols);
    for (SymbolTable::SymbolUse use : *uses) {
      auto load = dyn_cast<nn::LoadWeightOp>(use.getUser());
      if (!load || !load.getInstance())
        return weight.emitOpError("has choices and is not read by the layer's number");
      for (Operation *user : llvm::to_vector(load->getUsers())) {
        auto linear = dyn_cast<nn::LinearOp>(user);
        if (!linear)
          return user->emitOpError("reads a weight whose layers have different schemes; only "
                                   "nn.linear can");
        dispatch(linear, load, parts);
      }
      load.erase();
    }
    symbols.erase(weight);
    return success();
  }

  static Parts makeParts(nn::WeightOp weight, SymbolTable &symbols) {
    Parts parts;
    llvm::MapVector<Attribute, SmallVector<Attribute>> sources, merged;
    for (auto [i, choice, source] : llvm::enumerate(weight.getChoicesAttr(), weight.getSources())) {
      SmallVector<Attribute> &list = sources[choice];
      if (ArrayAttr modules = weight.getMergedAttr())
        merged[choice].push_back(modules[i]);
      parts.part.push_back(sources.find(choice) - sources.begin());
      parts.instance.push_back(list.size());
      list.push_back(source);
    }
    OpBuilder b(weight);
    for (auto &[choice, list] : sources) {
      auto part = cast<nn::WeightOp>(b.clone(*weight));
      part.setSymName((weight.getSymName() + "." + Twine(parts.weights.size())).str());
      part.setSourcesAttr(b.getArrayAttr(list));
      if (weight.getMerged())
        part.setMergedAttr(b.getArrayAttr(merged[choice]));
      part.setChoicesAttr(b.getArrayAttr(SmallVector<Attribute>(list.size(), choice)));
      symbols.insert(part);
      parts.weights.push_back(part);
    }
    return parts;
  }

  static Value lookUp(ImplicitLocOpBuilder &b, ArrayRef<int64_t> values, Value index) {
    auto type = RankedTensorType::get(values.size(), b.getIndexType());
    Value table = arith::ConstantOp::create(b, DenseElementsAttr::get(type, values));
    return tensor::ExtractOp::create(b, table, index);
  }

  static void dispatch(nn::LinearOp linear, nn::LoadWeightOp load, const Parts &parts) {
    ImplicitLocOpBuilder b(linear.getLoc(), linear);
    Value kind = lookUp(b, parts.part, load.getInstance());
    Value instance = lookUp(b, parts.instance, load.getInstance());
    SmallVector<int64_t> cases;
    for (size_t i = 1; i < parts.weights.size(); ++i)
      cases.push_back(i);
    auto choice =
        scf::IndexSwitchOp::create(b, linear->getResultTypes(), kind, cases, cases.size());
    for (auto [i, part] : llvm::enumerate(parts.weights)) {
      Region &region = i == 0 ? choice.getDefaultRegion() : choice.getCaseRegions()[i - 1];
      b.createBlock(&region);
      auto symbol = FlatSymbolRefAttr::get(nn::WeightOp(part).getSymNameAttr());
      Value matrix =
          nn::LoadWeightOp::create(b, load->getResultTypes(), symbol, instance).getResult(0);
      Value result = nn::LinearOp::create(b, linear.getType(), linear.getInput(), matrix);
      scf::YieldOp::create(b, result);
    }
    linear.replaceAllUsesWith(choice.getResult(0));
    linear.erase();
  }
};
} // namespace
} // namespace qcc
