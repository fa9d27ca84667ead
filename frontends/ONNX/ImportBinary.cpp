//===- ImportBinary.cpp - Operators of several elements ---------===//
//
// Arithmetic, comparisons and selection with broadcasting. Integer arithmetic whose inputs are
// known at import stays an expression of the sizes.
//
//===----------------------------------------------------------------------===//

#include "frontends/ONNX/ImportScalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace qcc::import_onnx {
namespace {

using B = ImplicitLocOpBuilder;

//===--- two inputs -----------------------------------------------------------------------===//

enum class Binary {
  Add,
  Sub,
  Mul,
  Div,
  Mod,
  Min,
  Max,
  Pow,
  PRelu,
  Equal,
  Less,
  Greater,
  LessEqual,
  GreaterEqual,
  And,
  Or,
  Xor,
  None
};

Binary binaryOf(StringRef name) {
  return llvm::StringSwitch<Binary>(name)
      .Cases({"Add", "Sum"}, Binary::Add)
      .Case("Sub", Binary::Sub)
      .Case("Mul", Binary::Mul)
      .Case("Div", Binary::Div)
      .Case("Mod", Binary::Mod)
      .Case("Min", Binary::Min)
      .Case("Max", Binary::Max)
      .Case("Pow", Binary::Pow)
      .Case("PRelu", Binary::PRelu)
      .Case("Equal", Binary::Equal)
      .Case("Less", Binary::Less)
      .Case("Greater", Binary::Greater)
      .Case("LessOrEqual", Binary::LessEqual)
      .Case("GreaterOrEqual", Binary::GreaterEqual)
      .Case("And", Binary::And)
      .Case("Or", Binary::Or)
      .Case("Xor", Binary::Xor)
      .Default(Binary::None);
}

bool isComparison(Binary op) { return op >= Binary::Equal && op <= Binary::GreaterEqual; }
bool isLogical(Binary op) { return op == Binary::And || op == Binary::Or || op == Binary::Xor; }

DimExpr truth(std::optional<bool> value) {
  return value ? DimExpr(*value ? 1 : 0) : DimExpr::invalid();
}

DimExpr negated(DimExpr e) { return DimExpr(1) - e; }

/// Invalid when it is only known when the program runs.
DimExpr evaluate(Binary op, const DimExpr &x, const DimExpr &y) {
  switch (op) {
  case Binary::Add:
    return x + y;
  case Binary::Sub:
    return x - y;
  case Binary::Mul:
    return x * y;
  case Binary::Div:
    // ONNX truncates, which is flooring for what is not negative.
    if (x.constant() && y.constant() && *y.constant() != 0 && *y.constant() != -1)
      return *x.constant() / *y.constant();
    return x.lowerBound() && *x.lowerBound() >= 0 ? x.floorDiv(y) : DimExpr::invalid();
  case Binary::Mod:
    return x - x.floorDiv(y) * y;
  case Binary::Min:
    return DimExpr::min(x, y);
  case Binary::Max:
    return DimExpr::max(x, y);
  case Binary::Equal:
    if (x == y)
      return 1;
    if ((x - y).constant() || lessThan(x, y) == true || lessThan(y, x) == true)
      return 0;
    return DimExpr::invalid();
  case Binary::Less:
    return truth(lessThan(x, y));
  case Binary::Greater:
    return truth(lessThan(y, x));
  case Binary::LessEqual:
    return negated(truth(lessThan(y, x)));
  case Binary::GreaterEqual:
    return negated(truth(lessThan(x, y)));
  case Binary::And:
    return x * y;
  case Binary::Or:
    return x + y - x * y;
  case Binary::Xor:
    return x + y - x * y * DimExpr(2);
  default:
    return DimExpr::invalid();
  }
}

/// Division that is defined for every divisor: x / 0 is 0, and the least number / -1 itself.
Value safeDivide(B &b, Value x, Value y, bool isUnsigned, bool remainder) {
  Value zero = number(b, x, 0), one = number(b, x, 1), minus = number(b, x, -1);
  Value isZero = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, y, zero);
  Value special = isZero;
  if (!isUnsigned)
    special = arith::OrIOp::create(b, isZero,
                                   arith::CmpIOp::create(b, arith::CmpIPredicate::eq, y, minus));
  Value divisor = arith::SelectOp::create(b, special, one, y);
  if (remainder) {
    Value r = isUnsigned ? Value(arith::RemUIOp::create(b, x, divisor))
                         : Value(arith::RemSIOp::create(b, x, divisor));
    return r; // of a division by 1 for the special divisors: 0
  }
  Value q = isUnsigned ? Value(arith::DivUIOp::create(b, x, divisor))
                       : Value(arith::DivSIOp::create(b, x, divisor));
  Value negated = arith::SubIOp::create(b, zero, x);
  Value other = isUnsigned ? zero : Value(arith::SelectOp::create(b, isZero, zero, negated));
  return arith::SelectOp::create(b, special, other, q);
}

/// The remainder has the sign of the divisor, or with fmod that of the dividend.
Value integerMod(B &b, Value x, Value y, bool isUnsigned, bool fmod) {
  Value r = safeDivide(b, x, y, isUnsigned, /*remainder=*/true);
  if (isUnsigned || fmod)
    return r;
  Value zero = number(b, x, 0);
  Value differ =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, arith::XOrIOp::create(b, r, y), zero);
  Value some = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, r, zero);
  Value fix = arith::AndIOp::create(b, differ, some);
  return arith::SelectOp::create(b, fix, arith::AddIOp::create(b, r, y), r);
}

Value integerCompare(B &b, Binary op, Value x, Value y, bool isUnsigned) {
  using P = arith::CmpIPredicate;
  P p = op == Binary::Equal       ? P::eq
        : op == Binary::Less      ? (isUnsigned ? P::ult : P::slt)
        : op == Binary::Greater   ? (isUnsigned ? P::ugt : P::sgt)
        : op == Binary::LessEqual ? (isUnsigned ? P::ule : P::sle)
                                  : (isUnsigned ? P::uge : P::sge);
  return arith::CmpIOp::create(b, p, x, y);
}

/// Null when there is no such operation on integers.
Value integerBinary(B &b, Binary op, Value x, Value y, bool isUnsigned, bool fmod) {
  if (isComparison(op))
    return integerCompare(b, op, x, y, isUnsigned);
  switch (op) {
  case Binary::Add:
    return arith::AddIOp::create(b, x, y);
  case Binary::Sub:
    return arith::SubIOp::create(b, x, y);
  case Binary::Mul:
    return arith::MulIOp::create(b, x, y);
  case Binary::Div:
    return safeDivide(b, x, y, isUnsigned, /*remainder=*/false);
  case Binary::Mod:
    return integerMod(b, x, y, isUnsigned, fmod);
  case Binary::Min:
    return isUnsigned ? Value(arith::MinUIOp::create(b, x, y))
                      : Value(arith::MinSIOp::create(b, x, y));
  case Binary::Max:
    return isUnsigned ? Value(arith::MaxUIOp::create(b, x, y))
                      : Value(arith::MaxSIOp::create(b, x, y));
  case Binary::And:
    return arith::AndIOp::create(b, x, y);
  case Binary::Or:
    return arith::OrIOp::create(b, x, y);
  case Binary::Xor:
    return arith::XOrIOp::create(b, x, y);
  default:
    return {};
  }
}

Value floatBinary(B &b, Binary op, Value x, Value y) {
  using P = arith::CmpFPredicate;
  switch (op) {
  case Binary::Add:
    return arith::AddFOp::create(b, x, y);
  case Binary::Sub:
    return arith::SubFOp::create(b, x, y);
  case Binary::Mul:
    return arith::MulFOp::create(b, x, y);
  case Binary::Div:
    return arith::DivFOp::create(b, x, y);
  case Binary::Min:
    return arith::MinimumFOp::create(b, x, y);
  case Binary::Max:
    return arith::MaximumFOp::create(b, x, y);
  case Binary::PRelu: {
    Value negative = arith::CmpFOp::create(b, P::OLT, x, number(b, x, 0));
    return arith::SelectOp::create(b, negative, arith::MulFOp::create(b, x, y), x);
  }
  case Binary::Equal:
    return arith::CmpFOp::create(b, P::OEQ, x, y);
  case Binary::Less:
    return arith::CmpFOp::create(b, P::OLT, x, y);
  case Binary::Greater:
    return arith::CmpFOp::create(b, P::OGT, x, y);
  case Binary::LessEqual:
    return arith::CmpFOp::create(b, P::OLE, x, y);
  case Binary::GreaterEqual:
    return arith::CmpFOp::create(b, P::OGE, x, y);
  default:
    return {};
  }
}

/// One step; more than two inputs (Sum, Min, Max) are folded from the left.
FailureOr<Operand> combine(Node &n, Binary op, Operand &x, Operand &y) {
  if (x.dtype != y.dtype)
    return n.bad(llvm::Twine("its inputs have element types ") + info(x.dtype).name + " and " +
                 info(y.dtype).name);
  FailureOr<Dims> dims = n.broadcast({x.dims, y.dims});
  if (failed(dims))
    return failure();
  Operand result;
  result.dtype = isComparison(op) || isLogical(op) ? DType::Bool : x.dtype;
  result.dims = *dims;
  if (isInteger(x.dtype))
    if (std::optional<std::vector<DimExpr>> known = evaluateAll(
            n, {&x, &y}, *dims, [&](ArrayRef<DimExpr> v) { return evaluate(op, v[0], v[1]); })) {
      result.elements = std::move(known);
      return result;
    }
  bool integers = isInteger(x.dtype), fmod = op == Binary::Mod && n.intAttr("fmod", 0) != 0;
  if (isLogical(op) && x.dtype != DType::Bool)
    return n.bad("its inputs must be booleans");
  bool exists =
      integers ? op != Binary::Pow && op != Binary::PRelu : op != Binary::Mod && !isLogical(op);
  if (!exists)
    return n.unsupported(llvm::Twine("is not supported for element type ") + info(x.dtype).name);
  bool noSign = isUnsigned(x.dtype);
  result.value =
      n.elementwise({&x, &y}, *dims, elementType(n.b, result.dtype), [&](B &b, ValueRange v) {
        return integers ? integerBinary(b, op, v[0], v[1], noSign, fmod)
                        : floatBinary(b, op, v[0], v[1]);
      });
  return result;
}

LogicalResult importBinary(Node &n) {
  Binary op = binaryOf(n.proto.op_type());
  Operand result = n.in(0);
  for (unsigned i = 1; i < n.numInputs(); ++i) {
    if (!n.has(i))
      return n.bad("has no input " + llvm::Twine(i));
    FailureOr<Operand> next = combine(n, op, result, n.in(i));
    if (failed(next))
      return failure();
    result = std::move(*next);
  }
  return n.set(0, std::move(result));
}

/// x^y; constant exponents that have an instruction use it.
LogicalResult importPow(Node &n) {
  Operand &x = n.in(0), &y = n.in(1);
  if (!isFloat(x.dtype))
    return n.unsupported("is supported for floats only");
  FailureOr<Dims> dims = n.broadcast({x.dims, y.dims});
  if (failed(dims))
    return failure();
  std::optional<double> exponent = n.constantScalar(y);
  auto power = [&](B &b, Value v) -> Value {
    if (*exponent == 2)
      return arith::MulFOp::create(b, v, v);
    if (*exponent == 3)
      return arith::MulFOp::create(b, v, arith::MulFOp::create(b, v, v));
    if (*exponent == 0.5)
      return math::SqrtOp::create(b, v);
    if (*exponent == -0.5)
      return arith::DivFOp::create(b, number(b, v, 1), math::SqrtOp::create(b, v));
    if (*exponent == -1)
      return arith::DivFOp::create(b, number(b, v, 1), v);
    return v;
  };
  if (exponent && llvm::is_contained({2.0, 3.0, 0.5, -0.5, -1.0, 1.0}, *exponent)) {
    Value z = n.elementwise({&x}, *dims, elementType(n.b, x.dtype),
                            [&](B &b, ValueRange v) { return power(b, v[0]); });
    return n.set(0, x.dtype, *dims, z);
  }
  if (y.dtype != x.dtype)
    return n.unsupported("needs base and exponent of one type");
  Value z =
      n.elementwise({&x, &y}, *dims, elementType(n.b, x.dtype), [&](B &b, ValueRange v) -> Value {
        return math::PowFOp::create(b, v[0], v[1]);
      });
  return n.set(0, x.dtype, *dims, z);
}

LogicalResult importNot(Node &n) {
  Operand &x = n.in(0);
  if (x.dtype != DType::Bool)
    return n.bad("its input must be booleans");
  if (std::optional<std::vector<DimExpr>> known =
          evaluateAll(n, {&x}, x.dims, [](ArrayRef<DimExpr> v) { return DimExpr(1) - v[0]; }))
    return n.setElements(0, DType::Bool, x.dims, std::move(*known));
  Value y = n.elementwise({&x}, x.dims, n.b.getI1Type(), [](B &b, ValueRange v) -> Value {
    return arith::XOrIOp::create(b, v[0], number(b, v[0], 1));
  });
  return n.set(0, DType::Bool, x.dims, y);
}

LogicalResult importWhere(Node &n) {
  Operand &c = n.in(0), &x = n.in(1), &y = n.in(2);
  if (c.dtype != DType::Bool || x.dtype != y.dtype)
    return n.bad("needs a boolean condition and two tensors of one type");
  FailureOr<Dims> dims = n.broadcast({c.dims, x.dims, y.dims});
  if (failed(dims))
    return failure();
  if (isInteger(x.dtype))
    if (std::optional<std::vector<DimExpr>> known =
            evaluateAll(n, {&c, &x, &y}, *dims, [](ArrayRef<DimExpr> v) {
              return v[0].isConstant(1) ? v[1] : v[0].isConstant(0) ? v[2] : DimExpr::invalid();
            }))
      return n.setElements(0, x.dtype, *dims, std::move(*known));
  Value z = n.elementwise(
      {&c, &x, &y}, *dims, elementType(n.b, x.dtype),
      [](B &b, ValueRange v) -> Value { return arith::SelectOp::create(b, v[0], v[1], v[2]); });
  return n.set(0, x.dtype, *dims, z);
}

constexpr OpRow kRows[] = {
    {"Add", 7, kNewestOpset, 2, 2, importBinary},
    {"And", 7, kNewestOpset, 2, 2, importBinary},
    {"Div", 7, kNewestOpset, 2, 2, importBinary},
    {"Equal", 7, kNewestOpset, 2, 2, importBinary},
    {"Greater", 7, kNewestOpset, 2, 2, importBinary},
    {"GreaterOrEqual", 12, kNewestOpset, 2, 2, importBinary},
    {"Less", 7, kNewestOpset, 2, 2, importBinary},
    {"LessOrEqual", 12, kNewestOpset, 2, 2, importBinary},
    {"Max", 8, kNewestOpset, 1, kAnyNumber, importBinary},
    {"Min", 8, kNewestOpset, 1, kAnyNumber, importBinary},
    {"Mod", 10, kNewestOpset, 2, 2, importBinary},
    {"Mul", 7, kNewestOpset, 2, 2, importBinary},
    {"Not", 1, kNewestOpset, 1, 1, importNot},
    {"Or", 7, kNewestOpset, 2, 2, importBinary},
    {"PRelu", 7, kNewestOpset, 2, 2, importBinary},
    {"Pow", 7, kNewestOpset, 2, 2, importPow},
    {"Sub", 7, kNewestOpset, 2, 2, importBinary},
    {"Sum", 8, kNewestOpset, 1, kAnyNumber, importBinary},
    {"Where", 9, kNewestOpset, 3, 3, importWhere},
    {"Xor", 7, kNewestOpset, 2, 2, importBinary},
};

} // namespace

ArrayRef<OpRow> binaryOps() { return kRows; }

} // namespace qcc::import_onnx
