//===- VectorizeAttention.cpp - Attention as one loop over blocks of positions -===//

#include "dialects/NN/IR/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "passes/Vectorize/Passes.h"
#include "passes/Vectorize/RowBuilder.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_VECTORIZEATTENTION
#include "passes/Vectorize/Passes.h.inc"

namespace {

/// Running softmax of the query heads that share keys (Milakov and Gimelshein 2018): for each head
/// a maximum, a vector of partial sums and the output, rescaled when the maximum grows.
class AttentionSchedule : RowBuilder {
public:
  explicit AttentionSchedule(nn::AttentionOp op)
      : RowBuilder(op), op(op), heads(op.getHeads()),
        headDim(cast<RankedTensorType>(op.getValueCache().getType()).getDimSize(3)) {
    while (headDim % width != 0)
      width /= 2;
    pieces = headDim / width;
  }

  Value run() {
    Value zeroIndex = index(0), position = op.getPosition();
    first = zeroIndex;
    if (op.getWindow()) {
      // A window of 0 sees everything.
      Value from = arith::SubIOp::create(b, plus(position, 1), op.getWindow());
      Value all = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, op.getWindow(), zeroIndex);
      from = arith::SelectOp::create(b, all, zeroIndex, from);
      first = arith::MaxSIOp::create(b, from, zeroIndex);
    }
    Value firstBlock = arith::DivUIOp::create(b, first, index(kLanes));
    Value lastBlock = plus(arith::DivUIOp::create(b, position, index(kLanes)), 1);
    SmallVector<Value> init;
    for (int64_t h = 0; h < heads; ++h) {
      init.push_back(scalar(-std::numeric_limits<float>::infinity()));
      init.push_back(zero(f32(kLanes)));
      init.append(pieces, zero(f32(width)));
    }
    SmallVector<Value> state =
        loop(firstBlock, lastBlock, index(1), init,
             [&](Value block, State s) { oneBlock(block, s); });
    Value out = tensor::EmptyOp::create(b, cast<RankedTensorType>(op.getType()), ValueRange());
    for (int64_t h = 0; h < heads; ++h) {
      State s = headState(state, h);
      Value sum = reduce(vector::CombiningKind::ADD, s[1]);
      Value inverse = splat(arith::DivFOp::create(b, scalar(1), sum), width);
      for (int64_t p = 0; p < pieces; ++p)
        out = write(arith::MulFOp::create(b, s[2 + p], inverse), out,
                    {zeroIndex, index(h * headDim + p * width)});
    }
    return out;
  }

private:
  using State = MutableArrayRef<Value>;

  /// Part of a cache as f32.
  Value readFloat(Value cache, ValueRange indices, int64_t count) {
    Value v = read(cache, indices, count);
    if (v.getType() == f32(count))
      return v;
    if (op.getScales())
      return arith::SIToFPOp::create(b, f32(count), v);
    return arith::ExtFOp::create(b, f32(count), v);
  }

  /// Scales of the 16 keys (which = 0) or values (1) of a block.
  Value cacheScales(int64_t which, Value block) {
    return read(op.getScales(), {index(0), index(0), index(which), times(block, kLanes)}, kLanes);
  }

  State headState(State state, int64_t h) {
    return state.slice(h * (2 + pieces), 2 + pieces);
  }

  /// Scores of 16 positions for every head: the keys are converted once for all of them.
  SmallVector<Value> scores(Value block) {
    SmallVector<Value> init(heads, zero(f32(kLanes)));
    int64_t step = headDim % 8 == 0 ? 8 : 1;
    return loop(0, headDim, step, init, [&](Value d, State s) {
      for (int64_t e = 0; e < step; ++e) {
        Value at = plus(d, e);
        Value key =
            readFloat(op.getKeyCache(), {index(0), index(0), block, at, index(0)}, kLanes);
        for (int64_t h = 0; h < heads; ++h) {
          Value q = tensor::ExtractOp::create(b, op.getQuery(),
                                              ValueRange{index(0), plus(at, h * headDim)});
          s[h] = fma(splat(q, kLanes), key, s[h]);
        }
      }
    });
  }

  /// Which of the 16 positions the query sees.
  Value visible(Value block) {
    auto type = VectorType::get(kLanes, b.getIndexType());
    Value lanes = vector::StepOp::create(b, type);
    Value positions = arith::AddIOp::create(b, splat(times(block, kLanes), kLanes), lanes);
    Value mask = arith::CmpIOp::create(b, arith::CmpIPredicate::sle, positions,
                                       splat(op.getPosition(), kLanes));
    if (op.getWindow())
      mask = arith::AndIOp::create(b, mask,
                                   arith::CmpIOp::create(b, arith::CmpIPredicate::sge, positions,
                                                         splat(first, kLanes)));
    return mask;
  }

  void oneBlock(Value block, State state) {
    SmallVector<Value> raw = scores(block), weights;
    Value mask = visible(block);
    Value hidden = splat(-std::numeric_limits<float>::infinity(), kLanes);
    Value scale = splat(arith::ConstantOp::create(b, op.getScaleAttr()), kLanes), valueScale;
    if (op.getScales()) {
      scale = arith::MulFOp::create(b, scale, cacheScales(0, block));
      valueScale = cacheScales(1, block);
    }
    for (int64_t h = 0; h < heads; ++h) {
      State s = headState(state, h);
      Value score = arith::MulFOp::create(b, raw[h], scale);
      score = arith::SelectOp::create(b, mask, score, hidden);
      Value largest = reduce(vector::CombiningKind::MAXNUMF, score);
      Value maximum = arith::MaxNumFOp::create(b, s[0], largest);
      Value p = math::ExpOp::create(b, arith::SubFOp::create(b, score, splat(maximum, kLanes)));
      // exp(old - new) is 0 for the first block, whose old maximum is minus infinity.
      Value shrink = math::ExpOp::create(
          b, arith::SubFOp::create(b, splat(s[0], kLanes), splat(maximum, kLanes)));
      s[0] = maximum;
      s[1] = fma(s[1], shrink, p);
      Value shrinkPiece = splat(vector::ExtractOp::create(b, shrink, 0), width);
      for (int64_t i = 0; i < pieces; ++i)
        s[2 + i] = arith::MulFOp::create(b, s[2 + i], shrinkPiece);
      weights.push_back(valueScale ? Value(arith::MulFOp::create(b, p, valueScale)) : p);
    }
    Value start = times(block, kLanes);
    for (int64_t j = 0; j < kLanes; ++j)
      for (int64_t i = 0; i < pieces; ++i) {
        Value v = readFloat(op.getValueCache(),
                            {index(0), index(0), plus(start, j), index(i * width)}, width);
        for (int64_t h = 0; h < heads; ++h) {
          Value &out = headState(state, h)[2 + i];
          out = fma(splat(vector::ExtractOp::create(b, weights[h], j), width), v, out);
        }
      }
  }

  nn::AttentionOp op;
  int64_t heads, headDim, width = kLanes, pieces = 1;
  Value first;
};

struct VectorizeAttention final : impl::VectorizeAttentionBase<VectorizeAttention> {
  void runOnOperation() override {
    SmallVector<nn::AttentionOp> ops;
    getOperation().walk([&](nn::AttentionOp op) { ops.push_back(op); });
    for (nn::AttentionOp op : ops) {
      auto cache = cast<RankedTensorType>(op.getKeyCache().getType());
      if (cast<RankedTensorType>(op.getType()).getDimSize(0) != 1 || cache.getDimSize(0) != 1 ||
          cache.getDimSize(1) != 1) {
        op.emitOpError("is not of one token and one KV head").attachNote()
            << "qcc-tile-to-threads cuts it into heads";
        return signalPassFailure();
      }
      op.replaceAllUsesWith(AttentionSchedule(op).run());
      op.erase();
    }
  }
};

} // namespace
} // namespace qcc
