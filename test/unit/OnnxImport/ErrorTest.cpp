//===- ErrorTest.cpp - Models that cannot be imported ---------------------------------===//

#include "TestModel.h"

#include <functional>
#include <limits>

using namespace qcc;
using namespace qcc::test;

namespace {

struct Case {
  const char *name;
  std::function<void(TestModel &)> build;
  const char *expected; ///< part of "exit N: ..."
};

/// One input x [2, 3], one node; its output y is the model's.
std::function<void(TestModel &)>
oneNode(const char *op, std::vector<std::string> inputs,
        std::function<void(TestModel &, onnx::NodeProto *)> more = {}) {
  return [=](TestModel &m) {
    m.input("x", {2, 3});
    m.integers("axes", {0, 0});
    m.integers("far", {5});
    m.integers("minus", {-1});
    m.integers("shape7", {7});
    m.integers("two_open", {-1, -1});
    m.weight("w", {4, 5});
    m.weight("k", {4, 1, 3, 3});
    m.weight("image", {1, 2, 5, 5});
    onnx::NodeProto *n = m.node(op, inputs, {"y"});
    if (more)
      more(m, n);
    m.output("y");
  };
}

using Ints = std::vector<int64_t>;
auto ints(const char *name, Ints values) {
  return [=](TestModel &, onnx::NodeProto *n) { TestModel::set(n, name, values); };
}
auto integer(const char *name, int64_t value) {
  return [=](TestModel &, onnx::NodeProto *n) { TestModel::set(n, name, value); };
}
auto text(const char *name, const char *value) {
  return [=](TestModel &, onnx::NodeProto *n) { TestModel::set(n, name, value); };
}

const Case kCases[] = {
    {"AxisOutside", oneNode("Softmax", {"x"}, integer("axis", 2)),
     "exit 2: error: test.onnx: node 0 \"Softmax_node\" (Softmax): axis 2 is outside a tensor of "
     "rank 2"},
    {"AxisTwice", oneNode("ReduceSum", {"x", "axes"}), "axis 0 is given twice"},
    {"AttributeType", oneNode("Softmax", {"x"}, text("axis", "one")),
     "attribute axis is not an integer"},
    {"PermLength", oneNode("Transpose", {"x"}, ints("perm", {0})), "perm has 1 entries"},
    {"PermTwice", oneNode("Transpose", {"x"}, ints("perm", {1, 1})), "axis 1 is given twice"},
    {"Broadcast", oneNode("Add", {"x", "w"}), "has dimensions 2 and 4 that must be equal"},
    {"MatMulShapes", oneNode("MatMul", {"x", "w"}), "has dimensions 3 and 4 that must be equal"},
    {"ElementTypes", oneNode("Add", {"x", "far"}), "element types F32 and I64"},
    {"ReshapeSize", oneNode("Reshape", {"x", "shape7"}), "6 and 7 that must be equal"},
    {"ReshapeTwoOpen", oneNode("Reshape", {"x", "two_open"}), "more than one -1"},
    {"GatherIndex", oneNode("Gather", {"x", "far"}), "index 5 is outside dimension 0 of [2, 3]"},
    {"ConvRank", oneNode("Conv", {"x", "k"}), "must be of one rank"},
    {"ConvZeroStride",
     oneNode("Conv", {"image", "k"},
             [](TestModel &, onnx::NodeProto *n) {
               TestModel::set(n, "group", 2);
               TestModel::set(n, "strides", Ints{0, 1});
             }),
     "exit 2: error: test.onnx: node 0 \"Conv_node\" (Conv): strides has the entry 0"},
    {"ConvGroup", oneNode("Conv", {"image", "k"}, integer("group", 0)), "group is 0"},
    {"ConvNegativePad",
     oneNode("Conv", {"image", "k"},
             [](TestModel &, onnx::NodeProto *n) {
               TestModel::set(n, "group", 2);
               TestModel::set(n, "pads", Ints{0, -1, 0, 0});
             }),
     "pads has the entry -1"},
    {"ConvHugeDilation",
     oneNode("Conv", {"image", "k"},
             [](TestModel &, onnx::NodeProto *n) {
               TestModel::set(n, "group", 2);
               TestModel::set(n, "dilations", Ints{std::numeric_limits<int64_t>::max(), 1});
             }),
     "dilations has the entry"},
    {"ConvWindow",
     oneNode("Conv", {"image", "k"},
             [](TestModel &, onnx::NodeProto *n) {
               TestModel::set(n, "group", 2);
               TestModel::set(n, "dilations", Ints{4, 1});
             }),
     "its window of 9 does not fit dimension 2"},
    {"PoolKernel", oneNode("MaxPool", {"image"}, ints("kernel_shape", {0, 1})),
     "kernel_shape has the entry 0"},
    {"AutoPad",
     oneNode("MaxPool", {"image"},
             [](TestModel &, onnx::NodeProto *n) {
               TestModel::set(n, "kernel_shape", Ints{2, 2});
               TestModel::set(n, "auto_pad", "SAME");
             }),
     "auto_pad is \"SAME\""},
    {"SqueezeOfTwo", oneNode("Squeeze", {"x", "minus"}), "3 and 1 that must be equal"},
    {"NumberOfInputs", oneNode("Relu", {"x", "x"}), "has 2 inputs"},
    {"MissingInput", oneNode("Add", {"x", ""}), "has no input 1"},
    {"NegativeShape",
     [](TestModel &m) {
       m.input("x", {1});
       m.integers("shape", {4, -5});
       m.node("ConstantOfShape", {"shape"}, {"y"});
       m.output("y");
     },
     "its shape has the dimension -5"},
    {"OverflowingShape",
     [](TestModel &m) {
       m.input("x", {1});
       m.integers("shape", {int64_t(1) << 40, int64_t(1) << 40});
       m.node("Expand", {"x", "shape"}, {"y"});
       m.output("y");
     },
     "exit 2: error: test.onnx: node 0 \"Expand_node\" (Expand): the number of elements of its "
     "output "
     "overflows"},
    {"SliceStep",
     [](TestModel &m) {
       m.input("x", {4});
       m.integers("zero", {0});
       m.integers("four", {4});
       m.node("Slice", {"x", "zero", "four", "zero", "zero"}, {"y"});
       m.output("y");
     },
     "has a step of 0"},
    {"SplitSizes",
     [](TestModel &m) {
       m.input("x", {4});
       m.integers("sizes", {1, 2});
       m.node("Split", {"x", "sizes"}, {"y", "z"});
       m.output("y");
     },
     "has dimensions 3 and 4 that must be equal"},
    {"DataDependentReshape",
     [](TestModel &m) {
       m.input("x", {4});
       m.input("shape", {2}, kInt64);
       m.node("Reshape", {"x", "shape"}, {"y"});
       m.output("y");
     },
     "exit 3: error: test.onnx: has 1 nodes that are not supported\n  node 0 \"Reshape_node\" "
     "(Reshape), "
     "domain ai.onnx, opset 17: its shape depends on data"},
    {"UnknownBoundSign",
     [](TestModel &m) {
       m.input("x", {"n"});
       m.integers("zero", {0});
       m.integers("five", {5});
       m.node("Shape", {"x"}, {"shape"});
       m.node("Sub", {"five", "shape"}, {"end"});
       m.node("Slice", {"x", "zero", "end"}, {"y"});
       m.output("y");
     },
     "it is not known whether the bound -n + 5 counts from the end"},
    {"StringInput",
     [](TestModel &m) {
       m.input("x", {4}, onnx::TensorProto::STRING);
       m.node("Identity", {"x"}, {"y"});
       m.output("y");
     },
     "exit 3: error: test.onnx: input \"x\" has element type"},
    {"Uint16Output",
     [](TestModel &m) {
       m.input("x", {4});
       onnx::NodeProto *n = m.node("Cast", {"x"}, {"y"});
       TestModel::set(n, "to", int64_t(onnx::TensorProto::UINT16));
       m.output("y");
     },
     "exit 3: error: test.onnx: output \"y\" is empty or of element type U16"},
    {"NegativeInput",
     [](TestModel &m) {
       m.input("x", {-4});
       m.node("Identity", {"x"}, {"y"});
       m.output("y");
     },
     "exit 2: error: test.onnx: input \"x\": has dimension -4"},
    {"MaxPoolIndices",
     [](TestModel &m) {
       m.input("x", {1, 1, 4, 4});
       onnx::NodeProto *n = m.node("MaxPool", {"x"}, {"y", "i"});
       TestModel::set(n, "kernel_shape", Ints{2, 2});
       m.output("y");
     },
     "its second output (indices) is not supported"},
};

class OnnxErrors : public testing::TestWithParam<Case> {};

TEST_P(OnnxErrors, Message) {
  TestModel m;
  GetParam().build(m);
  EXPECT_TRUE(hasInOrder(m.import(), {GetParam().expected}));
}

INSTANTIATE_TEST_SUITE_P(All, OnnxErrors, testing::ValuesIn(kCases),
                         [](const auto &info) { return std::string(info.param.name); });

TEST(OnnxErrors, EverythingUnsupportedIsListed) {
  TestModel m;
  m.proto.add_opset_import()->set_domain("com.example");
  m.proto.mutable_opset_import(1)->set_version(3);
  m.input("x", {4, 4});
  m.node("Frobnicate", {"x"}, {"a"});
  m.node("Relu", {"a"}, {"b"});
  m.node("Det", {"b"}, {"c"});
  m.node("Sqr", {"x"}, {"d"})->set_domain("com.example");
  m.output("c");
  m.output("d");
  EXPECT_EQ(
      m.import(),
      "exit 3: error: test.onnx: has 3 nodes that are not supported\n"
      "  node 0 \"Frobnicate_node\" (Frobnicate), domain ai.onnx, opset 17: the operator is not "
      "supported\n"
      "  node 2 \"Det_node\" (Det), domain ai.onnx, opset 17: the operator is not supported\n"
      "  node 3 \"Sqr_node\" (Sqr), domain com.example, opset 3: the operator is not supported\n");
}

TEST(OnnxErrors, OpsetRange) {
  for (int64_t opset : {int64_t(6), int64_t(1000)}) {
    TestModel m(opset);
    m.input("x", {4});
    m.node("Add", {"x", "x"}, {"y"});
    m.output("y");
    EXPECT_TRUE(hasInOrder(
        m.import(), {"exit 3", "opset " + std::to_string(opset), "supported in opsets 7 to 25"}));
  }
}

TEST(OnnxErrors, ShapesOfTheUser) {
  TestModel m;
  m.input("x", {"b", 4});
  m.input("y", {"b", 4});
  m.node("Add", {"x", "y"}, {"z"});
  m.output("z");
  auto import = [&](const char *name, std::vector<int64_t> shape, std::vector<int64_t> other = {}) {
    OnnxImportOptions options;
    options.shapes[name].assign(shape.begin(), shape.end());
    if (!other.empty())
      options.shapes["y"].assign(other.begin(), other.end());
    return m.import(options);
  };
  EXPECT_TRUE(hasInOrder(import("q", {1}), {"exit 1", "names \"q\", which is no input"}));
  EXPECT_TRUE(hasInOrder(import("x", {1}), {"exit 1", "has 2 dimensions, but -shape gives 1"}));
  EXPECT_TRUE(hasInOrder(import("x", {1, 5}), {"exit 1", "dimension 1 is 4, but -shape gives 5"}));
  EXPECT_TRUE(hasInOrder(import("x", {0, 4}), {"exit 1", "the size 0"}));
  EXPECT_TRUE(
      hasInOrder(import("x", {1, 4}, {2, 4}), {"exit 1", "gives dimension b the values 1 and 2"}));
}

} // namespace
