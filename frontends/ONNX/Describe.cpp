//===- Describe.cpp - An ONNX model as text
//---------------------------------===//
//
// What `qcc inspect` prints about an ONNX file.
//
//===----------------------------------------------------------------------===//
#include "frontends/ONNX/OnnxModel.h"
#include "frontends/ONNX/TensorData.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <map>

using namespace llvm;

namespace qcc {
namespace {

/// "F32[batch, 128]"; types other than tensors as "?".
void printType(raw_ostream &os, const onnx::TypeProto &type) {
  if (!type.has_tensor_type()) {
    os << '?';
    return;
  }
  std::optional<DType> dtype = onnxDType(type.tensor_type().elem_type());
  os << (dtype ? info(*dtype).name : "?");
  if (!type.tensor_type().has_shape())
    return;
  os << '[';
  ListSeparator comma;
  for (const auto &dim : type.tensor_type().shape().dim()) {
    os << comma;
    if (dim.has_dim_value())
      os << dim.dim_value();
    else if (dim.has_dim_param())
      printEscapedString(dim.dim_param(), os);
    else
      os << '?';
  }
  os << ']';
}

template <typename Values>
void printValues(raw_ostream &os, StringRef title, const Values &values) {
  os << title << '\n';
  for (const onnx::ValueInfoProto &value : values) {
    os << "  ";
    printEscapedString(value.name(), os);
    os << ": ";
    printType(os, value.type());
    os << '\n';
  }
}

} // namespace

std::string describe(const OnnxModel &model) {
  std::string text;
  raw_string_ostream os(text);
  os << "ONNX, IR version " << model.proto().ir_version() << '\n';
  for (const onnx::OperatorSetIdProto &entry : model.proto().opset_import()) {
    os << "  opset ";
    printEscapedString(entry.domain().empty() ? "ai.onnx" : entry.domain(), os);
    os << ' ' << entry.version() << '\n';
  }
  printValues(os, "inputs", model.graph().input());
  printValues(os, "outputs", model.graph().output());
  // Ordered, so that the text is the same every time.
  std::map<std::string, unsigned> operators;
  for (const onnx::NodeProto &node : model.graph().node())
    ++operators[(node.domain().empty() ? "" : node.domain() + "::") +
                node.op_type()];
  os << model.graph().node_size() << " nodes\n";
  for (const auto &[name, count] : operators) {
    os << "  ";
    printEscapedString(name, os);
    os << ": " << count << '\n';
  }
  os << model.initializers().size() << " initializers\n"
     << describe(model.initializers());
  return text;
}

} // namespace qcc
