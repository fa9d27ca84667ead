//===- VectorizeRowOps.cpp - Norms, activation quantization, lookups of a row -===//

#include "dialects/NN/IR/NN.h"
#include "dialects/QuantExt/IR/QuantExt.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "passes/Vectorize/Passes.h"
#include "passes/Vectorize/RowBuilder.h"
#include "passes/Vectorize/WeightUnpacker.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_VECTORIZEROWOPS
#include "passes/Vectorize/Passes.h.inc"

namespace {

int64_t columns(Value matrix) { return cast<RankedTensorType>(matrix.getType()).getDimSize(1); }

struct RowSchedule : RowBuilder {
  using RowBuilder::RowBuilder;
  using State = MutableArrayRef<Value>;

  /// A result's memory. In a forall it is a piece of what the forall makes; outside, each thread
  /// has its own, which no other operation may share.
  Value empty(Value like) { return rowMemory(cast<RankedTensorType>(like.getType())); }

  Value schedule(nn::RMSNormOp op) {
    int64_t k = columns(op.getInput());
    Value x = op.getInput(), row = index(0), sum = scalar(0);
    // The short last chunk has a width of its own, so it is reduced by itself.
    Value squares = zero(f32(kLanes));
    squares = chunks(k / kLanes * kLanes, squares, [&](Value at, int64_t width, State s) {
      Value v = read(x, {row, at}, width);
      s[0] = fma(v, v, s[0]);
    })[0];
    if (k >= kLanes)
      sum = reduce(vector::CombiningKind::ADD, squares);
    if (int64_t rest = k % kLanes) {
      Value v = read(x, {row, index(k - rest)}, rest);
      sum = arith::AddFOp::create(
          b, sum, reduce(vector::CombiningKind::ADD, arith::MulFOp::create(b, v, v)));
    }
    Value mean = arith::DivFOp::create(b, sum, scalar(k));
    Value epsilon = arith::ConstantOp::create(b, op.getEpsilonAttr());
    Value root = math::SqrtOp::create(b, arith::AddFOp::create(b, mean, epsilon));
    Value inverse = arith::DivFOp::create(b, scalar(1), root);
    return chunks(k, empty(op.getResult()), [&](Value at, int64_t width, State s) {
      Value v = arith::MulFOp::create(b, read(x, {row, at}, width), splat(inverse, width));
      Value w = read(op.getWeight(), {at}, width);
      s[0] = write(arith::MulFOp::create(b, v, w), s[0], {row, at});
    })[0];
  }

  Value schedule(nn::GatherColumnsOp op) {
    return chunks(columns(op.getResult()), empty(op.getResult()),
                  [&](Value at, int64_t width, State s) {
                    Value from = read(op.getColumns(), {at}, width);
                    auto maskType = VectorType::get(width, b.getI1Type());
                    Value all = arith::ConstantOp::create(b, DenseElementsAttr::get(maskType, true));
                    Value v = vector::GatherOp::create(b, f32(width), op.getInput(),
                                                       ValueRange{index(0), index(0)}, from, all,
                                                       zero(f32(width)));
                    s[0] = write(v, s[0], {index(0), at});
                  })[0];
  }

  /// body(group number, first element, number of elements) for each group of a row.
  Value groups(int64_t k, int64_t group, Value init,
               function_ref<Value(Value, Value, int64_t, Value)> body) {
    int64_t full = k / group;
    Value state = init;
    if (full > 0)
      state = loop(0, full, 1, init, [&](Value g, State s) {
        s[0] = body(g, times(g, group), group, s[0]);
      })[0];
    if (k % group != 0)
      state = body(index(full), index(full * group), k % group, state);
    return state;
  }

  Value insert(Value v, Value into, Value at) {
    return tensor::InsertOp::create(b, v, into, ValueRange{index(0), at});
  }

  Value schedule(quant_ext::ChooseQParamsOp op) {
    Value x = op.getSource();
    return groups(columns(x), op.getGroup(), empty(op.getResult()),
                  [&](Value g, Value first, int64_t count, Value out) {
                    Value v = math::AbsFOp::create(b, read(x, {index(0), first}, count));
                    Value largest = reduce(vector::CombiningKind::MAXNUMF, v);
                    // Below the floor of the reference (Q13) a group counts as zeros: 1 / scale would overflow.
                    Value tiny = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, largest,
                                                       scalar(0x1p-100f));
                    Value scale = arith::SelectOp::create(
                        b, tiny, scalar(0), arith::DivFOp::create(b, largest, scalar(127)));
                    return insert(scale, out, g);
                  });
  }

  /// Scale of group g of the row, or a static one.
  Value activationScale(Value scales, Value g) {
    auto type = cast<RankedTensorType>(scales.getType());
    if (type.getRank() == 2)
      return tensor::ExtractOp::create(b, scales, ValueRange{index(0), g});
    return tensor::ExtractOp::create(b, scales, type.getDimSize(0) == 1 ? index(0) : g);
  }

  /// Into the codes that int8 has: a static scale may be too small for what comes.
  Value saturate(Value v, int64_t width) {
    auto noNaN = arith::FastMathFlagsAttr::get(b.getContext(), arith::FastMathFlags::nnan);
    v = arith::MaxNumFOp::create(b, v, splat(-127.0f, width), noNaN);
    return arith::MinNumFOp::create(b, v, splat(127.0f, width), noNaN);
  }

  Value schedule(quant_ext::QuantizeOp op) {
    Value x = op.getSource(), codes = op.getCodes();
    int64_t k = columns(x), padded = columns(codes);
    Value out = empty(codes);
    out = groups(k, op.getGroup(), out, [&](Value g, Value first, int64_t count, Value s) {
      Value scale = activationScale(op.getScales(), g);
      Value isZero =
          arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, scale, scalar(0));
      Value inverse = arith::SelectOp::create(b, isZero, scalar(0),
                                              arith::DivFOp::create(b, scalar(1), scale));
      Value v = read(x, {index(0), first}, count);
      v = arith::MulFOp::create(b, v, splat(inverse, count));
      v = math::RoundEvenOp::create(b, v);
      if (cast<RankedTensorType>(op.getScales().getType()).getRank() == 1)
        v = saturate(v, count);
      v = arith::FPToSIOp::create(b, VectorType::get(count, b.getI32Type()), v);
      v = arith::TruncIOp::create(b, VectorType::get(count, b.getI8Type()), v);
      return write(v, s, {index(0), first});
    });
    if (padded != k)
      out = write(zero(VectorType::get(padded - k, b.getI8Type())), out, {index(0), index(k)});
    return out;
  }

  Value schedule(quant_ext::DequantizeOp op) {
    return groups(columns(op.getResult()), op.getGroup(), empty(op.getResult()),
                  [&](Value g, Value first, int64_t count, Value out) {
                    Value scale = activationScale(op.getScales(), g);
                    Value v = read(op.getCodes(), {index(0), first}, count);
                    v = arith::SIToFPOp::create(b, f32(count), v);
                    v = arith::MulFOp::create(b, v, splat(scale, count));
                    return write(v, out, {index(0), first});
                  });
  }

  /// Sum of `count` elements of a row, as `element`.
  Value sumOf(Value x, Value first, int64_t count, Type element) {
    auto wide = [&](Value at, int64_t width) -> Value {
      Value v = read(x, {index(0), at}, width);
      return element.isF32()
                 ? v
                 : arith::ExtSIOp::create(b, VectorType::get(width, element), v).getResult();
    };
    auto add = [&](Value l, Value r) -> Value {
      return element.isF32() ? arith::AddFOp::create(b, l, r).getResult()
                             : arith::AddIOp::create(b, l, r).getResult();
    };
    constexpr int64_t atOnce = 64;
    if (count <= atOnce)
      return reduce(vector::CombiningKind::ADD, wide(first, count));
    int64_t full = count / kLanes * kLanes;
    Value sums =
        loop(0, full, kLanes, zero(VectorType::get(kLanes, element)), [&](Value at, State s) {
          s[0] = add(s[0], wide(arith::AddIOp::create(b, first, at), kLanes));
        })[0];
    Value sum = reduce(vector::CombiningKind::ADD, sums);
    if (full == count)
      return sum;
    return add(sum, reduce(vector::CombiningKind::ADD, wide(plus(first, full), count - full)));
  }

  Value schedule(quant_ext::GroupSumsOp op) {
    Value x = op.getSource();
    Type element = cast<RankedTensorType>(op.getSums().getType()).getElementType();
    int64_t multiplier = op.getMultiplier();
    return groups(columns(x), op.getGroup(), empty(op.getResult()),
                  [&](Value g, Value first, int64_t count, Value out) -> Value {
                    Value sum = sumOf(x, first, count, element);
                    if (multiplier == 1)
                      return insert(sum, out, g);
                    if (element.isF32())
                      sum = arith::MulFOp::create(b, sum, scalar(multiplier));
                    else
                      sum = arith::MulIOp::create(
                          b, sum, arith::ConstantOp::create(b, b.getI32IntegerAttr(multiplier)));
                    return insert(sum, out, g);
                  });
  }

  /// One row of a packed matrix: a lane of a tile, element by element.
  Value schedule(quant_ext::GatherRowsOp op) {
    Value id = tensor::ExtractOp::create(b, op.getIds(), ValueRange{index(0)});
    id = arith::IndexCastOp::create(b, b.getIndexType(), id);
    id = arith::MaxSIOp::create(b, id, index(0));
    id = arith::MinSIOp::create(b, id, index(op.getRows() - 1));
    Value tile = arith::DivUIOp::create(b, id, index(kLanes));
    Value lane = arith::RemUIOp::create(b, id, index(kLanes));
    TargetInfo target = TargetInfo::of(op);
    Scheme scheme = op.getScheme().toScheme();
    int64_t k = op.getK();
    WeightUnpacker weight(b, scheme, k, op.getWeight(), target, tile, lane);
    Value out = empty(op.getResult());
    if (scheme.isFloat())
      return loop(0, k, 1, out,
                  [&](Value at, State s) { s[0] = insert(weight.floatValue(at), s[0], at); })[0];
    auto unitBody = [&](Value unit, int64_t valid, State s) {
      SmallVector<Value> quads = weight.quads(unit);
      Value first = times(unit, kUnit), scale, minimum;
      for (int64_t e = 0; e < valid; ++e) {
        if (e % 16 == 0) {
          scale = weight.scale(unit, e);
          minimum = weight.minimum(unit, e);
        }
        Value v = arith::MulFOp::create(b, scale, weight.unscaled(quads[e / kQuad], e % kQuad));
        if (minimum)
          v = arith::AddFOp::create(b, v, minimum);
        s[0] = insert(v, s[0], plus(first, e));
      }
    };
    if (k >= kUnit)
      out = loop(0, k / kUnit, 1, out, [&](Value unit, State s) { unitBody(unit, kUnit, s); })[0];
    if (k % kUnit != 0)
      unitBody(index(k / kUnit), k % kUnit, out);
    return out;
  }
};

struct VectorizeRowOps final : impl::VectorizeRowOpsBase<VectorizeRowOps> {
  template <typename OpT> void rewriteAll() {
    SmallVector<OpT> ops;
    getOperation().walk([&](OpT op) { ops.push_back(op); });
    for (OpT op : ops) {
      if (cast<RankedTensorType>(op.getType()).getDimSize(0) != 1) {
        op.emitOpError("has more than one row").attachNote()
            << "qcc-tile-to-threads cuts it into rows";
        return signalPassFailure();
      }
      Value result = RowSchedule(op).schedule(op);
      op->replaceAllUsesWith(ValueRange(result));
      op.erase();
    }
  }

  void runOnOperation() override {
    rewriteAll<nn::GatherColumnsOp>();
    rewriteAll<nn::RMSNormOp>();
    rewriteAll<quant_ext::ChooseQParamsOp>();
    rewriteAll<quant_ext::QuantizeOp>();
    rewriteAll<quant_ext::DequantizeOp>();
    rewriteAll<quant_ext::GroupSumsOp>();
    rewriteAll<quant_ext::GatherRowsOp>();
  }
};

} // namespace
} // namespace qcc
