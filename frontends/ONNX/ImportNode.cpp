//===- ImportNode.cpp - Inputs, attributes, known contents and sizes ----------===//

#include "frontends/ONNX/ImportNode.h"
#include "frontends/Common/Error.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"

using namespace mlir;

namespace qcc::import_onnx {

/// Elements of integer tensors that are followed through the graph.
static constexpr size_t kMaxElements = 4096;

Type elementType(Builder &b, DType dtype) {
  switch (dtype) {
  case DType::F16:
  case DType::BF16:
  case DType::F32:
    return b.getF32Type();
  case DType::F64:
    return b.getF64Type();
  case DType::I64:
  case DType::U64:
    return b.getI64Type();
  case DType::I32:
  case DType::U32:
    return b.getI32Type();
  case DType::I16:
  case DType::U16:
    return b.getI16Type();
  case DType::I8:
  case DType::U8:
    return b.getI8Type();
  case DType::Bool:
    return b.getI1Type();
  default:
    return {};
  }
}

bool isUnsigned(DType dtype) {
  return dtype == DType::U64 || dtype == DType::U32 || dtype == DType::U16 || dtype == DType::U8 ||
         dtype == DType::Bool;
}

bool isInteger(DType dtype) {
  return isUnsigned(dtype) || dtype == DType::I64 || dtype == DType::I32 || dtype == DType::I16 ||
         dtype == DType::I8;
}

Node::Node(GraphState &state, const onnx::NodeProto &proto, int index)
    : proto(proto), opset(state.model.opset(proto.domain())), b(state.b), state(state),
      number(index) {}

//===--- inputs and outputs --------------------------------------------------------===//

bool Node::has(unsigned input) const { return input < numInputs() && !proto.input(input).empty(); }

bool Node::wants(unsigned output) const {
  return output < numOutputs() && !proto.output(output).empty();
}

Operand &Node::in(unsigned i) { return state.values.find(proto.input(i))->second; }

LogicalResult Node::set(unsigned output, Operand result) {
  if (!wants(output))
    return success();
  for (const DimExpr &d : result.dims) {
    if (!d.isValid())
      return unsupported(
          "its output has a size that is too large, or that cannot be computed from the "
          "sizes of the inputs; give them with -shape");
    if (d.upperBound() && *d.upperBound() < 0)
      return bad("its output would have shape " + str(result.dims));
    if (d.isConstant(0) && !result.elements)
      return unsupported("its output is empty, of shape " + str(result.dims));
  }
  if (!product(result.dims).isValid())
    return bad("the number of elements of its output overflows: " + str(result.dims));
  bool isWhole = !result.elements || product(result.dims).isConstant(result.elements->size());
  if (!isWhole || !(result.value || result.constant || result.elements)) {
    didFail = true;
    if (!state.error)
      state.error = llvm::make_error<ModelError>(
          ExitCode::Internal, state.model.path().str() + ": " + where() +
                                  ": its handler set no value; please report this");
    return failure();
  }
  state.values[proto.output(output)] = std::move(result);
  return success();
}

LogicalResult Node::set(unsigned output, DType dtype, const Dims &dims, Value value) {
  Operand result;
  result.dtype = dtype;
  result.dims = dims;
  result.value = value;
  return set(output, std::move(result));
}

LogicalResult Node::setElements(unsigned output, DType dtype, const Dims &dims,
                                std::vector<DimExpr> elements) {
  Operand result;
  result.dtype = dtype;
  result.dims = dims;
  result.elements = std::move(elements);
  return set(output, std::move(result));
}

//===--- failures ----------------------------------------------------------------===//

std::string Node::where() const {
  std::string text = "node " + std::to_string(number);
  if (!proto.name().empty())
    text += " \"" + proto.name() + "\"";
  return text + " (" + proto.op_type() + ")";
}

LogicalResult Node::bad(const llvm::Twine &what) {
  didFail = true;
  if (state.error)
    return failure();
  state.error = badModel(state.model.path(), where(), what);
  return failure();
}

LogicalResult Node::unsupported(const llvm::Twine &what) {
  didFail = true;
  std::string domain = proto.domain().empty() ? "ai.onnx" : proto.domain();
  state.unsupported.push_back(
      (where() + ", domain " + domain + ", opset " + llvm::Twine(opset) + ": " + what).str());
  return failure();
}

//===--- attributes ---------------------------------------------------------------===//

const onnx::AttributeProto *Node::find(StringRef name) const {
  for (const onnx::AttributeProto &attribute : proto.attribute())
    if (attribute.name() == name)
      return &attribute;
  return nullptr;
}

int64_t Node::intAttr(StringRef name, int64_t otherwise) {
  const onnx::AttributeProto *attribute = find(name);
  if (!attribute)
    return otherwise;
  if (attribute->has_i())
    return attribute->i();
  // protobuf 3 does not write a zero.
  if (attribute->type() == onnx::AttributeProto::INT)
    return 0;
  (void)bad("attribute " + name + " is not an integer");
  return otherwise;
}

float Node::floatAttr(StringRef name, float otherwise) {
  const onnx::AttributeProto *attribute = find(name);
  if (!attribute)
    return otherwise;
  if (attribute->has_f())
    return attribute->f();
  if (attribute->type() == onnx::AttributeProto::FLOAT)
    return 0;
  (void)bad("attribute " + name + " is not a float");
  return otherwise;
}

std::string Node::stringAttr(StringRef name, StringRef otherwise) {
  const onnx::AttributeProto *attribute = find(name);
  if (!attribute)
    return otherwise.str();
  if (attribute->has_s() || attribute->type() == onnx::AttributeProto::STRING)
    return attribute->s();
  (void)bad("attribute " + name + " is not a string");
  return otherwise.str();
}

std::optional<SmallVector<int64_t>> Node::intsAttr(StringRef name) {
  const onnx::AttributeProto *attribute = find(name);
  if (!attribute)
    return std::nullopt;
  if (attribute->type() != onnx::AttributeProto::INTS && attribute->ints_size() == 0) {
    (void)bad("attribute " + name + " is not a list of integers");
    return std::nullopt;
  }
  return SmallVector<int64_t>(attribute->ints().begin(), attribute->ints().end());
}

std::optional<SmallVector<float>> Node::floatsAttr(StringRef name) {
  const onnx::AttributeProto *attribute = find(name);
  if (!attribute)
    return std::nullopt;
  if (attribute->type() != onnx::AttributeProto::FLOATS && attribute->floats_size() == 0) {
    (void)bad("attribute " + name + " is not a list of floats");
    return std::nullopt;
  }
  return SmallVector<float>(attribute->floats().begin(), attribute->floats().end());
}

const SourceTensor *Node::constantTensor() {
  const onnx::AttributeProto *attribute = find("value");
  if (!attribute || !attribute->has_t())
    return nullptr;
  if (proto.op_type() == "Constant" && numOutputs() == 1)
    return state.tensors.find(proto.output(0));
  llvm::Expected<SourceTensor> tensor = state.model.tensor(attribute->t(), where());
  if (!tensor) {
    didFail = true;
    if (state.error)
      llvm::consumeError(tensor.takeError());
    else
      state.error = tensor.takeError();
    return nullptr;
  }
  state.ownTensors.push_back(std::make_unique<SourceTensor>(std::move(*tensor)));
  return state.ownTensors.back().get();
}

FailureOr<int64_t> Node::axis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return bad("axis " + llvm::Twine(axis) + " is outside a tensor of rank " + llvm::Twine(rank));
  return axis < 0 ? axis + rank : axis;
}

FailureOr<SmallVector<int64_t>> Node::axes(ArrayRef<int64_t> given, int64_t rank) {
  SmallVector<int64_t> result;
  for (int64_t a : given) {
    FailureOr<int64_t> one = axis(a, rank);
    if (failed(one))
      return failure();
    if (llvm::is_contained(result, *one))
      return bad("axis " + llvm::Twine(a) + " is given twice");
    result.push_back(*one);
  }
  llvm::sort(result);
  return result;
}

//===--- contents that are known now -------------------------------------------------===//

static int64_t readInteger(const SourceTensor &tensor, size_t i) {
  const uint8_t *at = tensor.bytes.data() + i * info(tensor.dtype).blockBytes;
  using namespace llvm::support::endian;
  switch (tensor.dtype) {
  case DType::I64:
  case DType::U64:
    return read64le(at);
  case DType::I32:
    return static_cast<int32_t>(read32le(at));
  case DType::U32:
    return read32le(at);
  case DType::I16:
    return static_cast<int16_t>(read16le(at));
  case DType::U16:
    return read16le(at);
  case DType::I8:
    return static_cast<int8_t>(*at);
  case DType::Bool:
    return *at != 0;
  default:
    return *at;
  }
}

static double readFloat(const SourceTensor &tensor, size_t i) {
  const uint8_t *at = tensor.bytes.data() + i * info(tensor.dtype).blockBytes;
  using namespace llvm::support::endian;
  auto convert = [](const llvm::fltSemantics &semantics, unsigned bits, uint64_t value) {
    llvm::APFloat number(semantics, llvm::APInt(bits, value));
    bool lost;
    (void)number.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &lost);
    return number.convertToDouble();
  };
  switch (tensor.dtype) {
  case DType::F64:
    return convert(llvm::APFloat::IEEEdouble(), 64, read64le(at));
  case DType::F32:
    return convert(llvm::APFloat::IEEEsingle(), 32, read32le(at));
  case DType::F16:
    return convert(llvm::APFloat::IEEEhalf(), 16, read16le(at));
  case DType::BF16:
    return convert(llvm::APFloat::BFloat(), 16, read16le(at));
  default:
    return static_cast<double>(readInteger(tensor, i));
  }
}

const std::vector<DimExpr> *Node::elements(Operand &operand) {
  if (operand.elements)
    return &*operand.elements;
  if (!operand.constant || operand.transposed || !isInteger(operand.dtype))
    return nullptr;
  size_t count = *numElements(operand.constant->shape);
  if (count > kMaxElements)
    return nullptr;
  std::vector<DimExpr> list;
  for (size_t i = 0; i < count; ++i)
    list.push_back(readInteger(*operand.constant, i));
  operand.elements = std::move(list);
  return &*operand.elements;
}

std::optional<SmallVector<int64_t>> Node::constantInts(Operand &operand) {
  const std::vector<DimExpr> *list = elements(operand);
  if (!list)
    return std::nullopt;
  SmallVector<int64_t> result;
  for (const DimExpr &e : *list) {
    if (!e.constant())
      return std::nullopt;
    result.push_back(*e.constant());
  }
  return result;
}

std::optional<SmallVector<double>> Node::constantFloats(Operand &operand) {
  SmallVector<double> result;
  if (std::optional<SmallVector<int64_t>> ints = constantInts(operand)) {
    llvm::append_range(result, *ints);
    return result;
  }
  if (!operand.constant || operand.transposed || !elementType(b, operand.dtype))
    return std::nullopt;
  size_t count = *numElements(operand.constant->shape);
  if (count > kMaxElements)
    return std::nullopt;
  for (size_t i = 0; i < count; ++i)
    result.push_back(readFloat(*operand.constant, i));
  return result;
}

std::optional<double> Node::constantScalar(Operand &operand) {
  if (!product(operand.dims).isConstant(1))
    return std::nullopt;
  std::optional<SmallVector<double>> values = constantFloats(operand);
  return values ? std::optional<double>((*values)[0]) : std::nullopt;
}

//===--- sizes -------------------------------------------------------------------------===//

FailureOr<DimExpr> Node::unify(const DimExpr &x, const DimExpr &y) {
  if (x == y)
    return x;
  if (!x.isValid() || !y.isValid())
    return unsupported("has sizes that cannot be computed from the sizes of the inputs");
  if ((x - y).constant() || (x.constant() && y.constant()))
    return bad("has dimensions " + x.str() + " and " + y.str() + " that must be equal");
  // A minimum with a constant equals its other side exactly when that is at most the constant.
  for (auto [a, c] : {std::pair(&x, &y), std::pair(&y, &x)}) {
    std::optional<StringRef> name = a->symbolName();
    if (!name || c->terms().size() != 1 || c->terms().begin()->second != 1 ||
        c->terms().begin()->first.size() != 1)
      continue;
    const DimAtom &atom = *c->terms().begin()->first[0];
    if (atom.kind != DimAtom::Kind::Min)
      continue;
    const DimExpr &limit = atom.lhs == *a ? atom.rhs : atom.lhs;
    if ((atom.lhs == *a || atom.rhs == *a) && limit.constant()) {
      state.largest[name->str()] = *limit.constant();
      state.restart = true;
      return failure();
    }
  }
  // Otherwise one of them is a symbol that stands for the other; constants first.
  for (auto [a, c] : {std::pair(&x, &y), std::pair(&y, &x)}) {
    std::optional<StringRef> name = a->symbolName();
    if (!name || c->contains(*name) ||
        (x.symbolName() && y.symbolName() && *name < *c->symbolName()))
      continue;
    state.substitutions[name->str()] = *c;
    state.restart = true;
    return failure();
  }
  return unsupported("needs " + x.str() + " and " + y.str() +
                     " to be equal, which is not known; give shapes with -shape");
}

FailureOr<Dims> Node::broadcast(ArrayRef<Dims> shapes) {
  size_t rank = 0;
  for (const Dims &shape : shapes)
    rank = std::max<size_t>(rank, shape.size());
  Dims result(rank, DimExpr(1));
  for (const Dims &shape : shapes)
    for (size_t i = 0; i < shape.size(); ++i) {
      DimExpr &d = result[rank - shape.size() + i];
      if (shape[i].isConstant(1))
        continue;
      if (d.isConstant(1)) {
        d = shape[i];
        continue;
      }
      FailureOr<DimExpr> same = unify(d, shape[i]);
      if (failed(same))
        return failure();
      d = *same;
    }
  return result;
}

} // namespace qcc::import_onnx
