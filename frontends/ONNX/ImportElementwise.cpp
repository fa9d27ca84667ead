//===- ImportElementwise.cpp - Functions of one element ---------===//
//
// A function is a row of a table with a lambda that builds the scalar code.
//
//===----------------------------------------------------------------------===//

#include "frontends/ONNX/ImportScalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace qcc::import_onnx {
namespace {

using B = ImplicitLocOpBuilder;

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
  if (!isFloat(x.dtype))
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
  if (!isFloat(x.dtype))
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

LogicalResult importIsNaN(Node &n) {
  Operand &x = n.in(0);
  if (!isFloat(x.dtype))
    return n.unsupported("is supported for floats only");
  Value y = n.elementwise({&x}, x.dims, n.b.getI1Type(), [](B &b, ValueRange v) -> Value {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, v[0], v[0]);
  });
  return n.set(0, DType::Bool, x.dims, y);
}

constexpr OpRow kRows[] = {
    {"Abs", 6, kNewestOpset, 1, 1, importUnary},
    {"Ceil", 6, kNewestOpset, 1, 1, importUnary},
    {"Celu", 12, kNewestOpset, 1, 1, importParametrized},
    {"Clip", 6, kNewestOpset, 1, 3, importClip},
    {"Cos", 7, kNewestOpset, 1, 1, importUnary},
    {"Elu", 6, kNewestOpset, 1, 1, importParametrized},
    {"Erf", 9, kNewestOpset, 1, 1, importUnary},
    {"Exp", 6, kNewestOpset, 1, 1, importUnary},
    {"Floor", 6, kNewestOpset, 1, 1, importUnary},
    {"Gelu", 20, kNewestOpset, 1, 1, importGelu},
    {"HardSigmoid", 6, kNewestOpset, 1, 1, importParametrized},
    {"HardSwish", 14, kNewestOpset, 1, 1, importUnary},
    {"IsNaN", 9, kNewestOpset, 1, 1, importIsNaN},
    {"LeakyRelu", 6, kNewestOpset, 1, 1, importParametrized},
    {"Log", 6, kNewestOpset, 1, 1, importUnary},
    {"Mish", 18, kNewestOpset, 1, 1, importUnary},
    {"Neg", 6, kNewestOpset, 1, 1, importUnary},
    {"Reciprocal", 6, kNewestOpset, 1, 1, importUnary},
    {"Relu", 6, kNewestOpset, 1, 1, importUnary},
    {"Round", 11, kNewestOpset, 1, 1, importUnary},
    {"Selu", 6, kNewestOpset, 1, 1, importParametrized},
    {"Sigmoid", 6, kNewestOpset, 1, 1, importUnary},
    {"Sin", 7, kNewestOpset, 1, 1, importUnary},
    {"Softplus", 1, kNewestOpset, 1, 1, importUnary},
    {"Softsign", 1, kNewestOpset, 1, 1, importUnary},
    {"Sqrt", 6, kNewestOpset, 1, 1, importUnary},
    {"Tanh", 6, kNewestOpset, 1, 1, importUnary},
    {"ThresholdedRelu", 10, kNewestOpset, 1, 1, importParametrized},
};

} // namespace

ArrayRef<OpRow> elementwiseOps() { return kRows; }

} // namespace qcc::import_onnx
