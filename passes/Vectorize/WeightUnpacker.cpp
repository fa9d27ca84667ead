//===- WeightUnpacker.cpp - Codes, scales and minima from packed weights ------===//

#include "passes/Vectorize/WeightUnpacker.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace qcc {

WeightUnpacker::WeightUnpacker(ImplicitLocOpBuilder &b, const Scheme &scheme, int64_t k,
                               ValueRange components, const TargetInfo &target, Value tile,
                               Value lane)
    : b(b), scheme(scheme), components(components), target(target), tile(tile), lane(lane) {
  for (auto [i, component] : llvm::enumerate(packedComponents(scheme, kLanes, k, kLanes))) {
    int &slot = component.name == "codes"        ? codes
                : component.name == "scales"     ? scales
                : component.name == "sub_scales" ? subScales
                : component.name == "mins"       ? mins
                : component.name == "sub_mins"   ? subMins
                                                 : zeroPoints;
    slot = i;
  }
}

Type WeightUnpacker::like(Type element) const {
  return lane ? element : VectorType::get(kLanes, element);
}

Value WeightUnpacker::splat(int64_t value) {
  Type type = like(b.getI32Type());
  TypedAttr attr = b.getI32IntegerAttr(value);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, static_cast<int32_t>(value));
  return arith::ConstantOp::create(b, type, attr);
}

Value WeightUnpacker::read(unsigned component, ValueRange middle) {
  Value source = components[component];
  Type element = cast<RankedTensorType>(source.getType()).getElementType();
  SmallVector<Value> indices{tile};
  llvm::append_range(indices, middle);
  indices.push_back(lane ? lane : Value(arith::ConstantIndexOp::create(b, 0)));
  if (lane)
    return tensor::ExtractOp::create(b, source, indices);
  return vector::TransferReadOp::create(b, cast<VectorType>(like(element)), source, indices,
                                        std::nullopt, ArrayRef<bool>{true});
}

Value WeightUnpacker::asFloat(Value v, bool isUnsigned) {
  Type type = like(b.getF32Type()), element = getElementTypeOrSelf(v.getType());
  if (element.isF32())
    return v;
  if (isa<FloatType>(element))
    return arith::ExtFOp::create(b, type, v);
  if (isUnsigned)
    v = arith::ExtUIOp::create(b, like(b.getI32Type()), v);
  return arith::SIToFPOp::create(b, type, v);
}

SmallVector<Value> WeightUnpacker::quads(Value unit) {
  SmallVector<Value> result(kUnit / kQuad);
  for (const BitPlane &plane : bitPlanes(scheme.bits)) {
    // A word of a plane holds the codes of 8 / width quads.
    int64_t perWord = 8 / plane.width;
    int64_t mask = ((int64_t(1) << plane.width) - 1) * 0x01010101;
    for (int64_t word = 0; word < static_cast<int64_t>(result.size()) / perWord; ++word) {
      Value index = arith::ConstantIndexOp::create(b, plane.firstWord + word);
      Value packed = read(codes, {unit, index});
      for (int64_t i = 0; i < perWord; ++i) {
        Value bits = packed;
        int64_t right = i * plane.width;
        if (right != 0)
          bits = arith::ShRUIOp::create(b, bits, splat(right));
        if (plane.width != 8)
          bits = arith::AndIOp::create(b, bits, splat(mask));
        if (plane.shift != 0)
          bits = arith::ShLIOp::create(b, bits, splat(plane.shift));
        Value &quad = result[word * perWord + i];
        quad = quad ? Value(arith::OrIOp::create(b, quad, bits)) : bits;
      }
    }
  }
  return result;
}

Value WeightUnpacker::dotOperand(Value quad) {
  int64_t bias = target.weightBias(scheme);
  if (scheme.code == CodeKind::Codebook) {
    SmallVector<int8_t> table;
    for (int8_t entry : scheme.codebook)
      table.push_back(static_cast<int8_t>(entry - bias));
    return target.emitLookup(b, quad, table);
  }
  // code - 128 of each byte.
  return bias ? Value(arith::XOrIOp::create(b, quad, splat(0x80808080))) : quad;
}

template <typename T> Value WeightUnpacker::fromTable(Value code, ArrayRef<T> table, Type element) {
  auto type = RankedTensorType::get(static_cast<int64_t>(table.size()), element);
  Value all = arith::ConstantOp::create(b, DenseElementsAttr::get(type, table));
  Value index = arith::IndexCastUIOp::create(b, b.getIndexType(), code);
  return tensor::ExtractOp::create(b, all, index);
}

Value WeightUnpacker::unscaled(Value quad, int64_t i) {
  if (scheme.code == CodeKind::Codebook && !lane) {
    Value decoded = target.emitLookup(b, quad, scheme.codebook);
    // Shifting left first brings the sign of byte i to the top.
    Value top = i == 3 ? decoded : arith::ShLIOp::create(b, decoded, splat(24 - 8 * i));
    return asFloat(arith::ShRSIOp::create(b, top, splat(24)));
  }
  Value code = i == 0 ? quad : arith::ShRUIOp::create(b, quad, splat(8 * i));
  if (scheme.code == CodeKind::FloatCodebook && !lane)
    return target.emitFloatLookup(b, code, scheme.floatCodebook);
  if (i != 3)
    code = arith::AndIOp::create(b, code, splat(255));
  // One row: an ordinary load from the table.
  if (scheme.code == CodeKind::Codebook)
    return asFloat(fromTable(code, ArrayRef(scheme.codebook), b.getI8Type()));
  if (scheme.code == CodeKind::FloatCodebook)
    return fromTable(code, ArrayRef(scheme.floatCodebook), b.getF32Type());
  if (scheme.offset != 0)
    code = arith::SubIOp::create(b, code, splat(scheme.offset));
  return asFloat(code);
}

Value WeightUnpacker::groupIndex(Value unit, int64_t element, unsigned size) {
  if (size == 0)
    return arith::ConstantIndexOp::create(b, 0);
  if (size == kUnit)
    return unit;
  Value k = arith::MulIOp::create(b, unit, arith::ConstantIndexOp::create(b, kUnit));
  if (element != 0)
    k = arith::AddIOp::create(b, k, arith::ConstantIndexOp::create(b, element));
  return arith::DivUIOp::create(b, k, arith::ConstantIndexOp::create(b, size));
}

Value WeightUnpacker::scale(Value unit, int64_t element) {
  Value group = groupIndex(unit, element, scheme.groupSize);
  if (scheme.scale != ScaleKind::Super)
    return asFloat(read(scales, group));
  Value d = asFloat(read(scales, groupIndex(unit, element, scheme.superSize)));
  return arith::MulFOp::create(b, d, asFloat(read(subScales, group)));
}

Value WeightUnpacker::minimum(Value unit, int64_t element) {
  Value group = groupIndex(unit, element, scheme.groupSize);
  switch (scheme.min) {
  case MinKind::None:
    return {};
  case MinKind::F16:
    return asFloat(read(mins, group));
  case MinKind::Super: {
    Value d = asFloat(read(mins, groupIndex(unit, element, scheme.superSize)));
    Value m = arith::MulFOp::create(b, d, asFloat(read(subMins, group), /*isUnsigned=*/true));
    return arith::NegFOp::create(b, m);
  }
  case MinKind::ZeroPoint: {
    Value zero = asFloat(read(zeroPoints, group), /*isUnsigned=*/true);
    return arith::NegFOp::create(b, arith::MulFOp::create(b, scale(unit, element), zero));
  }
  }
  llvm_unreachable("all kinds covered");
}

Value WeightUnpacker::floatValue(Value k) { return asFloat(read(codes, k)); }

} // namespace qcc
