//===- ImportCast.cpp - Conversions of element types ---------===//
//
// Out of range floats are clamped: converting them would be undefined.
//
//===----------------------------------------------------------------------===//

#include "frontends/ONNX/ImportScalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;

namespace qcc::import_onnx {
namespace {

using B = ImplicitLocOpBuilder;

//===--- conversions ---------------------------------------------------------------------===//

/// Floats to integers, clamped to what fits: out of range would be undefined.
Value floatToInteger(B &b, Value x, Type to, bool toUnsigned) {
  unsigned width = to.getIntOrFloatBitWidth();
  double low = toUnsigned ? 0 : -std::ldexp(1.0, width - 1);
  // The largest float below the limit, so that the conversion stays in range.
  double limit = std::ldexp(1.0, toUnsigned ? width : width - 1);
  double high = x.getType().isF32() ? std::nextafterf(limit, 0) : std::nextafter(limit, 0);
  high = std::min(high, limit - 1);
  Value raised = arith::MaxNumFOp::create(b, x, number(b, x, low));
  Value clamped = arith::MinNumFOp::create(b, raised, number(b, x, high));
  return toUnsigned ? Value(arith::FPToUIOp::create(b, to, clamped))
                    : Value(arith::FPToSIOp::create(b, to, clamped));
}

Value convert(B &b, Value x, DType from, DType to) {
  Type type = elementType(b, to);
  bool fromInteger = isInteger(from), toInteger = isInteger(to);
  if (to == DType::Bool && fromInteger)
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, x, number(b, x, 0));
  if (to == DType::Bool)
    return arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, x, number(b, x, 0));
  if (x.getType() == type)
    return x;
  unsigned have = x.getType().getIntOrFloatBitWidth(), want = type.getIntOrFloatBitWidth();
  if (fromInteger && toInteger) {
    if (have > want)
      return arith::TruncIOp::create(b, type, x);
    return isUnsigned(from) ? Value(arith::ExtUIOp::create(b, type, x))
                            : Value(arith::ExtSIOp::create(b, type, x));
  }
  if (fromInteger)
    return isUnsigned(from) ? Value(arith::UIToFPOp::create(b, type, x))
                            : Value(arith::SIToFPOp::create(b, type, x));
  if (toInteger)
    return floatToInteger(b, x, type, isUnsigned(to));
  return have > want ? Value(arith::TruncFOp::create(b, type, x))
                     : Value(arith::ExtFOp::create(b, type, x));
}

std::optional<DType> dtypeOf(int64_t number) {
  switch (number) {
  case onnx::TensorProto::FLOAT:
    return DType::F32;
  case onnx::TensorProto::FLOAT16:
    return DType::F16;
  case onnx::TensorProto::BFLOAT16:
    return DType::BF16;
  case onnx::TensorProto::DOUBLE:
    return DType::F64;
  case onnx::TensorProto::INT64:
    return DType::I64;
  case onnx::TensorProto::INT32:
    return DType::I32;
  case onnx::TensorProto::INT16:
    return DType::I16;
  case onnx::TensorProto::INT8:
    return DType::I8;
  case onnx::TensorProto::UINT64:
    return DType::U64;
  case onnx::TensorProto::UINT32:
    return DType::U32;
  case onnx::TensorProto::UINT16:
    return DType::U16;
  case onnx::TensorProto::UINT8:
    return DType::U8;
  case onnx::TensorProto::BOOL:
    return DType::Bool;
  default:
    return std::nullopt;
  }
}

LogicalResult castTo(Node &n, DType to) {
  Operand &x = n.in(0);
  if (isInteger(x.dtype) && isInteger(to)) {
    bool wide = to == DType::I64 || to == DType::I32 || to == x.dtype;
    if (std::optional<std::vector<DimExpr>> known =
            evaluateAll(n, {&x}, x.dims, [&](ArrayRef<DimExpr> v) -> DimExpr {
              if (to == DType::Bool && x.dtype != DType::Bool)
                return v[0].isConstant(0)                             ? DimExpr(0)
                       : v[0].constant() || lessThan(0, v[0]) == true ? DimExpr(1)
                                                                      : DimExpr::invalid();
              return wide || v[0].isConstant(0) || v[0].isConstant(1) ? v[0] : DimExpr::invalid();
            }))
      return n.setElements(0, to, x.dims, std::move(*known));
  }
  if (elementType(n.b, x.dtype) == elementType(n.b, to) && isInteger(x.dtype) == isInteger(to)) {
    // The same values. A constant keeps its own type: it says how the file holds it.
    Operand same = x;
    if (!x.constant)
      same.dtype = to;
    else if (isInteger(to) && x.dtype != to) {
      same.value = n.value(x);
      same.constant = nullptr;
      same.dtype = to;
    }
    return n.set(0, std::move(same));
  }
  Value y = n.elementwise({&x}, x.dims, elementType(n.b, to),
                          [&](B &b, ValueRange v) { return convert(b, v[0], x.dtype, to); });
  return n.set(0, to, x.dims, y);
}

LogicalResult importCast(Node &n) {
  int64_t number = n.intAttr("to", 0);
  std::optional<DType> to = dtypeOf(number);
  if (!to)
    return n.unsupported("conversion to element type number " + llvm::Twine(number) +
                         " is not supported");
  return castTo(n, *to);
}

LogicalResult importCastLike(Node &n) { return castTo(n, n.in(1).dtype); }

/// Identity, and Dropout, which does nothing when a model is used.
LogicalResult importIdentity(Node &n) {
  if (n.proto.op_type() == "Dropout" && n.has(2)) {
    std::optional<double> training = n.constantScalar(n.in(2));
    if (!training || *training != 0)
      return n.unsupported("training mode is not supported");
  }
  return n.set(0, n.in(0));
}

constexpr OpRow kRows[] = {
    {"Cast", 6, kNewestOpset, 1, 1, importCast},
    {"CastLike", 15, kNewestOpset, 2, 2, importCastLike},
    {"Dropout", 7, kNewestOpset, 1, 3, importIdentity},
    {"Identity", 1, kNewestOpset, 1, 1, importIdentity},
};

} // namespace

ArrayRef<OpRow> castOps() { return kRows; }

} // namespace qcc::import_onnx
