//===- VectorizeMatmul.cpp - Matmul tiles as register-tiled loops over K -------===//
//
// One schedule for all schemes and targets: 16 output features are the lanes, the target says how
// many tokens are held in registers at once. What differs is how a weight is unpacked
// (WeightUnpacker) and how four bytes are multiplied (TargetInfo).
//
//===----------------------------------------------------------------------===//

#include "dialects/QuantExt/IR/QuantExt.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Vectorize/Passes.h"
#include "passes/Vectorize/WeightUnpacker.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_VECTORIZEMATMUL
#include "passes/Vectorize/Passes.h.inc"

namespace {

class MatmulSchedule {
public:
  MatmulSchedule(quant_ext::MatmulOp op, const TargetInfo &target)
      : op(op), target(target), scheme(op.getScheme().toScheme()), k(op.getK()),
        b(op.getLoc(), op), accType(VectorType::get(kLanes, b.getF32Type())),
        intType(VectorType::get(kLanes, b.getI32Type())) {}

  void run() {
    auto type = cast<RankedTensorType>(op.getType());
    Value rows = tensor::DimOp::create(b, op.getActs(), 0);
    SmallVector<Value> dynamic;
    if (type.isDynamicDim(0))
      dynamic.push_back(rows);
    Value out = tensor::EmptyOp::create(b, type, dynamic);
    if (type.getDimSize(0) == 1) {
      out = kernel(index(0), 1, out);
    } else {
      int64_t columns = op.getActScales() ? target.intColumns : target.floatColumns;
      Value rest = arith::RemUIOp::create(b, rows, index(columns));
      Value full = arith::SubIOp::create(b, rows, rest);
      out = loopOverTokens(index(0), full, columns, out);
      out = loopOverTokens(full, rows, 1, out);
    }
    op.replaceAllUsesWith(out);
    op.erase();
  }

private:
  Value index(int64_t i) { return arith::ConstantIndexOp::create(b, i); }
  Value plus(Value v, int64_t i) {
    return i == 0 ? v : Value(arith::AddIOp::create(b, v, index(i)));
  }
  Value splat(Value scalar, VectorType type) { return vector::BroadcastOp::create(b, type, scalar); }
  Value fma(Value x, Value y, Value acc) { return math::FmaOp::create(b, x, y, acc); }

  Value loopOverTokens(Value from, Value to, int64_t columns, Value out) {
    auto loop = scf::ForOp::create(b, from, to, index(columns), out);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    scf::YieldOp::create(b, kernel(loop.getInductionVar(), columns, loop.getRegionIterArg(0)));
    return loop.getResult(0);
  }

  /// A loop with accumulators in registers.
  SmallVector<Value> accumulate(int64_t from, int64_t to, int64_t step, ValueRange init,
                                function_ref<void(Value, MutableArrayRef<Value>)> body) {
    if (from >= to)
      return llvm::to_vector(init);
    auto loop = scf::ForOp::create(b, index(from), index(to), index(step), init);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> acc(loop.getRegionIterArgs());
    body(loop.getInductionVar(), acc);
    scf::YieldOp::create(b, acc);
    return llvm::to_vector_of<Value>(loop.getResults());
  }

  /// Tokens `token` .. `token` + `columns` of the tile, written to `out`.
  Value kernel(Value token, int64_t columns, Value out) {
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(accType));
    SmallVector<Value> acc(columns, zero);
    if (scheme.isFloat())
      acc = floatWeights(token, columns, acc);
    else if (op.getActScales())
      acc = intActivations(token, acc);
    else
      acc = floatActivations(token, acc);
    for (int64_t c = 0; c < columns; ++c)
      out = vector::TransferWriteOp::create(b, acc[c], out, ValueRange{plus(token, c), index(0)},
                                            ArrayRef<bool>{true})
                .getResult();
    return out;
  }

  Value activation(Value token, int64_t c, Value at) {
    return splat(tensor::ExtractOp::create(b, op.getActs(), ValueRange{plus(token, c), at}),
                 accType);
  }

  /// Adds minima times the sums of the activations of part `part` of the unit.
  void addMinima(WeightUnpacker &weight, Value token, Value unit, int64_t element, Value part,
                 MutableArrayRef<Value> acc) {
    Value minimum = weight.minimum(unit, element);
    if (!minimum)
      return;
    for (auto [c, a] : llvm::enumerate(acc)) {
      Value sum = tensor::ExtractOp::create(b, op.getSums(), ValueRange{plus(token, c), part});
      a = fma(minimum, splat(sum, accType), a);
    }
  }

  /// Parts of a unit that have their own scale.
  int64_t parts() const { return kUnit / unitPart(scheme); }

  Value partIndex(Value unit, int64_t part) {
    return parts() == 1 ? unit : plus(arith::MulIOp::create(b, unit, index(2)), part);
  }

  bool hasOneStaticScale() {
    return cast<RankedTensorType>(op.getActScales().getType()).getShape() == ArrayRef<int64_t>{1};
  }

  Value activationScale(Value token, int64_t c, Value unit) {
    SmallVector<Value> at{hasOneStaticScale() ? index(0) : unit};
    if (cast<RankedTensorType>(op.getActScales().getType()).getRank() == 2)
      at = {plus(token, c), unit};
    return splat(tensor::ExtractOp::create(b, op.getActScales(), at), accType);
  }

  /// One weight scale and one activation scale for a row: a single integer sum of all of K.
  SmallVector<Value> intRows(Value token, ArrayRef<Value> init) {
    WeightUnpacker weight(b, scheme, k, op.getWeight(), target, index(0));
    SmallVector<Value> start;
    for (size_t c = 0; c < init.size(); ++c)
      start.push_back(intInit(token, c, index(0)));
    SmallVector<Value> sums = accumulate(
        0, llvm::divideCeil(k, kUnit), 1, start, [&](Value unit, MutableArrayRef<Value> acc) {
          for (auto [q, quad] : llvm::enumerate(weight.quads(unit))) {
            Value operand = weight.dotOperand(quad);
            for (auto [c, a] : llvm::enumerate(acc))
              a = target.emitDot4(b, a, operand, activationQuad(token, c, unit, q), scheme);
          }
        });
    Value product =
        arith::MulFOp::create(b, weight.scale(index(0), 0), activationScale(token, 0, index(0)));
    for (Value &sum : sums)
      sum = arith::MulFOp::create(b, arith::SIToFPOp::create(b, accType, sum), product);
    return sums;
  }

  SmallVector<Value> intActivations(Value token, ArrayRef<Value> init) {
    if (intSumLength(scheme, k, hasOneStaticScale()) > kUnit)
      return intRows(token, init);
    WeightUnpacker weight(b, scheme, k, op.getWeight(), target, index(0));
    int64_t units = llvm::divideCeil(k, kUnit), perPart = kUnit / kQuad / parts();
    return accumulate(0, units, 1, init, [&](Value unit, MutableArrayRef<Value> acc) {
      SmallVector<Value> quads;
      for (Value quad : weight.quads(unit))
        quads.push_back(weight.dotOperand(quad));
      for (int64_t part = 0; part < parts(); ++part) {
        Value scale = weight.scale(unit, part * 16), at = partIndex(unit, part);
        for (auto [c, a] : llvm::enumerate(acc)) {
          Value dot = intInit(token, c, at);
          for (int64_t q = part * perPart; q < (part + 1) * perPart; ++q)
            dot = target.emitDot4(b, dot, quads[q], activationQuad(token, c, unit, q), scheme);
          Value product = arith::MulFOp::create(b, scale, activationScale(token, c, unit));
          a = fma(arith::SIToFPOp::create(b, accType, dot), product, a);
        }
        addMinima(weight, token, unit, part * 16, at, acc);
      }
    });
  }

  Value intInit(Value token, int64_t c, Value part) {
    if (!op.getCorrections())
      return arith::ConstantOp::create(b, b.getZeroAttr(intType));
    return splat(
        tensor::ExtractOp::create(b, op.getCorrections(), ValueRange{plus(token, c), part}),
        intType);
  }

  /// Four activations of a token, in every lane.
  Value activationQuad(Value token, int64_t c, Value unit, int64_t q) {
    Value at = plus(arith::MulIOp::create(b, unit, index(kUnit)), q * kQuad);
    auto bytes = VectorType::get(kQuad, b.getI8Type());
    Value quad = vector::TransferReadOp::create(b, bytes, op.getActs(),
                                                ValueRange{plus(token, c), at}, std::nullopt,
                                                ArrayRef<bool>{true});
    Value word = vector::BitCastOp::create(b, VectorType::get(1, b.getI32Type()), quad);
    return splat(vector::ExtractOp::create(b, word, 0), intType);
  }

  SmallVector<Value> floatActivations(Value token, ArrayRef<Value> init) {
    WeightUnpacker weight(b, scheme, k, op.getWeight(), target, index(0));
    int64_t full = k / kUnit;
    auto unitBody = [&](Value unit, int64_t valid, MutableArrayRef<Value> acc) {
      SmallVector<Value> quads = weight.quads(unit);
      Value first = arith::MulIOp::create(b, unit, index(kUnit));
      int64_t perPart = kUnit / parts();
      for (int64_t part = 0; part < parts() && part * perPart < valid; ++part) {
        Value zero = arith::ConstantOp::create(b, b.getZeroAttr(accType));
        SmallVector<Value> sums(acc.size(), zero);
        for (int64_t e = part * perPart; e < std::min(valid, (part + 1) * perPart); ++e) {
          Value w = weight.unscaled(quads[e / kQuad], e % kQuad);
          for (auto [c, sum] : llvm::enumerate(sums))
            sum = fma(w, activation(token, c, plus(first, e)), sum);
        }
        Value scale = weight.scale(unit, part * 16);
        for (auto [a, sum] : llvm::zip(acc, sums))
          a = fma(scale, sum, a);
        addMinima(weight, token, unit, part * 16, partIndex(unit, part), acc);
      }
    };
    SmallVector<Value> acc = accumulate(
        0, full, 1, init,
        [&](Value unit, MutableArrayRef<Value> a) { unitBody(unit, kUnit, a); });
    if (k % kUnit != 0)
      unitBody(index(full), k % kUnit, acc);
    return acc;
  }

  /// Float weights: a lane's value times a broadcast activation. Several partial sums for a single
  /// token, whose chain of additions would otherwise set the pace.
  SmallVector<Value> floatWeights(Value token, int64_t columns, ArrayRef<Value> init) {
    WeightUnpacker weight(b, scheme, k, op.getWeight(), target, index(0));
    constexpr int64_t step = 8;
    int64_t partials = columns >= 4 ? 1 : 4;
    SmallVector<Value> start(columns * partials, init[0]);
    auto element = [&](Value at, int64_t e, MutableArrayRef<Value> acc) {
      Value w = weight.floatValue(at);
      for (int64_t c = 0; c < columns; ++c) {
        Value &a = acc[c * partials + e % partials];
        a = fma(w, activation(token, c, at), a);
      }
    };
    SmallVector<Value> acc = accumulate(
        0, k / step * step, step, start, [&](Value at, MutableArrayRef<Value> a) {
          for (int64_t e = 0; e < step; ++e)
            element(plus(at, e), e, a);
        });
    for (int64_t at = k / step * step; at < k; ++at)
      element(index(at), at, acc);
    SmallVector<Value> result;
    for (int64_t c = 0; c < columns; ++c) {
      Value sum = acc[c * partials];
      for (int64_t p = 1; p < partials; ++p)
        sum = arith::AddFOp::create(b, sum, acc[c * partials + p]);
      result.push_back(sum);
    }
    return result;
  }

  quant_ext::MatmulOp op;
  const TargetInfo &target;
  Scheme scheme;
  int64_t k;
  ImplicitLocOpBuilder b;
  VectorType accType, intType;
};

struct VectorizeMatmul final : impl::VectorizeMatmulBase<VectorizeMatmul> {
  void runOnOperation() override {
    TargetInfo target = TargetInfo::of(getOperation());
    SmallVector<quant_ext::MatmulOp> ops;
    getOperation().walk([&](quant_ext::MatmulOp op) { ops.push_back(op); });
    for (quant_ext::MatmulOp op : ops) {
      if (cast<RankedTensorType>(op.getType()).getDimSize(1) != kLanes || !op.getLanes()) {
        op.emitOpError("is not a packed tile of 16 output features").attachNote()
            << "qcc-pack-weights and qcc-tile-to-threads make it one";
        return signalPassFailure();
      }
      MatmulSchedule(op, target).run();
    }
  }
};

} // namespace
} // namespace qcc
