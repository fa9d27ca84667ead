//===- VectorizeRope.cpp - Rotary tables and the rotation of one head ----------===//

#include "dialects/NN/IR/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "passes/Vectorize/Passes.h"
#include "passes/Vectorize/RowBuilder.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_VECTORIZEROPE
#include "passes/Vectorize/Passes.h.inc"

namespace {

struct RopeSchedule : RowBuilder {
  using RowBuilder::RowBuilder;
  using State = MutableArrayRef<Value>;

  Value f64(double v) { return arith::ConstantOp::create(b, b.getF64FloatAttr(v)); }

  /// Horner's rule in x for coefficients from the highest power down.
  Value polynomial(Value x, ArrayRef<double> coefficients) {
    Value result = f64(coefficients.front());
    for (double c : coefficients.drop_front())
      result = fma(result, x, f64(c));
    return result;
  }

  /// sin and cos of an f64 angle below 2^31: quadrant by Cody and Waite's two-part reduction,
  /// then the Taylor polynomials on [-pi/4, pi/4] to 1e-14.
  std::pair<Value, Value> sincos(Value angle) {
    Value turns = arith::MulFOp::create(b, angle, f64(0.63661977236758134308));
    Value n = math::RoundEvenOp::create(b, turns);
    Value r = fma(n, f64(-1.57079632679489655800), angle);
    r = fma(n, f64(-6.12323399573676603587e-17), r);
    Value square = arith::MulFOp::create(b, r, r);
    Value s = polynomial(square, {-1.0 / 39916800 / 156, 1.0 / 39916800, -1.0 / 362880, 1.0 / 5040,
                                  -1.0 / 120, 1.0 / 6, -1});
    // The signs above are those of -sin(r)/r.
    s = arith::NegFOp::create(b, arith::MulFOp::create(b, s, r));
    Value c = polynomial(square, {1.0 / 479001600, -1.0 / 3628800, 1.0 / 40320, -1.0 / 720,
                                  1.0 / 24, -0.5, 1});
    Value quadrant = arith::FPToSIOp::create(b, b.getI64Type(), n);
    auto i64 = [&](int64_t v) { return arith::ConstantOp::create(b, b.getI64IntegerAttr(v)); };
    auto bit = [&](Value v, int64_t mask) -> Value {
      return arith::CmpIOp::create(b, arith::CmpIPredicate::ne,
                                   arith::AndIOp::create(b, v, i64(mask)), i64(0));
    };
    Value odd = bit(quadrant, 1);
    Value sine = arith::SelectOp::create(b, odd, c, s);
    Value cosine = arith::SelectOp::create(b, odd, s, c);
    Value negateSine = bit(quadrant, 2);
    Value negateCosine = bit(arith::AddIOp::create(b, quadrant, i64(1)), 2);
    sine = arith::SelectOp::create(b, negateSine, arith::NegFOp::create(b, sine), sine);
    cosine = arith::SelectOp::create(b, negateCosine, arith::NegFOp::create(b, cosine), cosine);
    return {sine, cosine};
  }

  SmallVector<Value> schedule(nn::RopeTableOp op) {
    auto type = cast<RankedTensorType>(op.getCos().getType());
    Value empty = rowMemory(type), other = rowMemory(type);
    Value position = arith::IndexCastOp::create(b, b.getI64Type(), op.getPosition());
    position = arith::SIToFPOp::create(b, b.getF32Type(), position);
    Value factor = arith::ConstantOp::create(b, op.getScaleAttr());
    return loop(0, type.getDimSize(1), 1, ValueRange{empty, other}, [&](Value j, State s) {
      Value f = tensor::ExtractOp::create(b, op.getFrequencies(), j);
      Value angle = arith::MulFOp::create(b, position, f);
      auto [sine, cosine] = sincos(arith::ExtFOp::create(b, b.getF64Type(), angle));
      auto store = [&](Value v, Value into) -> Value {
        v = arith::TruncFOp::create(b, b.getF32Type(), v);
        v = arith::MulFOp::create(b, v, factor);
        return tensor::InsertOp::create(b, v, into, ValueRange{index(0), j});
      };
      s[0] = store(cosine, s[0]);
      s[1] = store(sine, s[1]);
    });
  }

  Value schedule(nn::RopeOp op) {
    auto type = cast<RankedTensorType>(op.getType());
    Value x = op.getInput(), row = index(0);
    int64_t half = cast<RankedTensorType>(op.getCos().getType()).getDimSize(1);
    Value out = tensor::EmptyOp::create(b, type, ValueRange());
    for (int64_t at = 0; at < half; at += kLanes) {
      int64_t width = std::min(kLanes, half - at);
      Value first = read(x, {row, index(at)}, width);
      Value second = read(x, {row, index(at + half)}, width);
      Value cos = read(op.getCos(), {row, index(at)}, width);
      Value sin = read(op.getSin(), {row, index(at)}, width);
      Value turned = arith::SubFOp::create(b, arith::MulFOp::create(b, first, cos),
                                           arith::MulFOp::create(b, second, sin));
      Value turnedSecond = arith::AddFOp::create(b, arith::MulFOp::create(b, second, cos),
                                                 arith::MulFOp::create(b, first, sin));
      out = write(turned, out, {row, index(at)});
      out = write(turnedSecond, out, {row, index(at + half)});
    }
    if (int64_t rest = type.getDimSize(1) - 2 * half)
      out = write(read(x, {row, index(2 * half)}, rest), out, {row, index(2 * half)});
    return out;
  }
};

struct VectorizeRope final : impl::VectorizeRopeBase<VectorizeRope> {
  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa<nn::RopeTableOp, nn::RopeOp>(op))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      auto type = cast<RankedTensorType>(op->getResult(0).getType());
      auto rope = dyn_cast<nn::RopeOp>(op);
      if (type.getDimSize(0) != 1 ||
          (rope && type.getDimSize(1) != static_cast<int64_t>(rope.getHeadDim()))) {
        op->emitOpError("is not of one position and head").attachNote()
            << "qcc-tile-to-threads cuts it into heads";
        return signalPassFailure();
      }
      if (rope)
        op->replaceAllUsesWith(ValueRange(RopeSchedule(op).schedule(rope)));
      else
        op->replaceAllUsesWith(RopeSchedule(op).schedule(cast<nn::RopeTableOp>(op)));
      op->erase();
    }
  }
};

} // namespace
} // namespace qcc
