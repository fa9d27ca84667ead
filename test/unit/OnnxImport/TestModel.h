//===- TestModel.h - Small ONNX models for tests -----------------------------------===//
//
// Models are built through the protobuf API, written as bytes and opened by the reader: a test
// takes the whole way that a file takes.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_TEST_UNIT_ONNXIMPORT_TESTMODEL_H
#define QCC_TEST_UNIT_ONNXIMPORT_TESTMODEL_H

#include "frontends/Common/Error.h"
#include "frontends/ONNX/ImportOnnx.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>
#include <variant>

namespace qcc::test {

/// A dimension: a number, or a name.
using Dim = std::variant<int64_t, std::string>;
constexpr auto kFloat = onnx::TensorProto::FLOAT;
constexpr auto kInt64 = onnx::TensorProto::INT64;
constexpr auto kBool = onnx::TensorProto::BOOL;

class TestModel {
public:
  explicit TestModel(int64_t opset = 17) {
    proto.set_ir_version(8);
    proto.add_opset_import()->set_version(opset);
  }

  void input(const std::string &name, const std::vector<Dim> &dims, int32_t type = kFloat) {
    onnx::ValueInfoProto *info = proto.mutable_graph()->add_input();
    info->set_name(name);
    onnx::TypeProto::Tensor *tensor = info->mutable_type()->mutable_tensor_type();
    tensor->set_elem_type(type);
    tensor->mutable_shape();
    for (const Dim &dim : dims) {
      auto *d = tensor->mutable_shape()->add_dim();
      if (const auto *value = std::get_if<int64_t>(&dim))
        d->set_dim_value(*value);
      else if (!std::get<std::string>(dim).empty())
        d->set_dim_param(std::get<std::string>(dim));
    }
  }

  void output(const std::string &name) { proto.mutable_graph()->add_output()->set_name(name); }

  void weight(const std::string &name, const std::vector<int64_t> &dims) {
    onnx::TensorProto *tensor = initializer(name, dims, kFloat);
    int64_t count = 1;
    for (int64_t d : dims)
      count *= d;
    for (int64_t i = 0; i < count; ++i)
      tensor->add_float_data(static_cast<float>(i) / 8);
  }

  void integers(const std::string &name, const std::vector<int64_t> &values) {
    onnx::TensorProto *tensor = initializer(name, {static_cast<int64_t>(values.size())}, kInt64);
    for (int64_t v : values)
      tensor->add_int64_data(v);
  }

  void scalar(const std::string &name, float value) {
    initializer(name, {}, kFloat)->add_float_data(value);
  }

  onnx::NodeProto *node(const std::string &op, const std::vector<std::string> &inputs,
                        const std::vector<std::string> &outputs) {
    onnx::NodeProto *n = proto.mutable_graph()->add_node();
    n->set_op_type(op);
    n->set_name(op + "_node");
    for (const std::string &name : inputs)
      n->add_input(name);
    for (const std::string &name : outputs)
      n->add_output(name);
    return n;
  }

  static void set(onnx::NodeProto *n, const std::string &name, int64_t value) {
    onnx::AttributeProto *a = n->add_attribute();
    a->set_name(name);
    a->set_type(onnx::AttributeProto::INT);
    a->set_i(value);
  }

  static void set(onnx::NodeProto *n, const std::string &name, const std::vector<int64_t> &values) {
    onnx::AttributeProto *a = n->add_attribute();
    a->set_name(name);
    a->set_type(onnx::AttributeProto::INTS);
    for (int64_t v : values)
      a->add_ints(v);
  }

  static void set(onnx::NodeProto *n, const std::string &name, const char *value) {
    onnx::AttributeProto *a = n->add_attribute();
    a->set_name(name);
    a->set_type(onnx::AttributeProto::STRING);
    a->set_s(value);
  }

  /// The IR as text, or "exit N: message".
  std::string import(const OnnxImportOptions &options = {}) const {
    std::string bytes = proto.SerializeAsString();
    auto file =
        MappedFile::fromMemory("test.onnx", std::vector<uint8_t>(bytes.begin(), bytes.end()));
    llvm::Expected<std::unique_ptr<OnnxModel>> model = OnnxModel::parse(file);
    if (!model)
      return message(model.takeError());
    mlir::MLIRContext context;
    auto module = importOnnx(&context, **model, options);
    if (!module)
      return message(module.takeError());
    std::string text;
    llvm::raw_string_ostream(text) << **module;
    return text;
  }

  static std::string message(llvm::Error error) {
    std::string text;
    llvm::raw_string_ostream os(text);
    std::string body;
    llvm::raw_string_ostream bodyStream(body);
    ExitCode code = reportError(std::move(error), bodyStream);
    os << "exit " << static_cast<int>(code) << ": " << body;
    return text;
  }

  onnx::ModelProto proto;

private:
  onnx::TensorProto *initializer(const std::string &name, const std::vector<int64_t> &dims,
                                 int32_t type) {
    onnx::TensorProto *tensor = proto.mutable_graph()->add_initializer();
    tensor->set_name(name);
    tensor->set_data_type(type);
    for (int64_t d : dims)
      tensor->add_dims(d);
    return tensor;
  }
};

/// Every one of `parts` is in `text`, in this order.
inline testing::AssertionResult hasInOrder(const std::string &text,
                                           const std::vector<std::string> &parts) {
  size_t at = 0;
  for (const std::string &part : parts) {
    size_t found = text.find(part, at);
    if (found == std::string::npos)
      return testing::AssertionFailure() << "no \"" << part << "\" in\n" << text;
    at = found + part.size();
  }
  return testing::AssertionSuccess();
}

} // namespace qcc::test

#endif // QCC_TEST_UNIT_ONNXIMPORT_TESTMODEL_H
