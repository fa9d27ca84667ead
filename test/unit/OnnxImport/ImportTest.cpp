//===- ImportTest.cpp - What operators become ----------------------------------------===//

#include "TestModel.h"

using namespace qcc;
using namespace qcc::test;

namespace {

TEST(OnnxImport, EntryPoint) {
  TestModel m;
  m.input("x", {"batch", "", 3});
  m.node("Relu", {"x"}, {"y"});
  m.output("y");
  EXPECT_TRUE(hasInOrder(
      m.import(), {"func.func @run(%arg0: tensor<?x?x3xf32> {nn.dims = [\"batch\", \"x_dim1\"], "
                   "nn.input = \"x\"})",
                   "-> (tensor<?x?x3xf32> {nn.dims = [\"batch\", \"x_dim1\"], nn.output = \"y\"})",
                   "attributes {nn.entry}", "arith.maximumf", "return"}));
}

TEST(OnnxImport, ShapesOfTheUser) {
  TestModel m;
  m.input("x", {"batch", "n"});
  m.input("y", {"batch", "n"});
  m.node("Add", {"x", "y"}, {"z"});
  m.output("z");
  OnnxImportOptions options;
  options.shapes["x"] = {2, -1};
  EXPECT_TRUE(hasInOrder(m.import(options),
                         {"%arg0: tensor<2x?xf32> {nn.dims = [\"n\"]", "%arg1: tensor<2x?xf32>",
                          "-> (tensor<2x?xf32> {nn.dims = [\"n\"]"}));
}

TEST(OnnxImport, MatMulWithWeightIsLinear) {
  TestModel m;
  m.input("x", {"b", "s", 4});
  m.weight("w", {4, 8});
  m.node("MatMul", {"x", "w"}, {"y"});
  m.output("y");
  std::string text = m.import();
  EXPECT_TRUE(hasInOrder(text, {"nn.weight @w.transposed : tensor<8x4xf32> sources [\"w\"]",
                                "order \"transposed\"", "tensor.collapse_shape %arg0", "nn.linear",
                                "tensor<?x4xf32>, tensor<8x4xf32> -> tensor<?x8xf32>",
                                "tensor.expand_shape", "tensor<?x?x8xf32>"}));
}

TEST(OnnxImport, TransposedWeightIsNatural) {
  TestModel m;
  m.input("x", {"b", 4});
  m.weight("w", {8, 4});
  m.node("Transpose", {"w"}, {"t"});
  m.node("MatMul", {"x", "t"}, {"y"});
  m.output("y");
  std::string text = m.import();
  EXPECT_TRUE(
      hasInOrder(text, {"nn.weight @w : tensor<8x4xf32>", "order \"natural\"", "nn.linear"}));
  EXPECT_EQ(text.find("linalg.transpose"), std::string::npos);
}

TEST(OnnxImport, Gemm) {
  TestModel m;
  m.input("x", {"b", 4});
  m.weight("w", {8, 4});
  m.weight("c", {8});
  onnx::NodeProto *n = m.node("Gemm", {"x", "w", "c"}, {"y"});
  TestModel::set(n, "transB", 1);
  m.output("y");
  EXPECT_TRUE(hasInOrder(m.import(), {"order \"natural\"", "nn.linear", "linalg.generic",
                                      "tensor<?x8xf32>, tensor<8xf32>", "arith.addf"}));
}

TEST(OnnxImport, EmbeddingWrapsNegativeIds) {
  TestModel m;
  m.input("ids", {"b", "s"}, kInt64);
  m.weight("table", {10, 4});
  m.node("Gather", {"table", "ids"}, {"y"});
  m.output("y");
  EXPECT_TRUE(hasInOrder(m.import(), {"role = \"embedding\"", "arith.constant 10 : i64",
                                      "arith.select", "nn.embedding", "tensor<?x?x4xf32>"}));
}

TEST(OnnxImport, ShapeArithmeticIsDoneAtImport) {
  // x [b, s, 12] -> Reshape(x, [Shape(x)[0], Shape(x)[1], 3, 4]) -> [b, s, 3, 4].
  TestModel m;
  m.input("x", {"b", "s", 12});
  m.integers("i0", {0});
  m.integers("i1", {1});
  m.integers("heads", {3});
  m.integers("rest", {-1});
  m.node("Shape", {"x"}, {"shape"});
  for (std::string i : {"0", "1"}) {
    onnx::NodeProto *n = m.node("Gather", {"shape", "i" + i}, {"d" + i});
    TestModel::set(n, "axis", int64_t(0));
  }
  onnx::NodeProto *n = m.node("Concat", {"d0", "d1", "heads", "rest"}, {"sizes"});
  TestModel::set(n, "axis", int64_t(0));
  m.node("Reshape", {"x", "sizes"}, {"y"});
  m.output("y");
  std::string text = m.import();
  EXPECT_TRUE(hasInOrder(
      text, {"tensor.expand_shape %arg0", "[0], [1], [2, 3]", "tensor<?x?x3x4xf32>", "return"}));
  EXPECT_EQ(text.find("tensor.from_elements"), std::string::npos);
}

TEST(OnnxImport, EqualDimensionsBecomeOne) {
  TestModel m;
  m.input("x", {"n"});
  m.input("y", {"k"});
  m.node("Add", {"x", "y"}, {"z"});
  m.output("z");
  std::string text = m.import();
  EXPECT_TRUE(hasInOrder(text, {"nn.dims = [\"k\"]", "nn.dims = [\"k\"]", "nn.dims = [\"k\"]"}))
      << text;
}

TEST(OnnxImport, SliceBoundsASymbol) {
  // Position ids of at most 8: x has as many columns.
  TestModel m;
  m.input("x", {"b", "seq"});
  m.weight("positions", {1, 8});
  m.integers("zero", {0});
  m.integers("one", {1});
  m.node("Shape", {"x"}, {"shape"});
  m.node("Gather", {"shape", "one"}, {"end"});
  m.node("Slice", {"positions", "zero", "end", "one"}, {"p"});
  m.node("Add", {"x", "p"}, {"y"});
  m.output("y");
  EXPECT_TRUE(hasInOrder(m.import(), {"nn.dim_max = {seq = 8 : i64}", "tensor.extract_slice"}));
}

TEST(OnnxImport, ExpressionsNameOutputDimensions) {
  TestModel m;
  m.input("x", {"b", "s", 6});
  m.integers("shape", {-1, 3});
  m.node("Reshape", {"x", "shape"}, {"y"});
  m.output("y");
  EXPECT_TRUE(hasInOrder(m.import(), {"nn.dims = [\"2*b*s\"], nn.output = \"y\""}));
}

TEST(OnnxImport, ConvReadsWindowsThroughItsMap) {
  TestModel m;
  m.input("x", {"n", 4, 10, "w"});
  m.weight("k", {6, 2, 3, 3});
  onnx::NodeProto *n = m.node("Conv", {"x", "k"}, {"y"});
  TestModel::set(n, "group", 2);
  TestModel::set(n, "strides", std::vector<int64_t>{2, 1});
  TestModel::set(n, "pads", std::vector<int64_t>{1, 1, 1, 1});
  TestModel::set(n, "dilations", std::vector<int64_t>{1, 2});
  m.output("y");
  EXPECT_TRUE(
      hasInOrder(m.import(), {"nn.dims = [\"n\", \"w - 2\"], nn.output", "tensor.insert_slice",
                              "(d0, d1, d3, d6 * 2 + d4, d7 + d5 * 2)"}));
}

TEST(OnnxImport, BatchedMatmulBroadcasts) {
  TestModel m;
  m.input("x", {"b", 2, "s", 4});
  m.input("y", {2, 4, "t"});
  m.node("MatMul", {"x", "y"}, {"z"});
  m.output("z");
  EXPECT_TRUE(hasInOrder(
      m.import(),
      {"(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3)", "(d0, d1, d2, d3, d4) -> (d1, d3, d4)",
       "(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)",
       "[\"parallel\", \"parallel\", \"parallel\", \"reduction\", \"parallel\"]"}));
}

TEST(OnnxImport, ElementwiseIsOnRows) {
  TestModel m;
  m.input("x", {"b", "s", 32});
  m.weight("bias", {32});
  m.node("Add", {"x", "bias"}, {"y"});
  m.node("Relu", {"y"}, {"z"});
  m.output("z");
  std::string text = m.import();
  EXPECT_TRUE(hasInOrder(text, {"tensor.collapse_shape %arg0", "tensor<?x32xf32>", "linalg.generic",
                                "linalg.generic", "tensor.expand_shape"}));
}

TEST(OnnxImport, PowWithKnownExponent) {
  TestModel m;
  m.input("x", {"n"});
  m.scalar("two", 2);
  m.node("Pow", {"x", "two"}, {"y"});
  m.output("y");
  std::string text = m.import();
  EXPECT_NE(text.find("arith.mulf"), std::string::npos);
  EXPECT_EQ(text.find("math.powf"), std::string::npos);
}

TEST(OnnxImport, ConstantNodesAreSources) {
  TestModel m;
  m.input("x", {"b", 4});
  onnx::NodeProto *n = m.node("Constant", {}, {"w"});
  onnx::AttributeProto *a = n->add_attribute();
  a->set_name("value");
  a->set_type(onnx::AttributeProto::TENSOR);
  a->mutable_t()->set_data_type(kFloat);
  a->mutable_t()->add_dims(4);
  a->mutable_t()->add_dims(8);
  for (int i = 0; i < 32; ++i)
    a->mutable_t()->add_float_data(1);
  m.node("MatMul", {"x", "w"}, {"y"});
  m.output("y");
  EXPECT_TRUE(hasInOrder(m.import(), {"sources [\"w\"]", "nn.linear"}));
}

TEST(OnnxImport, UnsignedBytesAreMarked) {
  TestModel m;
  m.input("x", {"n"}, onnx::TensorProto::UINT8);
  m.node("Max", {"x", "x"}, {"y"});
  m.output("y");
  EXPECT_TRUE(hasInOrder(m.import(), {"nn.input = \"x\", nn.unsigned",
                                      "nn.output = \"y\", nn.unsigned", "arith.maxui"}));
}

TEST(OnnxImport, HalfPrecisionComputesInFloat) {
  TestModel m;
  m.input("x", {"n"}, onnx::TensorProto::FLOAT16);
  m.node("Exp", {"x"}, {"y"});
  m.output("y");
  EXPECT_TRUE(hasInOrder(m.import(), {"%arg0: tensor<?xf16>", "-> (tensor<?xf16>", "arith.extf",
                                      "math.exp %in : f32", "arith.truncf"}));
}

} // namespace
