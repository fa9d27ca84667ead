//===- TargetInfo.cpp - What schedules ask about the target -------------------===//

#include "passes/Target/TargetInfo.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace qcc {

TargetInfo TargetInfo::of(Operation *op) {
  TargetInfo info;
  auto module = isa<ModuleOp>(op) ? cast<ModuleOp>(op) : op->getParentOfType<ModuleOp>();
  auto target = module ? module->getAttrOfType<LLVM::TargetAttr>(kTargetAttrName) : nullptr;
  if (!target)
    return info;
  auto has = [&](StringRef feature) {
    return target.getFeatures() && target.getFeatures().contains(feature);
  };
  StringRef triple = target.getTriple().getValue();
  info.isX86 = triple.starts_with("x86_64");
  info.isArm = triple.starts_with("aarch64");
  info.avx512 = has("+avx512bw") && has("+avx512vl");
  info.avx2 = has("+avx2");
  info.vbmi = has("+avx512vbmi");
  if (info.isArm) {
    info.dot = has("+dotprod") ? Dot::NeonDot : Dot::None;
  } else if (info.isX86) {
    if (info.avx512 && has("+avx512vnni"))
      info.dot = Dot::VNNI512;
    else if (has("+avxvnni") || (info.avx512 && has("+avx512vnni")))
      info.dot = Dot::VNNI256;
    else if (info.avx2)
      info.dot = Dot::Maddubs;
  }
  if (info.avx512)
    info.intColumns = info.floatColumns = 8;
  return info;
}

int64_t TargetInfo::weightBias(const Scheme &scheme) const {
  if (scheme.code == CodeKind::Codebook)
    // Table entries are signed; vpdpbusd wants them moved up to unsigned.
    return dot == Dot::VNNI256 || dot == Dot::VNNI512 ? -128 : 0;
  if (scheme.bits < 8 || dot == Dot::VNNI256 || dot == Dot::VNNI512)
    return 0;
  return 128;
}

/// The pieces of a vector<16xi32> as vectors of `bytes` bytes each.
static SmallVector<Value> split(ImplicitLocOpBuilder &b, Value v, int64_t bytes) {
  auto byteType = VectorType::get(64, b.getI8Type());
  Value all = vector::BitCastOp::create(b, byteType, v);
  if (bytes == 64)
    return {all};
  SmallVector<Value> parts;
  for (int64_t at = 0; at < 64; at += bytes)
    parts.push_back(vector::ExtractStridedSliceOp::create(b, all, ArrayRef<int64_t>{at},
                                                          ArrayRef<int64_t>{bytes},
                                                          ArrayRef<int64_t>{1}));
  return parts;
}

/// The inverse of split for pieces of `lanes` 32-bit lanes.
static Value join(ImplicitLocOpBuilder &b, ArrayRef<Value> parts) {
  if (parts.size() == 1)
    return parts[0];
  auto type = VectorType::get(kLanes, b.getI32Type());
  Value result = arith::ConstantOp::create(b, b.getZeroAttr(type));
  int64_t lanes = kLanes / parts.size();
  for (auto [i, part] : llvm::enumerate(parts))
    result = vector::InsertStridedSliceOp::create(
        b, part, result, ArrayRef<int64_t>{static_cast<int64_t>(i) * lanes}, ArrayRef<int64_t>{1});
  return result;
}

static Value intrinsic(ImplicitLocOpBuilder &b, StringRef name, Type type, ValueRange args) {
  return LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr(name), args).getResults();
}

Value TargetInfo::emitDot4(ImplicitLocOpBuilder &b, Value acc, Value weights, Value acts,
                           const Scheme &scheme) const {
  int64_t bytes = dot == Dot::VNNI512 ? 64 : dot == Dot::NeonDot ? 16 : 32;
  SmallVector<Value> w = split(b, weights, bytes), a = split(b, acts, bytes), results;
  auto accType = VectorType::get(bytes / 4, b.getI32Type());
  auto wideType = VectorType::get(bytes / 2, b.getI16Type());
  bool signedWeights = scheme.bits == 8 || scheme.code == CodeKind::Codebook;
  for (auto [i, wi, ai] : llvm::enumerate(w, a)) {
    Value c = acc;
    if (w.size() > 1)
      c = vector::ExtractStridedSliceOp::create(
          b, acc, ArrayRef<int64_t>{static_cast<int64_t>(i) * bytes / 4},
          ArrayRef<int64_t>{bytes / 4}, ArrayRef<int64_t>{1});
    switch (dot) {
    case Dot::VNNI512:
      results.push_back(intrinsic(b, "llvm.x86.avx512.vpdpbusd.512", accType, {c, wi, ai}));
      break;
    case Dot::VNNI256:
      results.push_back(intrinsic(b, "llvm.x86.avx512.vpdpbusd.256", accType, {c, wi, ai}));
      break;
    case Dot::NeonDot:
      results.push_back(
          intrinsic(b, "llvm.aarch64.neon.sdot", accType, {c, wi, ai}));
      break;
    case Dot::Maddubs: {
      if (signedWeights) {
        // |w| is unsigned and the sign goes to the activation, so no pair saturates 16 bits.
        ai = intrinsic(b, "llvm.x86.avx2.psign.b", wi.getType(), {ai, wi});
        wi = intrinsic(b, "llvm.x86.avx2.psign.b", wi.getType(), {wi, wi});
      }
      Value pairs = intrinsic(b, "llvm.x86.avx2.pmadd.ub.sw", wideType, {wi, ai});
      Value ones = arith::ConstantOp::create(
          b, DenseElementsAttr::get(wideType, b.getI16IntegerAttr(1).getValue()));
      Value quads = intrinsic(b, "llvm.x86.avx2.pmadd.wd", accType, {pairs, ones});
      results.push_back(arith::AddIOp::create(b, c, quads));
      break;
    }
    case Dot::None:
      llvm_unreachable("activations stay float on targets without a dot product");
    }
  }
  return join(b, results);
}

/// A vector of `bytes` bytes that repeats `table`.
static Value repeated(ImplicitLocOpBuilder &b, ArrayRef<int8_t> table, int64_t bytes) {
  SmallVector<int8_t> all;
  for (int64_t i = 0; i < bytes; ++i)
    all.push_back(table[i % table.size()]);
  auto type = VectorType::get(bytes, b.getI8Type());
  return arith::ConstantOp::create(b, DenseElementsAttr::get(type, ArrayRef<int8_t>(all)));
}

/// table[index] for each byte, with the target's shuffle: it takes tables of 16, so of 32 the half
/// is selected by the index; AVX-512 VBMI and NEON have shuffles of more.
static Value shuffle(ImplicitLocOpBuilder &b, const TargetInfo &target, ArrayRef<int8_t> table,
                     Value indices) {
  auto type = cast<VectorType>(indices.getType());
  int64_t bytes = type.getNumElements();
  bool large = table.size() > 16;
  if (large && target.isArm)
    return intrinsic(b, "llvm.aarch64.neon.tbl2", type,
                     {repeated(b, table.take_front(16), bytes),
                      repeated(b, table.drop_front(16), bytes), indices});
  if (large && target.vbmi && bytes == 64)
    return intrinsic(b, "llvm.x86.avx512.permvar.qi.512", type,
                     {repeated(b, table, bytes), indices});
  StringRef name = bytes == 64    ? "llvm.x86.avx512.pshuf.b.512"
                   : bytes == 32  ? "llvm.x86.avx2.pshuf.b"
                   : target.isX86 ? "llvm.x86.ssse3.pshuf.b.128"
                                  : "llvm.aarch64.neon.tbl1";
  auto half = [&](ArrayRef<int8_t> part) {
    return intrinsic(b, name, type, {repeated(b, part, bytes), indices});
  };
  if (!large)
    return half(table);
  Value fifteen = repeated(b, {15}, bytes);
  Value upper = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, indices, fifteen);
  return arith::SelectOp::create(b, upper, half(table.drop_front(16)), half(table.take_front(16)));
}

Value TargetInfo::emitLookup(ImplicitLocOpBuilder &b, Value indices,
                             ArrayRef<int8_t> table) const {
  int64_t bytes = avx512 ? 64 : isX86 && avx2 ? 32 : 16;
  SmallVector<Value> results;
  for (Value part : split(b, indices, bytes))
    results.push_back(vector::BitCastOp::create(b, VectorType::get(bytes / 4, b.getI32Type()),
                                                shuffle(b, *this, table, part)));
  return join(b, results);
}

static Value floats(ImplicitLocOpBuilder &b, ArrayRef<float> values) {
  auto type = VectorType::get(static_cast<int64_t>(values.size()), b.getF32Type());
  return arith::ConstantOp::create(b, DenseElementsAttr::get(type, values));
}

static Value words(ImplicitLocOpBuilder &b, VectorType type, int32_t value) {
  return arith::ConstantOp::create(b, DenseElementsAttr::get(type, value));
}

/// Eight lanes of AVX2: the table's halves by the low three bits, then the half by bit 3.
static Value lookupPermps(ImplicitLocOpBuilder &b, Value codes, ArrayRef<float> table) {
  auto type = VectorType::get(8, b.getF32Type());
  auto codeType = cast<VectorType>(codes.getType());
  StringRef name = "llvm.x86.avx2.permps";
  Value low = intrinsic(b, name, type, {floats(b, table.take_front(8)), codes});
  Value high = intrinsic(b, name, type, {floats(b, table.drop_front(8)), codes});
  Value bit = arith::AndIOp::create(b, codes, words(b, codeType, 8));
  Value isHigh = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, bit, words(b, codeType, 0));
  return arith::SelectOp::create(b, isHigh, high, low);
}

/// Four lanes of NEON: bytes 4c .. 4c + 3 of the table's 64.
static Value lookupTbl(ImplicitLocOpBuilder &b, Value codes, ArrayRef<float> table) {
  auto codeType = cast<VectorType>(codes.getType());
  auto bytes = VectorType::get(16, b.getI8Type());
  SmallVector<Value> args;
  for (int64_t at = 0; at < 16; at += 4)
    args.push_back(vector::BitCastOp::create(b, bytes, floats(b, table.slice(at, 4))));
  Value code = arith::AndIOp::create(b, codes, words(b, codeType, 15));
  Value index = arith::AddIOp::create(
      b, arith::MulIOp::create(b, code, words(b, codeType, 0x04040404)),
      words(b, codeType, 0x03020100));
  args.push_back(vector::BitCastOp::create(b, bytes, index));
  Value found = intrinsic(b, "llvm.aarch64.neon.tbl4", bytes, args);
  return vector::BitCastOp::create(b, VectorType::get(4, b.getF32Type()), found);
}

Value TargetInfo::emitFloatLookup(ImplicitLocOpBuilder &b, Value codes,
                                  ArrayRef<float> table) const {
  auto result = VectorType::get(kLanes, b.getF32Type());
  if (avx512)
    // Takes the low four bits of each index.
    return intrinsic(b, "llvm.x86.avx512.permvar.sf.512", result, {floats(b, table), codes});
  int64_t bytes = isX86 ? 32 : 16;
  SmallVector<Value> parts;
  for (Value part : split(b, codes, bytes)) {
    auto type = VectorType::get(bytes / 4, b.getI32Type());
    Value code = vector::BitCastOp::create(b, type, part);
    Value found = isX86 ? lookupPermps(b, code, table) : lookupTbl(b, code, table);
    parts.push_back(vector::BitCastOp::create(b, type, found));
  }
  return vector::BitCastOp::create(b, result, join(b, parts));
}

} // namespace qcc
