//===- ImportOnnx.cpp - An ONNX model as tensor-level IR ----------------------===//
//
// One walk over the nodes, which are in topological order. Facts about symbolic dimensions that a
// node needs (two of them equal, one at most 512) hold for the whole graph: when one turns up, the
// walk starts again knowing it. Nodes that are not supported are collected, with what depends on
// them left out.
//
//===----------------------------------------------------------------------===//

#include "frontends/ONNX/ImportOnnx.h"
#include "dialects/NN/IR/NN.h"
#include "frontends/Common/Error.h"
#include "frontends/ONNX/ImportNode.h"
#include "frontends/ONNX/TensorData.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using llvm::Error;
using llvm::Expected;

namespace qcc {
namespace import_onnx {
namespace {

const llvm::StringMap<const OpRow *> &operators() {
  static const llvm::StringMap<const OpRow *> table = [] {
    llvm::StringMap<const OpRow *> rows;
    for (ArrayRef<OpRow> family : {binaryOps(), castOps(), elementwiseOps(), shapeOps(),
                                   indexingOps(), reduceOps(), convOps(), matmulOps()})
      for (const OpRow &row : family)
        rows[row.name] = &row;
    return rows;
  }();
  return table;
}

bool isDefaultDomain(StringRef domain) { return domain.empty() || domain == "ai.onnx"; }

/// Whether artifacts take and give tensors of this type (QccType).
bool crossesBoundary(DType dtype) {
  switch (dtype) {
  case DType::F64:
  case DType::F32:
  case DType::F16:
  case DType::I64:
  case DType::I32:
  case DType::I8:
  case DType::U8:
  case DType::Bool:
    return true;
  default:
    return false;
  }
}

/// A graph input that is an argument of the entry point.
struct Input {
  const onnx::ValueInfoProto *info = nullptr;
  DType dtype = DType::F32;
  Dims dims; ///< before substitutions
};

class GraphImporter {
public:
  GraphImporter(const OnnxModel &model, const TensorTable &tensors, MLIRContext *context,
                const OnnxImportOptions &options)
      : model(model), tensors(tensors), options(options), context(context) {}

  Expected<OwningOpRef<ModuleOp>> run();

private:
  Error readInputs();
  Expected<DimExpr> inputDim(const onnx::ValueInfoProto &, int64_t position, int64_t given);
  std::string symbolName(StringRef wanted);
  DimExpr resolve(const DimExpr &, unsigned depth = 0) const;

  Error importOnce(GraphState &state);
  Error beginFunction(GraphState &state);
  void importNode(GraphState &state, const onnx::NodeProto &node, int index);
  Error finishFunction(GraphState &state);
  DictionaryAttr boundaryAttrs(GraphState &state, StringRef key, StringRef name, DType dtype,
                               const Dims &dims);
  Error verifyModule(ModuleOp module);

  const OnnxModel &model;
  const TensorTable &tensors;
  const OnnxImportOptions &options;
  MLIRContext *context;
  std::vector<Input> inputs;
  llvm::StringMap<std::string> symbolOf; ///< dim_param -> symbol
  llvm::StringSet<> symbolNames;
  llvm::StringMap<int64_t> fixed; ///< symbols whose value the user gave
  std::map<std::string, DimExpr> substitutions;
  std::map<std::string, int64_t> largest;
};

//===--- inputs ------------------------------------------------------------------------===//

/// A name of letters, digits, '_' and '.', unlike all others: expressions stay readable.
std::string GraphImporter::symbolName(StringRef wanted) {
  std::string name;
  for (char c : wanted.take_front(200))
    name += llvm::isAlnum(c) || c == '_' || c == '.' ? c : '_';
  if (name.empty() || llvm::isDigit(name[0]))
    name = "d" + name;
  std::string unique = name;
  for (unsigned i = 1; !symbolNames.insert(unique).second; ++i)
    unique = name + "_" + std::to_string(i);
  return unique;
}

Expected<DimExpr> GraphImporter::inputDim(const onnx::ValueInfoProto &info, int64_t position,
                                          int64_t given) {
  const onnx::TensorShapeProto::Dimension &dim =
      info.type().tensor_type().shape().dim(static_cast<int>(position));
  std::string where = "input \"" + info.name() + "\"";
  if (dim.has_dim_value()) {
    if (dim.dim_value() < 0)
      return badModel(model.path(), where, "has dimension " + llvm::Twine(dim.dim_value()));
    if (dim.dim_value() == 0)
      return unsupported(model.path(),
                         where + " is empty: dimension " + std::to_string(position) + " is 0");
    if (given >= 0 && given != dim.dim_value())
      return wrongUse(model.path(), where + ": dimension " + std::to_string(position) + " is " +
                                        std::to_string(dim.dim_value()) + ", but -shape gives " +
                                        std::to_string(given));
    return DimExpr(dim.dim_value());
  }
  std::string symbol;
  if (dim.has_dim_param() && !dim.dim_param().empty()) {
    std::string &known = symbolOf[dim.dim_param()];
    if (known.empty())
      known = symbolName(dim.dim_param());
    symbol = known;
  } else {
    symbol = symbolName(info.name() + "_dim" + std::to_string(position));
  }
  if (given >= 0) {
    auto [entry, inserted] = fixed.try_emplace(symbol, given);
    if (!inserted && entry->second != given)
      return wrongUse(model.path(), where + ": -shape gives dimension " + symbol + " the values " +
                                        std::to_string(entry->second) + " and " +
                                        std::to_string(given));
    substitutions[symbol] = given;
  }
  return DimExpr::symbol(symbol);
}

Error GraphImporter::readInputs() {
  llvm::StringSet<> names;
  for (const onnx::ValueInfoProto &info : model.graph().input()) {
    if (model.initializers().find(info.name()))
      continue;
    names.insert(info.name());
    std::string where = "input \"" + info.name() + "\"";
    if (!info.type().has_tensor_type())
      return unsupported(model.path(), where + " is not a tensor");
    const onnx::TypeProto::Tensor &type = info.type().tensor_type();
    Input input;
    input.info = &info;
    std::optional<DType> dtype = onnxDType(type.elem_type());
    if (!dtype)
      return badModel(model.path(), where,
                      "its element type " + llvm::Twine(type.elem_type()) + " is unknown");
    input.dtype = *dtype;
    if (!crossesBoundary(*dtype))
      return unsupported(model.path(), where + " has element type " + qcc::info(*dtype).name);
    if (!type.has_shape())
      return unsupported(model.path(), where + " has no shape");
    auto given = options.shapes.find(info.name());
    if (given != options.shapes.end() &&
        static_cast<int>(given->second.size()) != type.shape().dim_size())
      return wrongUse(model.path(), where + " has " + llvm::Twine(type.shape().dim_size()) +
                                        " dimensions, but -shape gives " +
                                        llvm::Twine(given->second.size()));
    for (int i = 0; i < type.shape().dim_size(); ++i) {
      int64_t size = given == options.shapes.end() ? -1 : given->second[i];
      if (size == 0 || size < -1)
        return wrongUse(model.path(), where + ": -shape gives dimension " + llvm::Twine(i) +
                                          " the size " + llvm::Twine(size));
      Expected<DimExpr> d = inputDim(info, i, size);
      if (!d)
        return d.takeError();
      input.dims.push_back(*d);
    }
    inputs.push_back(std::move(input));
  }
  for (const auto &entry : options.shapes)
    if (!names.contains(entry.first()))
      return wrongUse(model.path(),
                      "-shape names \"" + entry.first() + "\", which is no input of the model");
  return Error::success();
}

/// With what is known of its symbols. Substitutions never lead back to the symbol they replace.
DimExpr GraphImporter::resolve(const DimExpr &e, unsigned depth) const {
  if (depth > 64)
    return DimExpr::invalid();
  DimExpr sum;
  for (const auto &[monomial, coefficient] : e.terms()) {
    DimExpr term = coefficient;
    for (const auto &atom : monomial) {
      if (atom->kind == DimAtom::Kind::Symbol) {
        auto known = substitutions.find(atom->name);
        auto limit = largest.find(atom->name);
        if (known != substitutions.end())
          term = term * resolve(known->second, depth + 1);
        else
          term = term * DimExpr::symbol(atom->name, limit == largest.end()
                                                        ? std::nullopt
                                                        : std::optional<int64_t>(limit->second));
        continue;
      }
      DimExpr lhs = resolve(atom->lhs, depth + 1), rhs = resolve(atom->rhs, depth + 1);
      term = term * (atom->kind == DimAtom::Kind::FloorDiv ? lhs.floorDiv(rhs)
                     : atom->kind == DimAtom::Kind::Min    ? DimExpr::min(lhs, rhs)
                                                           : DimExpr::max(lhs, rhs));
    }
    sum = sum + term;
  }
  return e.isValid() ? sum : DimExpr::invalid();
}

//===--- the function --------------------------------------------------------------------===//

/// 16-bit floats at the boundary are converted: all arithmetic is on f32.
Type boundaryType(Builder &b, DType dtype) {
  if (dtype == DType::F16)
    return b.getF16Type();
  return elementType(b, dtype);
}

Value convertFloats(ImplicitLocOpBuilder &b, Node &node, Value v, const Dims &dims, Type to) {
  Iterators iterators(dims.size(), utils::IteratorType::parallel);
  AffineMap map = b.getMultiDimIdentityMap(dims.size());
  return node.generic(v, node.empty(to, dims), {map, map}, iterators,
                      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                        if (to.getIntOrFloatBitWidth() == 32)
                          return arith::ExtFOp::create(b, to, args[0]);
                        return arith::TruncFOp::create(b, to, args[0]);
                      });
}

const onnx::NodeProto &boundaryNode() {
  static const onnx::NodeProto node;
  return node;
}

DictionaryAttr GraphImporter::boundaryAttrs(GraphState &state, StringRef key, StringRef name,
                                            DType dtype, const Dims &dims) {
  auto &b = state.b;
  SmallVector<Attribute> names;
  for (const DimExpr &d : dims)
    if (!d.constant())
      names.push_back(b.getStringAttr(d.str()));
  SmallVector<NamedAttribute> attrs{b.getNamedAttr(key, b.getStringAttr(name))};
  if (!names.empty())
    attrs.push_back(b.getNamedAttr("nn.dims", b.getArrayAttr(names)));
  if (dtype == DType::U8)
    attrs.push_back(b.getNamedAttr("nn.unsigned", b.getUnitAttr()));
  return b.getDictionaryAttr(attrs);
}

Error GraphImporter::beginFunction(GraphState &state) {
  auto &b = state.b;
  state.module = ModuleOp::create(b.getLoc());
  b.setInsertionPointToEnd(state.module->getBody());
  auto f = func::FuncOp::create(b, "run", b.getFunctionType({}, {}));
  f->setAttr("nn.entry", b.getUnitAttr());
  Block *body = f.addEntryBlock();
  b.setInsertionPointToStart(body);
  Node node(state, boundaryNode(), -1);
  std::vector<Dims> shapes;
  for (const Input &input : inputs) {
    Dims dims;
    for (const DimExpr &d : input.dims) {
      dims.push_back(resolve(d));
      if (!dims.back().isValid())
        return unsupported(model.path(), "the dimensions of input \"" + input.info->name() +
                                             "\" depend on each other; give them with -shape");
    }
    if (!product(dims).isValid())
      return badModel(model.path(), "input \"" + input.info->name() + "\"",
                      "the number of its elements overflows: " + str(dims));
    body->addArgument(node.type(boundaryType(b, input.dtype), dims), b.getLoc());
    shapes.push_back(dims);
  }
  SmallVector<Type> types(body->getArgumentTypes());
  f.setType(b.getFunctionType(types, {}));
  for (auto [i, input] : llvm::enumerate(inputs)) {
    Value arg = body->getArgument(i);
    f.setArgAttrs(i, boundaryAttrs(state, "nn.input", input.info->name(), input.dtype, shapes[i]));
    for (auto [d, dim] : llvm::enumerate(shapes[i]))
      if (std::optional<StringRef> name = dim.symbolName(); name && !state.symbols.count(*name))
        state.symbols[*name] = tensor::DimOp::create(b, arg, d);
  }
  for (auto [i, input] : llvm::enumerate(inputs)) {
    for (const DimExpr &d : shapes[i]) {
      llvm::StringSet<> used;
      d.collectSymbols(used);
      for (const auto &name : used)
        if (!state.symbols.count(name.first()))
          return unsupported(model.path(),
                             "the size of dimension " + name.first().str() +
                                 " cannot be told from the inputs; give it with -shape");
    }
    Operand operand;
    operand.dtype = input.dtype;
    operand.dims = shapes[i];
    operand.value = body->getArgument(i);
    if (boundaryType(b, input.dtype) != elementType(b, input.dtype))
      operand.value = convertFloats(b, node, operand.value, operand.dims, b.getF32Type());
    state.values[input.info->name()] = operand;
  }
  for (const SourceTensor &tensor : model.initializers()) {
    Operand operand;
    operand.dtype = tensor.dtype;
    operand.dims.assign(tensor.shape.begin(), tensor.shape.end());
    operand.constant = tensors.find(tensor.name);
    state.values[tensor.name] = operand;
  }
  return Error::success();
}

void GraphImporter::importNode(GraphState &state, const onnx::NodeProto &proto, int index) {
  state.b.setLoc(NameLoc::get(state.b.getStringAttr(
      proto.name().empty() ? proto.op_type() + "_" + std::to_string(index) : proto.name())));
  Node node(state, proto, index);
  auto row =
      isDefaultDomain(proto.domain()) ? operators().find(proto.op_type()) : operators().end();
  if (row == operators().end())
    return (void)node.unsupported("the operator is not supported");
  const OpRow &op = *row->second;
  if (node.opset < op.since || node.opset > op.last)
    return (void)node.unsupported("the operator is supported in opsets " + llvm::Twine(op.since) +
                                  " to " + llvm::Twine(op.last));
  if (node.numInputs() < op.minInputs || node.numInputs() > op.maxInputs)
    return (void)node.bad("has " + llvm::Twine(node.numInputs()) + " inputs");
  for (unsigned i = 0; i < node.numInputs(); ++i) {
    if (i < op.minInputs && !node.has(i))
      return (void)node.bad("has no input " + llvm::Twine(i));
    // Made by a node that is not supported: that one is in the list.
    if (node.has(i) && !state.values.count(proto.input(i)))
      return;
    if (node.has(i) && !elementType(state.b, node.in(i).dtype) && proto.op_type() != "Shape")
      return (void)node.unsupported("its input \"" + proto.input(i) + "\" has element type " +
                                    info(node.in(i).dtype).name);
  }
  bool clean = succeeded(op.import(node)) && !node.hasFailed();
  if (!clean)
    for (const std::string &output : proto.output())
      state.values.erase(output);
}

Error GraphImporter::finishFunction(GraphState &state) {
  auto &b = state.b;
  Node node(state, boundaryNode(), -1);
  auto f = *state.module->getOps<func::FuncOp>().begin();
  SmallVector<Value> results;
  SmallVector<DictionaryAttr> attrs;
  for (const onnx::ValueInfoProto &output : model.graph().output()) {
    auto found = state.values.find(output.name());
    if (found == state.values.end())
      return unsupported(model.path(), "output \"" + output.name() + "\" is not computed");
    Operand &operand = found->second;
    if (!crossesBoundary(operand.dtype) || (operand.elements && operand.elements->empty()) ||
        product(operand.dims).isConstant(0))
      return unsupported(model.path(), "output \"" + output.name() +
                                           "\" is empty or of element type " +
                                           info(operand.dtype).name);
    Value value = node.value(operand);
    Type type = boundaryType(b, operand.dtype);
    if (type != elementType(b, operand.dtype))
      value = convertFloats(b, node, value, operand.dims, type);
    results.push_back(value);
    attrs.push_back(boundaryAttrs(state, "nn.output", output.name(), operand.dtype, operand.dims));
  }
  func::ReturnOp::create(b, results);
  f.setType(b.getFunctionType(f.getFunctionType().getInputs(), TypeRange(ValueRange(results))));
  for (auto [i, dictionary] : llvm::enumerate(attrs))
    f.setResultAttrs(i, dictionary);
  SmallVector<NamedAttribute> limits;
  for (const auto &[name, value] : largest)
    if (state.symbols.count(name))
      limits.push_back(b.getNamedAttr(name, b.getI64IntegerAttr(value)));
  if (!limits.empty())
    f->setAttr("nn.dim_max", b.getDictionaryAttr(limits));
  return Error::success();
}

/// An output that a handler did not set though something reads it.
void noteMissingOutputs(GraphState &state, const llvm::StringSet<> &read,
                        const onnx::NodeProto &proto, int index, size_t listed) {
  if (state.error || state.restart || state.unsupported.size() != listed)
    return;
  bool poisoned = llvm::any_of(proto.input(), [&](const std::string &name) {
    return !name.empty() && !state.values.count(name);
  });
  for (const auto &[i, output] : llvm::enumerate(proto.output()))
    if (!poisoned && read.contains(output) && !state.values.count(output))
      (void)Node(state, proto, index)
          .unsupported("its output " + llvm::Twine(i) + " is not supported");
}

Error GraphImporter::importOnce(GraphState &state) {
  llvm::StringSet<> read;
  for (const onnx::NodeProto &node : model.graph().node())
    for (const std::string &input : node.input())
      if (!input.empty())
        read.insert(input);
  for (const onnx::ValueInfoProto &output : model.graph().output())
    read.insert(output.name());
  if (Error error = beginFunction(state))
    return error;
  for (int i = 0; i < model.graph().node_size(); ++i) {
    size_t listed = state.unsupported.size();
    importNode(state, model.graph().node(i), i);
    if (state.error)
      return std::move(state.error);
    if (state.restart)
      return Error::success();
    noteMissingOutputs(state, read, model.graph().node(i), i, listed);
  }
  if (!state.unsupported.empty())
    return unsupported(model.path(),
                       "has " + llvm::Twine(state.unsupported.size()) +
                           " nodes that are not supported",
                       std::move(state.unsupported));
  return finishFunction(state);
}

Error GraphImporter::verifyModule(ModuleOp module) {
  std::string message;
  ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
    llvm::raw_string_ostream os(message);
    os << (message.empty() ? "" : "; ") << diagnostic.getLocation() << ": " << diagnostic.str();
    return success();
  });
  if (succeeded(mlir::verify(module)))
    return Error::success();
  return llvm::make_error<ModelError>(ExitCode::Internal, model.path().str() +
                                                              ": the imported model does not "
                                                              "verify; please report this: " +
                                                              message);
}

Expected<OwningOpRef<ModuleOp>> GraphImporter::run() {
  if (Error error = readInputs())
    return std::move(error);
  // Every restart replaces a symbol, or bounds one that had no bound or a larger one.
  for (size_t round = 0; round <= 2 * symbolNames.size() + 1; ++round) {
    GraphState state(model, tensors, context);
    state.largest = largest;
    Error error = importOnce(state);
    if (error)
      return std::move(error);
    if (!state.restart) {
      if (Error invalid = verifyModule(*state.module))
        return std::move(invalid);
      return std::move(state.module);
    }
    largest = state.largest;
    for (const auto &[name, value] : state.substitutions)
      substitutions[name] = value;
  }
  return unsupported(model.path(),
                     "the dimensions of its inputs depend on each other in too many ways; "
                     "give them with -shape");
}

} // namespace
} // namespace import_onnx

Expected<TensorTable> constantTensors(const OnnxModel &model) {
  TensorTable table;
  for (const SourceTensor &tensor : model.initializers())
    table.add(tensor);
  for (const onnx::NodeProto &node : model.graph().node()) {
    if (node.op_type() != "Constant" || node.output_size() != 1)
      continue;
    for (const onnx::AttributeProto &attribute : node.attribute()) {
      if (attribute.name() != "value" || !attribute.has_t())
        continue;
      Expected<SourceTensor> tensor =
          model.tensor(attribute.t(), "node \"" + node.name() + "\" (Constant)");
      if (!tensor)
        return tensor.takeError();
      tensor->name = node.output(0);
      if (!table.add(std::move(*tensor)))
        return badModel(model.path(), "node \"" + node.name() + "\"",
                        "its output \"" + node.output(0) + "\" is defined already");
    }
  }
  return std::move(table);
}

Expected<OwningOpRef<ModuleOp>> importOnnx(MLIRContext *context, const OnnxModel &model,
                                           const OnnxImportOptions &options) {
  context->loadDialect<arith::ArithDialect, func::FuncDialect, linalg::LinalgDialect,
                       math::MathDialect, nn::NNDialect, tensor::TensorDialect>();
  Expected<TensorTable> tensors = constantTensors(model);
  if (!tensors)
    return tensors.takeError();
  return import_onnx::GraphImporter(model, *tensors, context, options).run();
}

} // namespace qcc
