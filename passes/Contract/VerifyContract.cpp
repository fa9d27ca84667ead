//===- VerifyContract.cpp - What each stage promises -----------------------------------===//

#include "dialects/NN/IR/NN.h"
#include "dialects/QuantExt/IR/QuantExt.h"
#include "dialects/SPMD/IR/SPMD.h"
#include "mlir/IR/Diagnostics.h"
#include "passes/Contract/Passes.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_VERIFYCONTRACT
#include "passes/Contract/Passes.h.inc"

namespace {

/// What is ruled out from a stage on: an operation ("nn.linear") or all of a dialect ("quant.*"),
/// and who should have dealt with it.
struct Rule {
  StringLiteral stage, what, suspect;
};

constexpr StringLiteral kStages[] = {"import",    "quantize",  "pack", "tile",
                                     "vectorize", "bufferize", "llvm"};

constexpr Rule kRules[] = {
    {"quantize", "nn.linear", "qcc-quantize-weights should have rewritten it"},
    {"quantize", "nn.embedding", "qcc-quantize-weights should have rewritten it"},
    {"quantize", "quant.*", "lower-quant-ops should have rewritten it"},
    {"quantize", "quant_ext.observe", "qcc-remove-observers should have dropped it"},
    {"pack", "quant_ext.encode", "qcc-fold-weight-recipes should have folded it"},
    {"pack", "quant_ext.repack", "qcc-fold-weight-recipes should have folded it"},
    {"tile", "nn.kv_append", "qcc-tile-to-threads should have cut it into columns"},
    {"vectorize", "quant_ext.*", "qcc-vectorize-matmul and -row-ops should have rewritten it"},
    {"vectorize", "nn.gather_columns", "qcc-vectorize-row-ops should have rewritten it"},
    {"vectorize", "nn.rms_norm", "qcc-vectorize-row-ops should have rewritten it"},
    {"vectorize", "nn.rope", "qcc-vectorize-rope should have rewritten it"},
    {"vectorize", "nn.rope_table", "qcc-vectorize-rope should have rewritten it"},
    {"vectorize", "nn.attention", "qcc-vectorize-attention should have rewritten it"},
    {"bufferize", "tensor.*", "one-shot bufferization should have rewritten it"},
    {"bufferize", "bufferization.*", "one-shot bufferization should have rewritten it"},
    {"bufferize", "linalg.*", "convert-linalg-to-loops should have rewritten it"},
    {"bufferize", "nn.load_weight", "qcc-lower-weights should have rewritten it"},
    {"bufferize", "memref.alloc", "qcc-plan-arena should have placed it"},
    {"bufferize", "memref.copy", "qcc-lower-copies should have rewritten it"},
    {"bufferize", "scf.forall", "qcc-split-foralls should have dealt it out"},
    {"llvm", "memref.*", "finalize-memref-to-llvm should have lowered it"},
    {"llvm", "vector.*", "convert-vector-to-llvm should have lowered it"},
    {"llvm", "scf.*", "convert-scf-to-cf should have lowered it"},
    {"llvm", "func.*", "convert-func-to-llvm should have lowered it"},
    {"llvm", "spmd.*", "qcc-lower-spmd should have lowered it"},
    {"llvm", "builtin.unrealized_conversion_cast", "an operation before it was not lowered"},
};

struct VerifyContract final : impl::VerifyContractBase<VerifyContract> {
  using VerifyContractBase::VerifyContractBase;

  static size_t number(StringRef stage) { return llvm::find(kStages, stage) - std::begin(kStages); }

  static bool applies(const Rule &rule, Operation *op) {
    StringRef what = rule.what;
    if (what.consume_back(".*"))
      return op->getName().getDialectNamespace() == what;
    return op->getName().getStringRef() == what;
  }

  void runOnOperation() override {
    size_t now = number(stage);
    if (now == std::size(kStages)) {
      getOperation().emitError("no stage is called '") << stage << "'";
      return signalPassFailure();
    }
    bool failed = false;
    getOperation().walk([&](Operation *op) {
      for (const Rule &rule : kRules)
        if (number(rule.stage) <= now && applies(rule, op)) {
          op->emitOpError("is left after stage ").append(stage).attachNote() << rule.suspect;
          failed = true;
          return;
        }
    });
    if (now >= number("pack"))
      getOperation().walk([&](nn::WeightOp weight) {
        if (weight.getOffset())
          return;
        weight.emitOpError("has no place after stage ").append(stage).attachNote()
            << "qcc-place-weights should have given it one";
        failed = true;
      });
    if (now >= number("pack"))
      failed |= !checkFolds();
    if (failed)
      signalPassFailure();
  }

  /// Channel factors must be in the recipes of both sides, or the product changes.
  bool checkFolds() {
    llvm::StringSet<> factors, divisors;
    bool sound = true;
    auto fail = [&](nn::WeightOp weight) -> InFlightDiagnostic {
      sound = false;
      return weight.emitOpError();
    };
    for (auto weight : getOperation().getOps<nn::WeightOp>()) {
      if (weight.getColumnFactors())
        factors.insert(*weight.getColumnFactors());
      if (weight.getRowDivisors())
        divisors.insert(*weight.getRowDivisors());
    }
    for (auto weight : getOperation().getOps<nn::WeightOp>()) {
      std::optional<StringRef> columns = weight.getColumnFactors(), rows = weight.getRowDivisors();
      SmallVector<StringRef> steps;
      weight.getMethod().value_or("").split(steps, '+');
      if (columns && steps.front() != "awq" && steps.front() != "smoothquant")
        fail(weight) << "has columns to be multiplied, and method '"
                     << weight.getMethod().value_or("") << "' that has no factors for them";
      if (columns && !divisors.contains(*columns))
        fail(weight) << "has columns to be multiplied by factors '" << *columns
                     << "' that nothing is divided by";
      if (rows && !factors.contains(*rows))
        fail(weight) << "has rows to be divided by factors '" << *rows
                     << "' that no weight is multiplied by";
    }
    return sound;
  }
};

} // namespace
} // namespace qcc
