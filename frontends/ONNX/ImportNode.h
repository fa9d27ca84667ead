//===- ImportNode.h - What the handlers of ONNX operators see -----------------===//
//
// A handler reads its node's inputs and attributes through Node, builds IR with it, and sets the
// outputs. Each family of operators is a file with a table of rows (operator, opsets, inputs,
// handler). Internal to the ONNX importer.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_ONNX_IMPORTNODE_H
#define QCC_FRONTENDS_ONNX_IMPORTNODE_H

#include "frontends/ONNX/ImportDims.h"
#include "frontends/ONNX/OnnxModel.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/StringMap.h"

namespace qcc::import_onnx {

/// A tensor of the graph. Its contents are known when it is a constant of the file (`constant`) or
/// integers computed from sizes (`elements`); its IR value is made when something reads it.
struct Operand {
  DType dtype = DType::F32;
  Dims dims;
  mlir::Value value;
  const SourceTensor *constant = nullptr; ///< same elements in the same order, unless transposed
  bool transposed = false;                ///< a matrix: `constant` is [dims[1], dims[0]]
  std::optional<std::vector<DimExpr>> elements; ///< row-major; booleans are 0 and 1

  int64_t rank() const { return dims.size(); }
};

/// Float types of 16 and 32 bits compute as f32; integers keep their width. Null when not
/// supported.
mlir::Type elementType(mlir::Builder &b, DType dtype);
bool isInteger(DType dtype);
bool isUnsigned(DType dtype);

using Body = llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &, mlir::ValueRange)>;
using Groups = llvm::SmallVector<mlir::ReassociationIndices>;
using Iterators = llvm::SmallVector<mlir::utils::IteratorType>;

/// What all nodes share: the function being built and what was found about its dimensions.
struct GraphState {
  GraphState(const OnnxModel &model, const TensorTable &tensors, mlir::MLIRContext *context)
      : model(model), tensors(tensors), b(mlir::UnknownLoc::get(context), context) {
    (void)static_cast<bool>(error); // success is no surprise
  }

  const OnnxModel &model;
  const TensorTable &tensors;
  mlir::ImplicitLocOpBuilder b;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  llvm::StringMap<Operand> values;
  llvm::StringMap<mlir::Value> symbols;     ///< sizes of arguments
  std::map<std::string, mlir::Value> sizes; ///< materialized expressions, by their string

  /// Facts about symbols that the graph needs; when one is new, the import starts again with it.
  std::map<std::string, DimExpr> substitutions;
  std::map<std::string, int64_t> largest;
  bool restart = false;

  mlir::Operation *lastWeight = nullptr; ///< weights stand in the order of their first use

  std::vector<std::string> unsupported;
  llvm::Error error = llvm::Error::success();
  std::vector<std::unique_ptr<SourceTensor>> ownTensors; ///< of attributes that are not weights
};

/// One node while it is imported. Failures are recorded here or in the state; a handler that gets
/// failure() returns it.
class Node {
public:
  Node(GraphState &state, const onnx::NodeProto &proto, int index);

  const onnx::NodeProto &proto;
  const int64_t opset; ///< version of the node's domain
  mlir::ImplicitLocOpBuilder &b;

  //===--- inputs and outputs ---------------------------------------------------===//
  unsigned numInputs() const { return proto.input_size(); }
  unsigned numOutputs() const { return proto.output_size(); }
  bool has(unsigned input) const;
  bool wants(unsigned output) const;
  Operand &in(unsigned i);
  /// Checks the dimensions. Failure is recorded.
  mlir::LogicalResult set(unsigned output, Operand result);
  mlir::LogicalResult set(unsigned output, DType dtype, const Dims &dims, mlir::Value value);
  mlir::LogicalResult setElements(unsigned output, DType dtype, const Dims &dims,
                                  std::vector<DimExpr> elements);

  //===--- failures: always return failure() -------------------------------------===//
  mlir::LogicalResult bad(const llvm::Twine &what);
  mlir::LogicalResult unsupported(const llvm::Twine &what);
  /// "node 3 \"/conv\" (Conv)".
  std::string where() const;
  bool hasFailed() const { return didFail; }

  //===--- attributes: a wrong type is recorded as bad, and the default returned ---===//
  bool hasAttr(llvm::StringRef name) const { return find(name) != nullptr; }
  int64_t intAttr(llvm::StringRef name, int64_t otherwise);
  float floatAttr(llvm::StringRef name, float otherwise);
  std::string stringAttr(llvm::StringRef name, llvm::StringRef otherwise);
  std::optional<llvm::SmallVector<int64_t>> intsAttr(llvm::StringRef name);
  std::optional<llvm::SmallVector<float>> floatsAttr(llvm::StringRef name);
  const onnx::AttributeProto *find(llvm::StringRef name) const;
  /// The tensor of attribute `value`, or null. It lives as long as the import.
  const SourceTensor *constantTensor();
  /// An axis in -rank .. rank - 1, as 0 .. rank - 1.
  mlir::FailureOr<int64_t> axis(int64_t axis, int64_t rank);
  /// The same for several, which must differ; sorted.
  mlir::FailureOr<llvm::SmallVector<int64_t>> axes(llvm::ArrayRef<int64_t> axes, int64_t rank);

  //===--- contents that are known now --------------------------------------------===//
  /// Integer elements as expressions; null when they are only known when the program runs.
  const std::vector<DimExpr> *elements(Operand &);
  std::optional<llvm::SmallVector<int64_t>> constantInts(Operand &);
  std::optional<llvm::SmallVector<double>> constantFloats(Operand &);
  /// The number, when the tensor is a constant of one element.
  std::optional<double> constantScalar(Operand &);

  //===--- sizes ------------------------------------------------------------------===//
  /// The dimension that both are; failure when they cannot be equal (or the import restarts).
  mlir::FailureOr<DimExpr> unify(const DimExpr &, const DimExpr &);
  mlir::FailureOr<Dims> broadcast(llvm::ArrayRef<Dims>);
  mlir::Value index(const DimExpr &);
  mlir::Value index(int64_t value);
  mlir::RankedTensorType type(mlir::Type element, llvm::ArrayRef<DimExpr> dims);
  mlir::Value empty(mlir::Type element, llvm::ArrayRef<DimExpr> dims);
  mlir::Value filled(mlir::Value scalar, llvm::ArrayRef<DimExpr> dims);

  //===--- values -----------------------------------------------------------------===//
  mlir::Value value(Operand &);
  /// A weight as a matrix [N, K] in its own float type, for nn.linear and nn.embedding. Null when
  /// `operand` is not a float matrix of the file. `transposed`: [N, K] is the operand's transpose.
  mlir::Value weightMatrix(Operand &operand, bool transposed, llvm::StringRef role = "");
  mlir::Value constant(mlir::Type type, double value);
  mlir::Value reshape(mlir::Value, llvm::ArrayRef<DimExpr> from, llvm::ArrayRef<DimExpr> to);
  mlir::Value collapse(mlir::Value, const Groups &);
  mlir::Value expand(mlir::Value, llvm::ArrayRef<DimExpr> dims, const Groups &);
  mlir::Value transpose(mlir::Value, llvm::ArrayRef<DimExpr> dims, llvm::ArrayRef<int64_t> perm);
  mlir::Value slice(mlir::Value, llvm::ArrayRef<DimExpr> offsets, llvm::ArrayRef<DimExpr> sizes,
                    llvm::ArrayRef<int64_t> strides);
  mlir::Value insert(mlir::Value piece, mlir::Value into, llvm::ArrayRef<DimExpr> offsets,
                     llvm::ArrayRef<DimExpr> sizes);
  /// linalg.generic over `ins`, the last map that of `init`; body gets the inputs, then the output
  /// element.
  mlir::Value generic(mlir::ValueRange ins, mlir::Value init, llvm::ArrayRef<mlir::AffineMap> maps,
                      const Iterators &iterators, Body body);
  /// result[i] = body(operands at i), operands broadcast to `dims`. Neighbouring dimensions that
  /// all operands treat alike are merged, as matrices are what later stages tile.
  mlir::Value elementwise(llvm::ArrayRef<Operand *> operands, const Dims &dims, mlir::Type element,
                          Body body);
  /// Folds `axes` away with body(element, accumulator), starting from `init`.
  mlir::Value reduce(mlir::Value, llvm::ArrayRef<DimExpr> dims, llvm::ArrayRef<int64_t> axes,
                     mlir::Value init, Body body);
  /// sum of floats over `axes`.
  mlir::Value sum(mlir::Value, llvm::ArrayRef<DimExpr> dims, llvm::ArrayRef<int64_t> axes);

private:
  /// The size itself; 1, with a failure recorded, when no tensor can have it.
  DimExpr usable(const DimExpr &size);
  llvm::SmallVector<mlir::OpFoldResult> mixed(llvm::ArrayRef<DimExpr> dims);
  mlir::Value loadWeight(const SourceTensor &, mlir::RankedTensorType type, llvm::StringRef order,
                         llvm::StringRef role);
  mlir::Value denseConstant(const SourceTensor &, DType dtype);
  mlir::Value fromElements(Operand &);

  GraphState &state;
  int number;
  bool didFail = false;
};

/// One operator. It is known from opset `since` on; outside since .. last the error names the
/// range.
struct OpRow {
  const char *name;
  int64_t since, last;
  unsigned minInputs, maxInputs;
  mlir::LogicalResult (*import)(Node &);
};
constexpr int64_t kNewestOpset = 25;
constexpr unsigned kAnyNumber = ~0u;

llvm::ArrayRef<OpRow> binaryOps();
llvm::ArrayRef<OpRow> castOps();
llvm::ArrayRef<OpRow> elementwiseOps();
llvm::ArrayRef<OpRow> shapeOps();
llvm::ArrayRef<OpRow> indexingOps();
llvm::ArrayRef<OpRow> reduceOps();
llvm::ArrayRef<OpRow> convOps();
llvm::ArrayRef<OpRow> matmulOps();

} // namespace qcc::import_onnx

#endif // QCC_FRONTENDS_ONNX_IMPORTNODE_H
