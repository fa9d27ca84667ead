//===- DamageTest.cpp - Damaged models give errors, never crashes -------------------------===//
//
// Changes numbers inside a valid model at random, as the protobuf still parses then: attributes,
// dimensions and integer constants take the values that overflow or leave their range.
//
//===----------------------------------------------------------------------===//

#include "TestModel.h"

#include <limits>
#include <random>

using namespace qcc;
using namespace qcc::test;

namespace {

using Random = std::mt19937_64;

int64_t hostile(Random &random) {
  static constexpr int64_t values[] = {0,
                                       1,
                                       -1,
                                       2,
                                       -2,
                                       3,
                                       7,
                                       1 << 20,
                                       int64_t(1) << 31,
                                       int64_t(1) << 40,
                                       std::numeric_limits<int64_t>::max(),
                                       std::numeric_limits<int64_t>::min()};
  return values[random() % std::size(values)];
}

/// A graph with most of what reads integers.
TestModel valid() {
  TestModel m;
  m.input("x", {"b", 4, 8, 8});
  m.input("ids", {"b", "s"}, kInt64);
  m.weight("k", {6, 2, 3, 3});
  m.weight("table", {10, 12});
  m.weight("w", {12, 16});
  onnx::NodeProto *n = m.node("Conv", {"x", "k"}, {"c"});
  TestModel::set(n, "group", int64_t(2));
  TestModel::set(n, "strides", std::vector<int64_t>{1, 1});
  TestModel::set(n, "pads", std::vector<int64_t>{1, 1, 1, 1});
  TestModel::set(n, "dilations", std::vector<int64_t>{1, 1});
  n = m.node("AveragePool", {"c"}, {"p"});
  TestModel::set(n, "kernel_shape", std::vector<int64_t>{2, 2});
  TestModel::set(n, "pads", std::vector<int64_t>{1, 0, 1, 0});
  TestModel::set(n, "strides", std::vector<int64_t>{2, 2});
  TestModel::set(n, "ceil_mode", int64_t(1));
  m.integers("pads", {0, 0, 1, 1, 0, 0, 1, 1});
  n = m.node("Pad", {"p", "pads"}, {"q"});
  TestModel::set(n, "mode", "reflect");
  m.integers("flat", {0, -1});
  m.node("Reshape", {"q", "flat"}, {"r"});
  n = m.node("Gather", {"table", "ids"}, {"e"});
  TestModel::set(n, "axis", int64_t(0));
  m.node("MatMul", {"e", "w"}, {"l"});
  n = m.node("Transpose", {"l"}, {"t"});
  TestModel::set(n, "perm", std::vector<int64_t>{0, 2, 1});
  m.node("MatMul", {"l", "t"}, {"a"});
  n = m.node("Softmax", {"a"}, {"f"});
  TestModel::set(n, "axis", int64_t(-1));
  m.integers("starts", {0});
  m.integers("ends", {3});
  m.integers("axes", {2});
  m.integers("steps", {1});
  m.node("Slice", {"l", "starts", "ends", "axes", "steps"}, {"g"});
  m.integers("sizes", {5, 11});
  n = m.node("Split", {"l", "sizes"}, {"h", "i"});
  TestModel::set(n, "axis", int64_t(2));
  n = m.node("Concat", {"g", "h"}, {"j"});
  TestModel::set(n, "axis", int64_t(2));
  m.integers("expand", {3, 1, 1, 8});
  m.node("Expand", {"j", "expand"}, {"o"});
  n = m.node("ReduceMean", {"f"}, {"v"});
  TestModel::set(n, "axes", std::vector<int64_t>{1});
  for (const char *name : {"r", "i", "o", "v"})
    m.output(name);
  return m;
}

void damage(onnx::ModelProto &model, Random &random) {
  onnx::GraphProto *graph = model.mutable_graph();
  switch (random() % 4) {
  case 0: {
    onnx::NodeProto *n = graph->mutable_node(random() % graph->node_size());
    if (n->attribute_size() == 0)
      return;
    onnx::AttributeProto *a = n->mutable_attribute(random() % n->attribute_size());
    if (a->ints_size() > 0)
      a->set_ints(random() % a->ints_size(), hostile(random));
    else
      a->set_i(hostile(random));
    return;
  }
  case 1: {
    onnx::TensorProto *t = graph->mutable_initializer(random() % graph->initializer_size());
    if (t->int64_data_size() > 0)
      t->set_int64_data(random() % t->int64_data_size(), hostile(random));
    return;
  }
  case 2: {
    auto *shape = graph->mutable_input(random() % graph->input_size())
                      ->mutable_type()
                      ->mutable_tensor_type()
                      ->mutable_shape();
    if (shape->dim_size() > 0)
      shape->mutable_dim(random() % shape->dim_size())->set_dim_value(hostile(random));
    return;
  }
  default: {
    onnx::NodeProto *n = graph->mutable_node(random() % graph->node_size());
    const onnx::NodeProto &other = graph->node(random() % graph->node_size());
    if (n->input_size() > 0 && other.input_size() > 0)
      n->set_input(random() % n->input_size(), other.input(random() % other.input_size()));
    return;
  }
  }
}

TEST(OnnxDamage, TheModelItself) {
  EXPECT_TRUE(hasInOrder(valid().import(), {"func.func @run", "return"}));
}

TEST(OnnxDamage, NumbersAndEdges) {
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    Random random(seed);
    TestModel m = valid();
    for (uint64_t i = 0, count = 1 + random() % 3; i < count; ++i)
      damage(m.proto, random);
    std::string text = m.import();
    // Either a module, or an error that is the model's.
    bool isExpected = text.find("func.func @run") != std::string::npos ||
                      text.rfind("exit 2: ", 0) == 0 || text.rfind("exit 3: ", 0) == 0;
    ASSERT_TRUE(isExpected) << "seed " << seed << ": " << text;
  }
}

} // namespace
