//===- ImportDims.h - Sizes as expressions of symbolic dimensions -------------===//
//
// A size that is known when an entry point is called: a polynomial with integer coefficients over
// symbols and over divisions, minima and maxima of such polynomials. Polynomials are kept in one
// normal form, so that equal sizes compare equal and exact divisions (as in a Reshape's -1) are
// found.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_ONNX_IMPORTDIMS_H
#define QCC_FRONTENDS_ONNX_IMPORTDIMS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/StringSet.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace qcc {

struct DimAtom;

/// An integer expression. Symbols are at least 0. Arithmetic whose result does not fit 64 bits, or
/// has more terms than any real model needs, gives the invalid expression, and so does all
/// arithmetic on it.
class DimExpr {
public:
  /// Factors sorted by key; the empty product is 1.
  using Monomial = std::vector<std::shared_ptr<const DimAtom>>;
  struct Less {
    bool operator()(const Monomial &, const Monomial &) const;
  };
  using Terms = std::map<Monomial, int64_t, Less>;

  DimExpr() = default;
  DimExpr(int64_t value);
  static DimExpr symbol(llvm::StringRef name, std::optional<int64_t> largest = std::nullopt);
  static DimExpr invalid();

  bool isValid() const { return valid; }
  std::optional<int64_t> constant() const;
  bool isConstant(int64_t value) const { return constant() == value; }
  /// The name, when the expression is one symbol.
  std::optional<llvm::StringRef> symbolName() const;
  bool contains(llvm::StringRef symbol) const;
  void collectSymbols(llvm::StringSet<> &names) const;

  DimExpr operator+(const DimExpr &) const;
  DimExpr operator-(const DimExpr &) const;
  DimExpr operator*(const DimExpr &) const;
  bool operator==(const DimExpr &other) const;
  bool operator!=(const DimExpr &other) const { return !(*this == other); }

  /// a / b when that is a polynomial again, b not 0.
  std::optional<DimExpr> exactDiv(const DimExpr &) const;
  /// Rounded toward negative infinity; invalid when the divisor may be 0 or less.
  DimExpr floorDiv(const DimExpr &) const;
  DimExpr ceilDiv(const DimExpr &) const;
  static DimExpr min(const DimExpr &, const DimExpr &);
  static DimExpr max(const DimExpr &, const DimExpr &);

  /// Largest known lower and smallest known upper bound, from symbols >= 0.
  std::optional<int64_t> lowerBound() const;
  std::optional<int64_t> upperBound() const;

  const Terms &terms() const { return polynomial; }

  /// "batch*seq + 1", "min(512, seq)"; the normal form, so equal expressions print the same.
  std::string str() const;

private:
  static DimExpr ofAtom(DimAtom atom);
  void add(const Monomial &, int64_t coefficient);

  bool valid = true;
  Terms polynomial; ///< no coefficient is 0
};

/// A symbol, or an operation that polynomials cannot express.
struct DimAtom {
  enum class Kind { Symbol, FloorDiv, Min, Max };
  Kind kind = Kind::Symbol;
  std::string name;               ///< of a symbol
  std::optional<int64_t> largest; ///< value of a symbol, if there is a bound
  DimExpr lhs, rhs;               ///< of an operation
  std::string key;                ///< printed form, which identifies it
};

using Dims = llvm::SmallVector<DimExpr, 4>;

/// Product of the dimensions; 1 for a scalar.
DimExpr product(llvm::ArrayRef<DimExpr>);
/// "[batch, 384]".
std::string str(llvm::ArrayRef<DimExpr>);

} // namespace qcc

#endif // QCC_FRONTENDS_ONNX_IMPORTDIMS_H
