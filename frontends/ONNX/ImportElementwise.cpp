//===- ImportElementwise.cpp - Operators that work element by element ---------===//
//
// Functions of one and of two floats are rows of a table with a lambda that builds the scalar code.
// Integer arithmetic whose inputs are known at import stays an expression of the sizes.
//
//===----------------------------------------------------------------------===//

#include "frontends/ONNX/ImportNode.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringSwitch.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace qcc::import_onnx {
namespace {

using B = ImplicitLocOpBuilder;

Value number(B &b, Value like, double v) {
  Type type = like.getType();
  if (auto floatType = dyn_cast<FloatType>(type)) {
    bool lost;
    llvm::APFloat f(v);
    (void)f.convert(floatType.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven, &lost);
    return arith::ConstantOp::create(b, FloatAttr::get(floatType, f));
  }
  return arith::ConstantOp::create(b, b.getIntegerAttr(type, static_cast<int64_t>(v)));
}

template <typename Op> Value make(B &b, ValueRange v) { return Op::create(b, v[0].getType(), v); }

bool isFloatType(DType dtype) { return isFloat(dtype); }

//===--- floats of one input --------------------------------------------------------------===//

struct UnaryRow {
  const char *name;
  Value (*build)(B &, Value);
};

Value sigmoid(B &b, Value x) {
  Value one = number(b, x, 1);
  Value e = math::ExpOp::create(b, arith::NegFOp::create(b, x));
  return arith::DivFOp::create(b, one, arith::AddFOp::create(b, one, e));
}

/// log(1 + e^x) = max(x, 0) + log(1 + e^-|x|), which does not overflow.
Value softplus(B &b, Value x) {
  Value zero = number(b, x, 0), one = number(b, x, 1);
  Value e = math::ExpOp::create(b, arith::NegFOp::create(b, math::AbsFOp::create(b, x)));
  Value log = math::LogOp::create(b, arith::AddFOp::create(b, one, e));
  return arith::AddFOp::create(b, arith::MaximumFOp::create(b, x, zero), log);
}

Value clampTo(B &b, Value x, double low, double high) {
  Value raised = arith::MaximumFOp::create(b, x, number(b, x, low));
  return arith::MinimumFOp::create(b, raised, number(b, x, high));
}

/// max(0, min(1, alpha x + beta)).
Value hardSigmoid(B &b, Value x, double alpha, double beta) {
  Value scaled = arith::MulFOp::create(b, x, number(b, x, alpha));
  return clampTo(b, arith::AddFOp::create(b, scaled, number(b, x, beta)), 0, 1);
}

Value tanhOfSoftplus(B &b, Value x) {
  return arith::MulFOp::create(b, x, math::TanhOp::create(b, softplus(b, x)));
}

template <typename Op> Value unary(B &b, Value x) { return Op::create(b, x); }

constexpr UnaryRow kUnary[] = {
    {"Abs", unary<math::AbsFOp>},
    {"Ceil", unary<math::CeilOp>},
    {"Cos", unary<math::CosOp>},
    {"Erf", unary<math::ErfOp>},
    {"Exp", unary<math::ExpOp>},
    {"Floor", unary<math::FloorOp>},
    {"HardSwish",
     [](B &b, Value x) -> Value {
       return arith::MulFOp::create(b, x, hardSigmoid(b, x, 1.0 / 6, 0.5));
     }},
    {"Log", unary<math::LogOp>},
    {"Mish", tanhOfSoftplus},
    {"Neg", unary<arith::NegFOp>},
    {"Reciprocal",
     [](B &b, Value x) -> Value { return arith::DivFOp::create(b, number(b, x, 1), x); }},
    {"Relu",
     [](B &b, Value x) -> Value { return arith::MaximumFOp::create(b, x, number(b, x, 0)); }},
    {"Round", unary<math::RoundEvenOp>},
    {"Sigmoid", sigmoid},
    {"Sin", unary<math::SinOp>},
    {"Softplus", softplus},
    {"Softsign",
     [](B &b, Value x) -> Value {
       Value d = arith::AddFOp::create(b, number(b, x, 1), math::AbsFOp::create(b, x));
       return arith::DivFOp::create(b, x, d);
     }},
    {"Sqrt", unary<math::SqrtOp>},
    {"Tanh", unary<math::TanhOp>},
};

/// Functions that artifacts have in f32 only.
Value throughF32(B &b, Value x, llvm::function_ref<Value(B &, Value)> build) {
  if (x.getType().isF32())
    return build(b, x);
  Value narrow = arith::TruncFOp::create(b, b.getF32Type(), x);
  return arith::ExtFOp::create(b, x.getType(), build(b, narrow));
}

LogicalResult importUnaryWith(Node &n, llvm::function_ref<Value(B &, Value)> build) {
  Operand &x = n.in(0);
  if (!isFloatType(x.dtype))
    return n.unsupported(llvm::Twine("is not supported for element type ") + info(x.dtype).name);
  Value y = n.elementwise({&x}, x.dims, elementType(n.b, x.dtype),
                          [&](B &b, ValueRange v) { return throughF32(b, v[0], build); });
  return n.set(0, x.dtype, x.dims, y);
}

LogicalResult importIntegerUnary(Node &n, bool negate) {
  Operand &x = n.in(0);
  if (const std::vector<DimExpr> *known = n.elements(x)) {
    std::vector<DimExpr> result;
    for (const DimExpr &e : *known) {
      bool flip = negate || (e.upperBound() && *e.upperBound() < 0);
      result.push_back(flip ? DimExpr(0) - e : e);
      if (!negate && !flip && !(e.lowerBound() && *e.lowerBound() >= 0))
        result.back() = DimExpr::invalid();
    }
    if (llvm::all_of(result, [](const DimExpr &e) { return e.isValid(); }))
      return n.setElements(0, x.dtype, x.dims, std::move(result));
  }
  Value y =
      n.elementwise({&x}, x.dims, elementType(n.b, x.dtype), [&](B &b, ValueRange v) -> Value {
        Value minus = arith::SubIOp::create(b, number(b, v[0], 0), v[0]);
        if (negate)
          return minus;
        return arith::MaxSIOp::create(b, v[0], minus);
      });
  return n.set(0, x.dtype, x.dims, y);
}

LogicalResult importUnary(Node &n) {
  StringRef name = n.proto.op_type();
  if (isInteger(n.in(0).dtype) && (name == "Neg" || name == "Abs"))
    return importIntegerUnary(n, name == "Neg");
  if (isInteger(n.in(0).dtype) && name == "Relu")
    return n.unsupported("is not supported for integers");
  for (const UnaryRow &row : kUnary)
    if (name == row.name)
      return importUnaryWith(n, row.build);
  return failure();
}

//===--- one input and attributes ---------------------------------------------------------===//

LogicalResult importParametrized(Node &n) {
  StringRef name = n.proto.op_type();
  double alpha = n.floatAttr("alpha", name == "HardSigmoid" ? 0.2f
                                      : name == "LeakyRelu" ? 0.01f
                                      : name == "Selu"      ? 1.67326319217681884765625f
                                                            : 1.0f);
  double second =
      name == "Selu" ? n.floatAttr("gamma", 1.05070102214813232421875f) : n.floatAttr("beta", 0.5f);
  return importUnaryWith(n, [&](B &b, Value x) -> Value {
    if (name == "HardSigmoid")
      return hardSigmoid(b, x, alpha, second);
    Value zero = number(b, x, 0);
    Value positive = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x, zero);
    if (name == "ThresholdedRelu") {
      Value above = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x, number(b, x, alpha));
      return arith::SelectOp::create(b, above, x, zero);
    }
    Value a = number(b, x, alpha), below;
    if (name == "LeakyRelu")
      below = arith::MulFOp::create(b, x, a);
    else if (name == "Celu")
      below = arith::MulFOp::create(
          b, a,
          arith::SubFOp::create(b, math::ExpOp::create(b, arith::DivFOp::create(b, x, a)),
                                number(b, x, 1)));
    else
      below = arith::MulFOp::create(
          b, a, arith::SubFOp::create(b, math::ExpOp::create(b, x), number(b, x, 1)));
    Value y = arith::SelectOp::create(b, positive, x, below);
    return name == "Selu" ? arith::MulFOp::create(b, y, number(b, x, second)) : y;
  });
}

/// 0.5 x (1 + erf(x / sqrt 2)), or its tanh approximation.
LogicalResult importGelu(Node &n) {
  std::string kind = n.stringAttr("approximate", "none");
  if (kind != "none" && kind != "tanh")
    return n.bad("approximate is \"" + kind + "\"; it must be none or tanh");
  return importUnaryWith(n, [&](B &b, Value x) -> Value {
    Value inner;
    if (kind == "none") {
      inner = math::ErfOp::create(b, arith::MulFOp::create(b, x, number(b, x, std::sqrt(0.5))));
    } else {
      Value cube = arith::MulFOp::create(b, x, arith::MulFOp::create(b, x, x));
      Value sum =
          arith::AddFOp::create(b, x, arith::MulFOp::create(b, cube, number(b, x, 0.044715)));
      inner =
          math::TanhOp::create(b, arith::MulFOp::create(b, sum, number(b, x, std::sqrt(2 / M_PI))));
    }
    Value half = arith::MulFOp::create(b, x, number(b, x, 0.5));
    return arith::MulFOp::create(b, half, arith::AddFOp::create(b, inner, number(b, x, 1)));
  });
}

LogicalResult importClip(Node &n) {
  Operand &x = n.in(0);
  if (!isFloatType(x.dtype))
    return n.unsupported("is supported for floats only");
  Operand *low = n.has(1) ? &n.in(1) : nullptr, *high = n.has(2) ? &n.in(2) : nullptr;
  for (Operand *bound : {low, high})
    if (bound && (!product(bound->dims).isConstant(1) || bound->dtype != x.dtype))
      return n.bad("min and max must be scalars of the input's type");
  SmallVector<Operand *> operands{&x};
  for (Operand *bound : {low, high})
    if (bound)
      operands.push_back(bound);
  double largest = std::numeric_limits<float>::max();
  bool attributes = n.opset < 11;
  double least = attributes ? n.floatAttr("min", -largest) : -largest;
  double most = attributes ? n.floatAttr("max", largest) : largest;
  Value y = n.elementwise(operands, x.dims, elementType(n.b, x.dtype), [&](B &b, ValueRange v) {
    Value result = v[0];
    unsigned next = 1;
    if (low || (attributes && n.hasAttr("min")))
      result = arith::MaximumFOp::create(b, result, low ? v[next++] : number(b, result, least));
    if (high || (attributes && n.hasAttr("max")))
      result = arith::MinimumFOp::create(b, result, high ? v[next++] : number(b, result, most));
    return result;
  });
  return n.set(0, x.dtype, x.dims, y);
}

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

/// 1 or 0 when x < y is decided by the bounds of the symbols.
std::optional<bool> lessThan(const DimExpr &x, const DimExpr &y) {
  DimExpr d = x - y;
  if (d.upperBound() && *d.upperBound() < 0)
    return true;
  if (d.lowerBound() && *d.lowerBound() >= 0)
    return false;
  return std::nullopt;
}

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

/// Which element of an operand element `flat` of the result reads.
size_t broadcastIndex(size_t flat, ArrayRef<int64_t> result, ArrayRef<int64_t> operand) {
  size_t index = 0, scale = 1;
  for (size_t i = 0; i < result.size(); ++i) {
    size_t d = result.size() - 1 - i;
    size_t at = flat % result[d];
    flat /= result[d];
    if (i < operand.size()) {
      int64_t size = operand[operand.size() - 1 - i];
      index += (size == 1 ? 0 : at) * scale;
      scale *= size;
    }
  }
  return index;
}

std::optional<SmallVector<int64_t>> staticShape(const Dims &dims) {
  SmallVector<int64_t> shape;
  for (const DimExpr &d : dims) {
    if (!d.constant())
      return std::nullopt;
    shape.push_back(*d.constant());
  }
  return shape;
}

using Evaluate = llvm::function_ref<DimExpr(ArrayRef<DimExpr>)>;

/// Elements of the result when those of all operands are known.
std::optional<std::vector<DimExpr>> evaluateAll(Node &n, ArrayRef<Operand *> operands,
                                                const Dims &dims, Evaluate evaluate) {
  std::optional<SmallVector<int64_t>> shape = staticShape(dims);
  std::optional<int64_t> count = product(dims).constant();
  if (!shape || !count || *count > 4096)
    return std::nullopt;
  SmallVector<const std::vector<DimExpr> *> known;
  SmallVector<SmallVector<int64_t>> shapes;
  for (Operand *operand : operands) {
    std::optional<SmallVector<int64_t>> own = staticShape(operand->dims);
    known.push_back(n.elements(*operand));
    if (!known.back() || !own)
      return std::nullopt;
    shapes.push_back(*own);
  }
  std::vector<DimExpr> result;
  for (int64_t i = 0; i < *count; ++i) {
    SmallVector<DimExpr> values;
    for (auto [list, own] : llvm::zip(known, shapes))
      values.push_back((*list)[broadcastIndex(i, *shape, own)]);
    result.push_back(evaluate(values));
    if (!result.back().isValid())
      return std::nullopt;
  }
  return result;
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
  if (!isFloatType(x.dtype))
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

LogicalResult importIsNaN(Node &n) {
  Operand &x = n.in(0);
  if (!isFloatType(x.dtype))
    return n.unsupported("is supported for floats only");
  Value y = n.elementwise({&x}, x.dims, n.b.getI1Type(), [](B &b, ValueRange v) -> Value {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, v[0], v[0]);
  });
  return n.set(0, DType::Bool, x.dims, y);
}

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
    {"Abs", 6, kNewestOpset, 1, 1, importUnary},
    {"Add", 7, kNewestOpset, 2, 2, importBinary},
    {"And", 7, kNewestOpset, 2, 2, importBinary},
    {"Cast", 6, kNewestOpset, 1, 1, importCast},
    {"CastLike", 15, kNewestOpset, 2, 2, importCastLike},
    {"Ceil", 6, kNewestOpset, 1, 1, importUnary},
    {"Celu", 12, kNewestOpset, 1, 1, importParametrized},
    {"Clip", 6, kNewestOpset, 1, 3, importClip},
    {"Cos", 7, kNewestOpset, 1, 1, importUnary},
    {"Div", 7, kNewestOpset, 2, 2, importBinary},
    {"Dropout", 7, kNewestOpset, 1, 3, importIdentity},
    {"Elu", 6, kNewestOpset, 1, 1, importParametrized},
    {"Equal", 7, kNewestOpset, 2, 2, importBinary},
    {"Erf", 9, kNewestOpset, 1, 1, importUnary},
    {"Exp", 6, kNewestOpset, 1, 1, importUnary},
    {"Floor", 6, kNewestOpset, 1, 1, importUnary},
    {"Gelu", 20, kNewestOpset, 1, 1, importGelu},
    {"Greater", 7, kNewestOpset, 2, 2, importBinary},
    {"GreaterOrEqual", 12, kNewestOpset, 2, 2, importBinary},
    {"HardSigmoid", 6, kNewestOpset, 1, 1, importParametrized},
    {"HardSwish", 14, kNewestOpset, 1, 1, importUnary},
    {"Identity", 1, kNewestOpset, 1, 1, importIdentity},
    {"IsNaN", 9, kNewestOpset, 1, 1, importIsNaN},
    {"LeakyRelu", 6, kNewestOpset, 1, 1, importParametrized},
    {"Less", 7, kNewestOpset, 2, 2, importBinary},
    {"LessOrEqual", 12, kNewestOpset, 2, 2, importBinary},
    {"Log", 6, kNewestOpset, 1, 1, importUnary},
    {"Max", 8, kNewestOpset, 1, kAnyNumber, importBinary},
    {"Min", 8, kNewestOpset, 1, kAnyNumber, importBinary},
    {"Mish", 18, kNewestOpset, 1, 1, importUnary},
    {"Mod", 10, kNewestOpset, 2, 2, importBinary},
    {"Mul", 7, kNewestOpset, 2, 2, importBinary},
    {"Neg", 6, kNewestOpset, 1, 1, importUnary},
    {"Not", 1, kNewestOpset, 1, 1, importNot},
    {"Or", 7, kNewestOpset, 2, 2, importBinary},
    {"PRelu", 7, kNewestOpset, 2, 2, importBinary},
    {"Pow", 7, kNewestOpset, 2, 2, importPow},
    {"Reciprocal", 6, kNewestOpset, 1, 1, importUnary},
    {"Relu", 6, kNewestOpset, 1, 1, importUnary},
    {"Round", 11, kNewestOpset, 1, 1, importUnary},
    {"Selu", 6, kNewestOpset, 1, 1, importParametrized},
    {"Sigmoid", 6, kNewestOpset, 1, 1, importUnary},
    {"Sin", 7, kNewestOpset, 1, 1, importUnary},
    {"Softplus", 1, kNewestOpset, 1, 1, importUnary},
    {"Softsign", 1, kNewestOpset, 1, 1, importUnary},
    {"Sqrt", 6, kNewestOpset, 1, 1, importUnary},
    {"Sub", 7, kNewestOpset, 2, 2, importBinary},
    {"Sum", 8, kNewestOpset, 1, kAnyNumber, importBinary},
    {"Tanh", 6, kNewestOpset, 1, 1, importUnary},
    {"ThresholdedRelu", 10, kNewestOpset, 1, 1, importParametrized},
    {"Where", 9, kNewestOpset, 3, 3, importWhere},
    {"Xor", 7, kNewestOpset, 2, 2, importBinary},
};

} // namespace

ArrayRef<OpRow> elementwiseOps() { return kRows; }

} // namespace qcc::import_onnx
