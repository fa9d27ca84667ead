//===- TileToThreads.cpp - Split operations into independent tiles ------------===//
//
// One rule for each kind of operation; see docs/Pipeline.md for what the tiles are.
//
//===----------------------------------------------------------------------===//

#include "dialects/NN/IR/NN.h"
#include "dialects/QuantExt/Codec/Layout.h"
#include "dialects/QuantExt/IR/QuantExt.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/TilingInterface.h"
#include "passes/Target/TargetInfo.h"
#include "passes/Tile/Passes.h"

using namespace mlir;

namespace qcc {
#define GEN_PASS_DEF_TILETOTHREADS
#include "passes/Tile/Passes.h.inc"

namespace {

using Index = OpFoldResult;

RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }

class Tiler {
public:
  explicit Tiler(Operation *op) : b(op->getLoc(), op) {}

  void tile(quant_ext::MatmulOp op);
  void tile(nn::RopeOp op);
  void tile(nn::KVAppendOp op);
  void tile(nn::AttentionOp op);
  void tileRows(Operation *op);
  LogicalResult tileLinalg(linalg::LinalgOp op);

private:
  Value part(Value from, int64_t count, ArrayRef<Index> at, ArrayRef<Index> sizes);
  Value quantizeHead(Value head, int64_t i, Value &scales);
  Value storeHead(Value source, Value cache, ArrayRef<Index> at, ArrayRef<Index> sizes);

  Index index(int64_t value) { return b.getIndexAttr(value); }
  Index mul(Index a, int64_t c) {
    AffineExpr d = b.getAffineDimExpr(0);
    return affine::makeComposedFoldedAffineApply(b, b.getLoc(), AffineMap::get(1, 0, d * c), {a});
  }
  Index div(Index a, int64_t c) {
    AffineExpr d = b.getAffineDimExpr(0);
    return affine::makeComposedFoldedAffineApply(
        b, b.getLoc(), AffineMap::get(1, 0, d.floorDiv(c)), {a});
  }
  Value value(Index i) { return getValueOrCreateConstantIndexOp(b, b.getLoc(), i); }
  Index dim(Value v, int64_t d) { return tensor::getMixedSize(b, b.getLoc(), v, d); }

  /// A slice at `offsets` of `sizes` with unit strides.
  Value slice(Value v, ArrayRef<Index> offsets, ArrayRef<Index> sizes) {
    SmallVector<Index> strides(offsets.size(), index(1));
    return tensor::ExtractSliceOp::create(b, v, offsets, sizes, strides);
  }

  /// Row `t` of a matrix as [1, K].
  Value row(Value v, Index t) { return slice(v, {t, index(0)}, {index(1), dim(v, 1)}); }

  Value empty(RankedTensorType type, Index rows) {
    SmallVector<Index> sizes;
    for (int64_t d = 0; d < type.getRank(); ++d)
      sizes.push_back(type.isDynamicDim(d) ? rows : index(type.getDimSize(d)));
    return tensor::EmptyOp::create(b, sizes, type.getElementType());
  }

  struct Piece {
    Value value;
    SmallVector<Index> offsets, sizes;
  };

  /// A forall over `bounds`; `body` gives for each output the piece that an iteration writes.
  scf::ForallOp forall(ArrayRef<Index> bounds, ValueRange outputs,
                       function_ref<SmallVector<Piece>(ValueRange ivs, ValueRange outs)> body) {
    auto loop = scf::ForallOp::create(b, bounds, outputs, std::nullopt);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(loop.getTerminator());
    SmallVector<Piece> pieces = body(loop.getInductionVars(), loop.getRegionIterArgs());
    b.setInsertionPointToEnd(loop.getTerminator().getBody());
    for (auto [piece, out] : llvm::zip(pieces, loop.getRegionIterArgs())) {
      SmallVector<Index> strides(piece.offsets.size(), index(1));
      tensor::ParallelInsertSliceOp::create(b, piece.value, out, piece.offsets, piece.sizes,
                                            strides);
    }
    return loop;
  }

  ImplicitLocOpBuilder b;
};

/// [T, N] in strips of 16 features. The strip past the end of N is computed whole, stored in part.
void Tiler::tile(quant_ext::MatmulOp op) {
  auto type = cast<RankedTensorType>(op.getType());
  int64_t n = type.getDimSize(1);
  Index rows = dim(op.getActs(), 0);
  auto loop = forall(
      {index(llvm::divideCeil(n, kLanes))}, empty(type, rows), [&](ValueRange ivs, ValueRange) {
        SmallVector<Value> weight;
        for (Value component : op.getWeight()) {
          SmallVector<Index> offsets(typeOf(component).getRank(), index(0));
          SmallVector<Index> sizes = tensor::getMixedSizes(b, b.getLoc(), component);
          offsets[0] = ivs[0];
          sizes[0] = index(1);
          weight.push_back(slice(component, offsets, sizes));
        }
        auto tileType = RankedTensorType::get({type.getDimSize(0), kLanes}, b.getF32Type());
        Value tile = quant_ext::MatmulOp::create(b, tileType, op.getActs(), op.getActScales(),
                                                 op.getCorrections(), op.getSums(), weight,
                                                 op.getScheme(), op.getKAttr(), op.getLanesAttr());
        Index offset = mul(ivs[0], kLanes), size = index(kLanes);
        if (n % kLanes != 0) {
          AffineExpr d = b.getAffineDimExpr(0);
          size = affine::makeComposedFoldedAffineMin(
              b, b.getLoc(),
              AffineMap::get(1, 0, {n - d * kLanes, b.getAffineConstantExpr(kLanes)},
                             b.getContext()),
              {ivs[0]});
          tile = slice(tile, {index(0), index(0)}, {rows, size});
        }
        return SmallVector<Piece>{{tile, {index(0), offset}, {rows, size}}};
      });
  op.replaceAllUsesWith(loop.getResult(0));
  op.erase();
}

/// [T, heads * D] by token and head.
void Tiler::tile(nn::RopeOp op) {
  auto type = cast<RankedTensorType>(op.getType());
  int64_t d = op.getHeadDim();
  auto loop = forall({dim(op.getInput(), 0), index(type.getDimSize(1) / d)},
                     empty(type, dim(op.getInput(), 0)), [&](ValueRange ivs, ValueRange) {
                       SmallVector<Index> offsets{ivs[0], mul(ivs[1], d)};
                       SmallVector<Index> sizes{index(1), index(d)};
                       Value head = nn::RopeOp::create(b, slice(op.getInput(), offsets, sizes),
                                                       row(op.getCos(), ivs[0]),
                                                       row(op.getSin(), ivs[0]), d);
                       return SmallVector<Piece>{{head, offsets, sizes}};
                     });
  op.replaceAllUsesWith(loop.getResult(0));
  op.erase();
}

/// Each head of each token goes to a column of its key block and a row of its values; as int8, with
/// one scale for each.
void Tiler::tile(nn::KVAppendOp op) {
  RankedTensorType cache = typeOf(op.getValueCache());
  int64_t heads = cache.getDimSize(1), d = cache.getDimSize(3);
  Index one = index(1), zero = index(0);
  SmallVector<Value> outputs{op.getKeyCache(), op.getValueCache()};
  if (op.getScales())
    outputs.push_back(op.getScales());
  auto loop =
      forall({dim(op.getKey(), 0), index(heads)}, outputs, [&](ValueRange ivs, ValueRange outs) {
        AffineExpr t = b.getAffineDimExpr(0), p = b.getAffineDimExpr(1);
        auto position = [&](AffineExpr e) {
          return affine::makeComposedFoldedAffineApply(b, b.getLoc(), AffineMap::get(2, 0, e),
                                                       {Index(ivs[0]), Index(op.getPosition())});
        };
        Index layer = op.getLayer(), head = ivs[1];
        SmallVector<Index> keyAt{layer, head, position((t + p).floorDiv(16)), zero,
                                 position((t + p) % 16)};
        SmallVector<Index> keySizes{one, one, one, index(d), one};
        SmallVector<Index> valueAt{layer, head, position(t + p), zero};
        SmallVector<Index> valueSizes{one, one, one, index(d)};
        SmallVector<Index> headAt{ivs[0], mul(head, d)}, headSizes{one, index(d)};
        SmallVector<Piece> pieces;
        auto store = [&](Value key, Value value) {
          pieces.push_back({storeHead(key, outs[0], keyAt, keySizes), keyAt, keySizes});
          pieces.push_back({storeHead(value, outs[1], valueAt, valueSizes), valueAt, valueSizes});
        };
        if (!op.getScales()) {
          Value key = part(op.getKey(), d, headAt, headSizes);
          store(key, part(op.getValue(), d, headAt, headSizes));
          return pieces;
        }
        SmallVector<Index> at{layer, head, zero, valueAt[2]}, sizes{one, one, index(2), one};
        Value scales = part(outs[2], 2, at, sizes);
        Value key = quantizeHead(slice(op.getKey(), headAt, headSizes), 0, scales);
        Value value = quantizeHead(slice(op.getValue(), headAt, headSizes), 1, scales);
        store(key, value);
        pieces.push_back({scales, at, sizes});
        return pieces;
      });
  op->replaceAllUsesWith(loop.getResults());
  op.erase();
}

/// The `count` elements of `from` at `at`, as a vector.
Value Tiler::part(Value from, int64_t count, ArrayRef<Index> at, ArrayRef<Index> sizes) {
  SmallVector<Index> strides(at.size(), index(1));
  auto type = RankedTensorType::get({count}, typeOf(from).getElementType());
  return tensor::ExtractSliceOp::create(b, type, from, at, sizes, strides);
}

/// A head [1, D] as int8 [D]; its scale becomes element `i` of `scales`.
Value Tiler::quantizeHead(Value head, int64_t i, Value &scales) {
  int64_t d = typeOf(head).getDimSize(1), padded = llvm::alignTo(d, kUnit);
  auto codesType = RankedTensorType::get({1, padded}, b.getI8Type());
  auto scaleType = RankedTensorType::get({1, 1}, b.getF32Type());
  Value scale = quant_ext::ChooseQParamsOp::create(b, scaleType, head, d);
  Value codes = quant_ext::QuantizeOp::create(b, codesType, head, scale, d);
  Value zero = value(index(0));
  Value number = tensor::ExtractOp::create(b, scale, ValueRange{zero, zero});
  scales = tensor::InsertOp::create(b, number, scales, value(index(i)));
  return part(codes, d, {index(0), index(0)}, {index(1), index(d)});
}

/// A head [D] in the place `at` of a cache, converted to its type.
Value Tiler::storeHead(Value source, Value cache, ArrayRef<Index> at, ArrayRef<Index> sizes) {
  Value target = part(cache, typeOf(source).getDimSize(0), at, sizes);
  Type element = typeOf(cache).getElementType();
  auto convert = linalg::GenericOp::create(
      b, TypeRange{target.getType()}, source, target,
      ArrayRef<AffineMap>{b.getMultiDimIdentityMap(1), b.getMultiDimIdentityMap(1)},
      ArrayRef<utils::IteratorType>{utils::IteratorType::parallel},
      [&](OpBuilder &inner, Location loc, ValueRange args) {
        Value cell = args[0];
        if (cell.getType() != element)
          cell = arith::TruncFOp::create(inner, loc, element, cell);
        linalg::YieldOp::create(inner, loc, cell);
      });
  return convert.getResult(0);
}

/// [T, heads * D] by token and KV head: the query heads that share keys go together.
void Tiler::tile(nn::AttentionOp op) {
  RankedTensorType cache = typeOf(op.getValueCache());
  int64_t kvHeads = cache.getDimSize(1), d = cache.getDimSize(3);
  int64_t group = op.getHeads() / kvHeads;
  auto type = cast<RankedTensorType>(op.getType());
  auto loop = forall(
      {dim(op.getQuery(), 0), index(kvHeads)}, empty(type, dim(op.getQuery(), 0)),
      [&](ValueRange ivs, ValueRange) {
        SmallVector<Index> offsets{ivs[0], mul(ivs[1], group * d)};
        SmallVector<Index> sizes{index(1), index(group * d)};
        auto head = [&](Value cache) {
          SmallVector<Index> at(typeOf(cache).getRank(), index(0));
          SmallVector<Index> extent = tensor::getMixedSizes(b, b.getLoc(), cache);
          at[0] = op.getLayer();
          at[1] = ivs[1];
          extent[0] = extent[1] = index(1);
          return slice(cache, at, extent);
        };
        Value position = arith::AddIOp::create(b, op.getPosition(), ivs[0]);
        Value scales = op.getScales() ? head(op.getScales()) : Value();
        Value tile =
            nn::AttentionOp::create(b, slice(op.getQuery(), offsets, sizes), head(op.getKeyCache()),
                                    head(op.getValueCache()), value(index(0)), position,
                                    op.getWindow(), scales, group, op.getScale());
        return SmallVector<Piece>{{tile, offsets, sizes}};
      });
  // Later tokens see more positions: contiguous shares would be uneven.
  loop->setAttr("spmd.cyclic", b.getUnitAttr());
  op.replaceAllUsesWith(loop.getResult(0));
  op.erase();
}

/// An operation whose rows are independent, one row at a time. Matrix operands with as many rows
/// as the result are cut; others are used whole; the position of a row is added to an index.
void Tiler::tileRows(Operation *op) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  Index rows;
  if (auto table = dyn_cast<nn::RopeTableOp>(op))
    rows = table.getRows();
  else
    rows = dim(op->getOperand(0), 0);
  SmallVector<Value> outputs;
  for (Value result : op->getResults())
    outputs.push_back(empty(typeOf(result), rows));
  auto loop = forall({rows}, outputs, [&](ValueRange ivs, ValueRange) {
    IRMapping map;
    for (Value operand : op->getOperands()) {
      auto tensor = dyn_cast<RankedTensorType>(operand.getType());
      if (tensor && tensor.getDimSize(0) == type.getDimSize(0) && tensor.getRank() == 2)
        map.map(operand, row(operand, ivs[0]));
      else if (tensor && tensor.getDimSize(0) == type.getDimSize(0) && tensor.getRank() == 1 &&
               isa<quant_ext::GatherRowsOp>(op))
        map.map(operand, slice(operand, {ivs[0]}, {index(1)}));
    }
    if (auto table = dyn_cast<nn::RopeTableOp>(op))
      map.map(table.getPosition(), arith::AddIOp::create(b, table.getPosition(), ivs[0]));
    Operation *tile = b.clone(*op, map);
    if (auto table = dyn_cast<nn::RopeTableOp>(tile))
      table.getRowsMutable().clear();
    SmallVector<Piece> pieces;
    for (Value result : tile->getResults()) {
      RankedTensorType full = typeOf(result);
      result.setType(full.clone({1, full.getDimSize(1)}));
      pieces.push_back({result, {ivs[0], index(0)}, {index(1), index(full.getDimSize(1))}});
    }
    return pieces;
  });
  op->replaceAllUsesWith(loop.getResults());
  op->erase();
}

/// How a linalg operation is cut: `tile[d]` elements of loop d at a time, 0 for all of it. Elementwise
/// operations on matrices go in the strips of the matmuls that feed them; others by all their
/// parallel loops but the innermost, which is left to vectors.
SmallVector<int64_t> linalgTiles(linalg::LinalgOp op) {
  SmallVector<int64_t> tiles(op.getNumLoops(), 0), extents = op.getStaticLoopRanges();
  SmallVector<unsigned> parallel;
  op.getParallelDims(parallel);
  bool elementwiseMatrix = op.getNumLoops() == 2 && parallel.size() == 2 &&
                           !ShapedType::isDynamic(extents[1]) && extents[1] % kLanes == 0;
  if (elementwiseMatrix) {
    tiles[1] = kLanes;
    return tiles;
  }
  if (parallel.size() == op.getNumLoops() && !parallel.empty())
    parallel.pop_back();
  else if (parallel.size() > 1)
    parallel.pop_back();
  for (unsigned d : parallel)
    if (extents[d] != 1)
      tiles[d] = 1;
  return tiles;
}

LogicalResult Tiler::tileLinalg(linalg::LinalgOp op) {
  if (!op.hasPureTensorSemantics())
    return success();
  SmallVector<int64_t> tiles = linalgTiles(op);
  bool whole = llvm::all_of(tiles, [](int64_t t) { return t == 0; });
  // Small operations are not worth a barrier: each thread does them for itself. But only one may
  // change what is there already.
  if (whole && llvm::all_of(op.getDpsInits(), [](Value v) {
        return v.getDefiningOp<tensor::EmptyOp>() != nullptr;
      }))
    return success();
  auto tileable = cast<TilingInterface>(op.getOperation());
  SmallVector<Range> domain = tileable.getIterationDomain(b);
  SmallVector<Index> bounds;
  for (auto [tile, range] : llvm::zip(tiles, domain))
    if (tile != 0)
      bounds.push_back(tile == 1 ? range.size : div(range.size, tile));
  if (whole)
    bounds.push_back(index(1));
  bool tiled = true;
  auto loop = forall(bounds, op.getDpsInits(), [&](ValueRange ivs, ValueRange outs) {
    SmallVector<Index> offsets, sizes;
    size_t next = 0;
    for (auto [tile, range] : llvm::zip(tiles, domain)) {
      offsets.push_back(tile == 0 ? index(0) : mul(ivs[next], tile));
      sizes.push_back(tile == 0 ? range.size : index(tile));
      next += tile != 0;
    }
    IRMapping map;
    map.map(op.getDpsInits(), outs);
    Operation *all = b.clone(*op, map);
    auto interface = cast<TilingInterface>(all);
    SmallVector<Piece> pieces;
    auto tile = interface.getTiledImplementation(b, offsets, sizes);
    for (unsigned i = 0; i < all->getNumResults() && succeeded(tile); ++i) {
      Piece piece;
      piece.value = tile->tiledValues[i];
      tiled &= succeeded(
          interface.getResultTilePosition(b, i, offsets, sizes, piece.offsets, piece.sizes));
      pieces.push_back(std::move(piece));
    }
    tiled &= succeeded(tile);
    all->erase();
    return pieces;
  });
  if (!tiled)
    return op.emitOpError("could not be cut into tiles");
  op->replaceAllUsesWith(loop.getResults());
  op->erase();
  return success();
}

struct TileToThreads final : impl::TileToThreadsBase<TileToThreads> {
  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) { ops.push_back(op); });
    for (Operation *op : ops)
      if (failed(tile(op)))
        return signalPassFailure();
  }

  static LogicalResult tile(Operation *op) {
    if (auto matmul = dyn_cast<quant_ext::MatmulOp>(op))
      return Tiler(op).tile(matmul), success();
    if (auto rope = dyn_cast<nn::RopeOp>(op))
      return Tiler(op).tile(rope), success();
    if (auto append = dyn_cast<nn::KVAppendOp>(op))
      return Tiler(op).tile(append), success();
    if (auto attention = dyn_cast<nn::AttentionOp>(op))
      return Tiler(op).tile(attention), success();
    if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
      return Tiler(op).tileLinalg(linalgOp);
    bool rowWise =
        isa<nn::GatherColumnsOp, nn::RMSNormOp, nn::RopeTableOp, quant_ext::ChooseQParamsOp, quant_ext::QuantizeOp,
            quant_ext::DequantizeOp, quant_ext::GroupSumsOp, quant_ext::GatherRowsOp>(op);
    if (rowWise && typeOf(op->getResult(0)).getDimSize(0) != 1)
      Tiler(op).tileRows(op);
    return success();
  }
};

} // namespace
} // namespace qcc
