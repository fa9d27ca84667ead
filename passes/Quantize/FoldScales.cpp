//===- FoldScales.cpp - Factors between the channels of weights and what feeds them ---------===//
//
// Walks from what each observer sees back to the weight that channel factors can be divided out of, and
// checks on the way that nobody else sees the change. The factors themselves come from calibration.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/Quantize/CalibratedLoads.h"
#include "passes/Quantize/EncodedWeights.h"
#include "passes/Quantize/Passes.h"
#include "passes/Quantize/Products.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_FOLDSCALES
#include "passes/Quantize/Passes.h.inc"

namespace {

/// Users that look at more than the size.
SmallVector<Operation *> readers(Value value) {
  SmallVector<Operation *> found;
  for (Operation *user : value.getUsers())
    if (!isa<tensor::DimOp>(user) && !llvm::is_contained(found, user))
      found.push_back(user);
  return found;
}

/// Whether `user` alone reads `value`.
bool onlyRead(Value value, Operation *user) {
  return llvm::equal(readers(value), ArrayRef<Operation *>{user});
}

/// A weight whose rows give what an observer sees.
struct Rows {
  nn::WeightOp weight;
  nn::LoadWeightOp load;
  int64_t headDim = 0; ///< of the rows that several heads of the observed channels share, else 0
};

struct FoldScales final : impl::FoldScalesBase<FoldScales> {
  using FoldScalesBase::FoldScalesBase;

  void runOnOperation() override {
    if (method != "awq" && method != "smoothquant") {
      getOperation().emitError("no method of channel factors is called '") << method << "'";
      return signalPassFailure();
    }
    SymbolTable table(getOperation());
    symbols = &table;
    collect();
    for (auto &[name, observers] : observed)
      if (std::optional<Rows> rows = findRows(observers))
        if (failed(record(name, *rows)))
          return signalPassFailure();
  }

private:
  void collect() {
    forEachEncodedWeight(getOperation(), [&](quant_ext::EncodeOp encode, nn::WeightOp weight) {
      encodes[weight].push_back(encode);
    });
    getOperation().walk([&](nn::LoadWeightOp load) { ++loads[load.getWeight()]; });
    getOperation().walk([&](quant_ext::ObserveOp op) { observed[op.getName()].push_back(op); });
  }

  /// Of a matmul with a weight whose codes are still to be chosen.
  std::optional<Rows> weightOf(quant_ext::MatmulOp op) {
    nn::LoadWeightOp load = weightLoadOf(op);
    auto weight = load ? symbols->lookup<nn::WeightOp>(load.getWeight()) : nullptr;
    if (!weight || !llvm::is_contained(encodes.lookup(weight), encodeOf(op)))
      return std::nullopt;
    return Rows{weight, load};
  }

  /// The same, where nobody but the matmul sees the weight, and only `user` its result.
  std::optional<Rows> rowsOf(Value result, Operation *user) {
    auto matmul = result.getDefiningOp<quant_ext::MatmulOp>();
    std::optional<Rows> rows = matmul ? weightOf(matmul) : std::nullopt;
    if (!rows || !onlyRead(result, user) || !rows->load.getResult(0).hasOneUse())
      return std::nullopt;
    Operation *encode = *rows->load.getResult(0).user_begin();
    for (Value component : encode->getResults())
      if (!onlyRead(component, matmul))
        return std::nullopt;
    return rows;
  }

  /// Whether weights with codes, all of this observer, are all that an observer feeds.
  bool feedsWeights(quant_ext::ObserveOp op) {
    for (Operation *user : readers(op.getResult())) {
      if (auto sums = dyn_cast<quant_ext::GroupSumsOp>(user)) {
        if (!llvm::all_of(sums->getUsers(), llvm::IsaPred<quant_ext::MatmulOp>))
          return false;
        continue;
      }
      auto matmul = dyn_cast<quant_ext::MatmulOp>(user);
      std::optional<Rows> rows = matmul ? weightOf(matmul) : std::nullopt;
      if (!rows || rows->weight.getObserver() != op.getName())
        return false;
    }
    return true;
  }

  std::optional<Rows> normOf(nn::RMSNormOp norm) {
    auto load = norm.getWeight().getDefiningOp<nn::LoadWeightOp>();
    auto weight = load ? symbols->lookup<nn::WeightOp>(load.getWeight()) : nullptr;
    auto type = weight ? dyn_cast<RankedTensorType>(weight.getSourceType()) : RankedTensorType();
    if (!type || type.getRank() != 1 || !type.getElementType().isF32() ||
        !load.getResult(0).hasOneUse())
      return std::nullopt;
    return Rows{weight, load};
  }

  std::optional<Rows> productOf(linalg::GenericOp product) {
    for (auto [number, input] : llvm::enumerate(product.getInputs()))
      if (isFactor(product, number))
        if (std::optional<Rows> rows = rowsOf(input, product))
          return rows;
    return std::nullopt;
  }

  /// Attention is linear in its values, the same for every channel of a head.
  std::optional<Rows> valuesOf(nn::AttentionOp attention) {
    auto append = attention.getValueCache().getDefiningOp<nn::KVAppendOp>();
    if (!append)
      return std::nullopt;
    for (Operation *user : readers(append.getValueResult()))
      if (user != attention && !user->hasTrait<OpTrait::IsTerminator>())
        return std::nullopt;
    std::optional<Rows> rows = rowsOf(append.getValue(), append);
    if (!rows)
      return std::nullopt;
    int64_t channels = cast<RankedTensorType>(attention.getType()).getDimSize(1);
    int64_t n = cast<RankedTensorType>(append.getValue().getType()).getDimSize(1);
    if (n != channels)
      rows->headDim = channels / attention.getHeads();
    return rows;
  }

  std::optional<Rows> rowsBehind(quant_ext::ObserveOp op) {
    Operation *source = op.getSource().getDefiningOp();
    if (!source || !onlyRead(op.getSource(), op) || !feedsWeights(op))
      return std::nullopt;
    if (auto norm = dyn_cast<nn::RMSNormOp>(source))
      return normOf(norm);
    if (auto product = dyn_cast<linalg::GenericOp>(source))
      return productOf(product);
    if (auto attention = dyn_cast<nn::AttentionOp>(source))
      return valuesOf(attention);
    return std::nullopt;
  }

  /// The one weight behind all observers of a name, which is loaded for nothing else.
  std::optional<Rows> findRows(ArrayRef<quant_ext::ObserveOp> observers) {
    std::optional<Rows> found;
    llvm::SmallPtrSet<Operation *, 4> claimed;
    for (quant_ext::ObserveOp op : observers) {
      std::optional<Rows> rows = rowsBehind(op);
      if (!rows || (found && found->weight != rows->weight))
        return std::nullopt;
      found = rows;
      claimed.insert(rows->load);
    }
    if (!found || found->weight.getRowDivisors() ||
        loads.lookup(found->weight.getSymName()) != static_cast<int64_t>(claimed.size()))
      return std::nullopt;
    return found;
  }

  LogicalResult record(StringRef name, Rows rows) {
    for (auto &[weight, all] : encodes) {
      if (nn::WeightOp(weight).getObserver() != name)
        continue;
      for (quant_ext::EncodeOp encode : all) {
        if (encode.getMethod() != "rtn")
          return encode.emitOpError("has method '")
                 << encode.getMethod() << "' already; qcc-fold-scales comes before what chooses "
                 << "scales and codes";
        encode.setMethod(method);
      }
      nn::WeightOp(weight).setColumnFactors(name);
    }
    rows.weight.setRowDivisors(name);
    if (rows.headDim)
      rows.weight.setHeadDim(rows.headDim);
    return success();
  }

  SymbolTable *symbols = nullptr;
  llvm::MapVector<Operation *, SmallVector<quant_ext::EncodeOp>> encodes; ///< by nn.weight
  llvm::StringMap<int64_t> loads;                                         ///< by symbol
  llvm::MapVector<StringRef, SmallVector<quant_ext::ObserveOp>> observed;
};
} // namespace
} // namespace qcc
