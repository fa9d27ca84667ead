//===- ImportDims.cpp - Sizes as expressions of symbolic dimensions -----------===//

#include "frontends/ONNX/ImportDims.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace llvm;

namespace qcc {
namespace {

/// Real models need a handful; a hostile file must not make us multiply thousands.
constexpr size_t kMaxTerms = 32, kMaxFactors = 16, kMaxKey = 2000;

std::string monomialString(const DimExpr::Monomial &m) {
  std::string text;
  for (const auto &atom : m) {
    if (!text.empty())
      text += '*';
    text += atom->key;
  }
  return text;
}

} // namespace

bool DimExpr::Less::operator()(const Monomial &a, const Monomial &b) const {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [](const auto &x, const auto &y) { return x->key < y->key; });
}

DimExpr::DimExpr(int64_t value) {
  if (value != 0)
    polynomial[{}] = value;
}

DimExpr DimExpr::invalid() {
  DimExpr e;
  e.valid = false;
  return e;
}

DimExpr DimExpr::ofAtom(DimAtom atom) {
  DimExpr e;
  if (atom.kind != DimAtom::Kind::Symbol) {
    const char *op = atom.kind == DimAtom::Kind::FloorDiv ? "floordiv"
                     : atom.kind == DimAtom::Kind::Min    ? "min"
                                                          : "max";
    atom.key = std::string(op) + "(" + atom.lhs.str() + ", " + atom.rhs.str() + ")";
  }
  if (atom.key.size() > kMaxKey)
    return invalid();
  e.polynomial[{std::make_shared<const DimAtom>(std::move(atom))}] = 1;
  return e;
}

DimExpr DimExpr::symbol(StringRef name, std::optional<int64_t> largest) {
  DimAtom atom;
  atom.name = atom.key = name.str();
  atom.largest = largest;
  return ofAtom(std::move(atom));
}

std::optional<int64_t> DimExpr::constant() const {
  if (!valid)
    return std::nullopt;
  if (polynomial.empty())
    return 0;
  if (polynomial.size() == 1 && polynomial.begin()->first.empty())
    return polynomial.begin()->second;
  return std::nullopt;
}

std::optional<StringRef> DimExpr::symbolName() const {
  if (!valid || polynomial.size() != 1)
    return std::nullopt;
  const auto &[monomial, coefficient] = *polynomial.begin();
  if (coefficient != 1 || monomial.size() != 1 || monomial[0]->kind != DimAtom::Kind::Symbol)
    return std::nullopt;
  return StringRef(monomial[0]->name);
}

void DimExpr::collectSymbols(StringSet<> &names) const {
  for (const auto &[monomial, coefficient] : polynomial)
    for (const auto &atom : monomial) {
      if (atom->kind == DimAtom::Kind::Symbol)
        names.insert(atom->name);
      atom->lhs.collectSymbols(names);
      atom->rhs.collectSymbols(names);
    }
}

bool DimExpr::contains(StringRef symbol) const {
  StringSet<> names;
  collectSymbols(names);
  return names.contains(symbol);
}

void DimExpr::add(const Monomial &monomial, int64_t coefficient) {
  auto [it, inserted] = polynomial.try_emplace(monomial, 0);
  if (AddOverflow(it->second, coefficient, it->second) || monomial.size() > kMaxFactors)
    valid = false;
  if (it->second == 0)
    polynomial.erase(it);
  if (polynomial.size() > kMaxTerms)
    valid = false;
}

DimExpr DimExpr::operator+(const DimExpr &other) const {
  if (!valid || !other.valid)
    return invalid();
  DimExpr sum = *this;
  for (const auto &[monomial, coefficient] : other.polynomial)
    sum.add(monomial, coefficient);
  return sum.valid ? sum : invalid();
}

DimExpr DimExpr::operator-(const DimExpr &other) const { return *this + other * DimExpr(-1); }

DimExpr DimExpr::operator*(const DimExpr &other) const {
  if (!valid || !other.valid)
    return invalid();
  DimExpr result;
  for (const auto &[m1, c1] : polynomial)
    for (const auto &[m2, c2] : other.polynomial) {
      int64_t coefficient;
      if (MulOverflow(c1, c2, coefficient))
        return invalid();
      Monomial factors = m1;
      llvm::append_range(factors, m2);
      llvm::sort(factors, [](const auto &x, const auto &y) { return x->key < y->key; });
      result.add(factors, coefficient);
      if (!result.valid)
        return invalid();
    }
  return result;
}

bool DimExpr::operator==(const DimExpr &other) const {
  if (!valid || !other.valid || polynomial.size() != other.polynomial.size())
    return false;
  Less less;
  for (auto [a, b] : llvm::zip(polynomial, other.polynomial))
    if (a.second != b.second || less(a.first, b.first) || less(b.first, a.first))
      return false;
  return true;
}

std::optional<DimExpr> DimExpr::exactDiv(const DimExpr &divisor) const {
  if (!valid || !divisor.valid || divisor.polynomial.empty())
    return std::nullopt;
  if (*this == divisor)
    return DimExpr(1);
  if (divisor.polynomial.size() != 1)
    return std::nullopt;
  const auto &[by, coefficient] = *divisor.polynomial.begin();
  DimExpr quotient;
  for (const auto &[monomial, c] : polynomial) {
    if (coefficient == -1 && c == std::numeric_limits<int64_t>::min())
      return std::nullopt;
    if (c % coefficient != 0)
      return std::nullopt;
    Monomial rest = monomial;
    for (const auto &factor : by) {
      auto it = llvm::find_if(rest, [&](const auto &f) { return f->key == factor->key; });
      if (it == rest.end())
        return std::nullopt;
      rest.erase(it);
    }
    quotient.add(rest, c / coefficient);
  }
  return quotient;
}

DimExpr DimExpr::floorDiv(const DimExpr &divisor) const {
  if (!valid || !divisor.valid || !divisor.lowerBound() || *divisor.lowerBound() < 1)
    return invalid();
  if (std::optional<DimExpr> exact = exactDiv(divisor))
    return *exact;
  std::optional<int64_t> a = constant(), b = divisor.constant();
  if (a && b)
    return DimExpr(divideFloorSigned(*a, *b));
  // floor((q*b + r) / b) = q + floor(r / b): take out whatever b divides.
  if (b && *b > 1) {
    DimExpr quotient, rest;
    for (const auto &[monomial, c] : polynomial) {
      int64_t q = divideFloorSigned(c, *b), whole;
      if (MulOverflow(q, *b, whole))
        return invalid();
      quotient.add(monomial, q);
      rest.add(monomial, c - whole);
    }
    // Without terms the rest is 0 <= r < b and contributes nothing.
    if (rest.constant())
      return quotient;
    if (!quotient.polynomial.empty())
      return quotient + rest.floorDiv(divisor);
  }
  DimAtom atom;
  atom.kind = DimAtom::Kind::FloorDiv;
  atom.lhs = *this;
  atom.rhs = divisor;
  return ofAtom(std::move(atom));
}

DimExpr DimExpr::ceilDiv(const DimExpr &divisor) const {
  return (*this + divisor - DimExpr(1)).floorDiv(divisor);
}

DimExpr DimExpr::min(const DimExpr &a, const DimExpr &b) {
  DimExpr difference = a - b;
  if (!difference.valid)
    return invalid();
  if (difference.upperBound() && *difference.upperBound() <= 0)
    return a;
  if (difference.lowerBound() && *difference.lowerBound() >= 0)
    return b;
  DimAtom atom;
  atom.kind = DimAtom::Kind::Min;
  bool swap = b.str() < a.str();
  atom.lhs = swap ? b : a;
  atom.rhs = swap ? a : b;
  return ofAtom(std::move(atom));
}

DimExpr DimExpr::max(const DimExpr &a, const DimExpr &b) {
  DimExpr difference = a - b;
  if (!difference.valid)
    return invalid();
  if (difference.upperBound() && *difference.upperBound() <= 0)
    return b;
  if (difference.lowerBound() && *difference.lowerBound() >= 0)
    return a;
  DimAtom atom;
  atom.kind = DimAtom::Kind::Max;
  bool swap = b.str() < a.str();
  atom.lhs = swap ? b : a;
  atom.rhs = swap ? a : b;
  return ofAtom(std::move(atom));
}

/// Bounds of one factor; nothing is no bound.
static std::pair<std::optional<int64_t>, std::optional<int64_t>> bounds(const DimAtom &atom) {
  using Bound = std::optional<int64_t>;
  if (atom.kind == DimAtom::Kind::Symbol)
    return {0, atom.largest};
  Bound la = atom.lhs.lowerBound(), lb = atom.rhs.lowerBound();
  Bound ua = atom.lhs.upperBound(), ub = atom.rhs.upperBound();
  auto known = [](Bound a, Bound b, bool takeMin) -> Bound {
    if (a && b)
      return takeMin ? std::min(*a, *b) : std::max(*a, *b);
    return std::nullopt;
  };
  auto either = [&](Bound a, Bound b, bool takeMin) -> Bound {
    return a && b ? known(a, b, takeMin) : (a ? a : b);
  };
  switch (atom.kind) {
  case DimAtom::Kind::FloorDiv: { // the divisor is at least 1
    Bound low = la && *la >= 0 ? Bound(0) : la;
    Bound high = ua && *ua < 0 ? Bound(-1) : ua;
    if (Bound c = atom.rhs.constant()) {
      low = la ? Bound(divideFloorSigned(*la, *c)) : low;
      high = ua ? Bound(divideFloorSigned(*ua, *c)) : high;
    }
    return {low, high};
  }
  case DimAtom::Kind::Min:
    return {known(la, lb, true), either(ua, ub, true)};
  case DimAtom::Kind::Max:
    return {either(la, lb, false), known(ua, ub, false)};
  case DimAtom::Kind::Symbol:
    break;
  }
  return {0, std::nullopt};
}

/// Sum over the terms of coefficient * bound; products are bounded only when no factor is negative.
static std::optional<int64_t> boundOf(const DimExpr &e, bool lower) {
  if (!e.isValid())
    return std::nullopt;
  int64_t sum = 0;
  for (const auto &[monomial, coefficient] : e.terms()) {
    int64_t low = 1;
    std::optional<int64_t> high = 1;
    if (monomial.size() == 1) {
      auto [l, h] = bounds(*monomial[0]);
      bool useLow = (coefficient > 0) == lower;
      std::optional<int64_t> b = useLow ? l : h;
      int64_t part;
      if (!b || MulOverflow(*b, coefficient, part) || AddOverflow(sum, part, sum))
        return std::nullopt;
      continue;
    }
    for (const auto &atom : monomial) {
      auto [l, h] = bounds(*atom);
      if (!l || *l < 0 || MulOverflow(low, *l, low))
        return std::nullopt;
      if (high && (!h || MulOverflow(*high, *h, *high)))
        high.reset();
    }
    bool useLow = (coefficient > 0) == lower;
    std::optional<int64_t> b = useLow ? std::optional<int64_t>(low) : high;
    int64_t part;
    if (!b || MulOverflow(*b, coefficient, part) || AddOverflow(sum, part, sum))
      return std::nullopt;
  }
  return sum;
}

std::optional<int64_t> DimExpr::lowerBound() const { return boundOf(*this, true); }
std::optional<int64_t> DimExpr::upperBound() const { return boundOf(*this, false); }

std::string DimExpr::str() const {
  if (!valid)
    return "?";
  if (polynomial.empty())
    return "0";
  std::string text;
  // The constant comes last.
  auto append = [&](const Monomial &monomial, int64_t c) {
    bool negative = c < 0;
    uint64_t magnitude = negative ? 0 - static_cast<uint64_t>(c) : static_cast<uint64_t>(c);
    if (text.empty())
      text += negative ? "-" : "";
    else
      text += negative ? " - " : " + ";
    if (monomial.empty())
      text += std::to_string(magnitude);
    else
      text += (magnitude == 1 ? "" : std::to_string(magnitude) + "*") + monomialString(monomial);
  };
  for (const auto &[monomial, c] : polynomial)
    if (!monomial.empty())
      append(monomial, c);
  if (auto it = polynomial.find({}); it != polynomial.end())
    append({}, it->second);
  return text;
}

DimExpr product(ArrayRef<DimExpr> dims) {
  DimExpr result = 1;
  for (const DimExpr &d : dims)
    result = result * d;
  return result;
}

std::string str(ArrayRef<DimExpr> dims) {
  std::string text = "[";
  for (auto [i, d] : llvm::enumerate(dims))
    text += (i == 0 ? "" : ", ") + d.str();
  return text + "]";
}

} // namespace qcc
