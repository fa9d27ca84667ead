//===- RowBuilder.h - Loops over the elements of a row ------------------------===//
//
// What the schedules of row operations share: a row [1, K] in vectors of 16 and a shorter last one.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_PASSES_VECTORIZE_ROWBUILDER_H
#define QCC_PASSES_VECTORIZE_ROWBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Target/TargetInfo.h"

namespace qcc {

class RowBuilder {
public:
  explicit RowBuilder(mlir::Operation *op) : b(op->getLoc(), op) {}

  mlir::Value index(int64_t i) { return mlir::arith::ConstantIndexOp::create(b, i); }
  mlir::Value plus(mlir::Value v, int64_t i) {
    return i == 0 ? v : mlir::Value(mlir::arith::AddIOp::create(b, v, index(i)));
  }
  mlir::Value times(mlir::Value v, int64_t i) {
    return mlir::arith::MulIOp::create(b, v, index(i));
  }
  mlir::Value scalar(float f) {
    return mlir::arith::ConstantOp::create(b, b.getF32FloatAttr(f));
  }
  mlir::VectorType f32(int64_t width) { return mlir::VectorType::get(width, b.getF32Type()); }
  mlir::Value splat(mlir::Value v, int64_t width) {
    return mlir::vector::BroadcastOp::create(b, mlir::VectorType::get(width, v.getType()), v);
  }
  mlir::Value splat(float f, int64_t width) { return splat(scalar(f), width); }
  mlir::Value zero(mlir::Type type) {
    return mlir::arith::ConstantOp::create(b, b.getZeroAttr(type));
  }
  mlir::Value fma(mlir::Value x, mlir::Value y, mlir::Value z) {
    return mlir::math::FmaOp::create(b, x, y, z);
  }

  /// `width` elements of a tensor at `indices` (the last dimension contiguous).
  mlir::Value read(mlir::Value tensor, mlir::ValueRange indices, int64_t width) {
    auto element = mlir::cast<mlir::RankedTensorType>(tensor.getType()).getElementType();
    return mlir::vector::TransferReadOp::create(b, mlir::VectorType::get(width, element), tensor,
                                                indices, std::nullopt,
                                                llvm::ArrayRef<bool>{true});
  }
  mlir::Value write(mlir::Value vector, mlir::Value tensor, mlir::ValueRange indices) {
    return mlir::vector::TransferWriteOp::create(b, vector, tensor, indices,
                                                 llvm::ArrayRef<bool>{true})
        .getResult();
  }

  mlir::Value rowMemory(mlir::RankedTensorType type) {
    if (b.getInsertionBlock()->getParentOp()->getParentOfType<mlir::scf::ForallOp>() ||
        mlir::isa<mlir::scf::ForallOp>(b.getInsertionBlock()->getParentOp()))
      return mlir::tensor::EmptyOp::create(b, type, mlir::ValueRange());
    return mlir::bufferization::AllocTensorOp::create(b, type, mlir::ValueRange());
  }

  /// body(offset, width, state) for 16 elements at a time and the rest of `count`.
  llvm::SmallVector<mlir::Value>
  chunks(int64_t count, mlir::ValueRange init,
         llvm::function_ref<void(mlir::Value, int64_t, llvm::MutableArrayRef<mlir::Value>)> body) {
    llvm::SmallVector<mlir::Value> state(init);
    int64_t full = count / kLanes * kLanes;
    if (full > 0)
      state = loop(0, full, kLanes, state,
                   [&](mlir::Value at, llvm::MutableArrayRef<mlir::Value> s) {
                     body(at, kLanes, s);
                   });
    if (full < count)
      body(index(full), count - full, state);
    return state;
  }

  llvm::SmallVector<mlir::Value>
  loop(int64_t from, int64_t to, int64_t step, mlir::ValueRange init,
       llvm::function_ref<void(mlir::Value, llvm::MutableArrayRef<mlir::Value>)> body) {
    return loop(index(from), index(to), index(step), init, body);
  }

  llvm::SmallVector<mlir::Value>
  loop(mlir::Value from, mlir::Value to, mlir::Value step, mlir::ValueRange init,
       llvm::function_ref<void(mlir::Value, llvm::MutableArrayRef<mlir::Value>)> body) {
    auto op = mlir::scf::ForOp::create(b, from, to, step, init);
    mlir::OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(op.getBody());
    llvm::SmallVector<mlir::Value> state(op.getRegionIterArgs());
    body(op.getInductionVar(), state);
    // Without loop-carried values the builder has made the terminator.
    if (!init.empty())
      mlir::scf::YieldOp::create(b, state);
    return llvm::to_vector_of<mlir::Value>(op.getResults());
  }

  mlir::Value reduce(mlir::vector::CombiningKind kind, mlir::Value vector) {
    // Activations are no NaN; without saying so, a maximum is a chain of scalar comparisons.
    auto flags = kind == mlir::vector::CombiningKind::MAXNUMF ? mlir::arith::FastMathFlags::nnan
                                                              : mlir::arith::FastMathFlags::none;
    return mlir::vector::ReductionOp::create(b, kind, vector, flags);
  }

  mlir::ImplicitLocOpBuilder b;
};

} // namespace qcc

#endif // QCC_PASSES_VECTORIZE_ROWBUILDER_H
