//===- OnnxTest.cpp - Reader of ONNX files
//----------------------------------===//
//
// Data of every type and place, the structure of graphs, and external files
// that try to leave the model's directory.
//
//===----------------------------------------------------------------------===//
#include "Support.h"

#include "frontends/ONNX/OnnxModel.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"

using namespace qcc;
using namespace qcc::test;

namespace {

/// A valid model: y = Add(x, w).
onnx::ModelProto tinyModel() {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(17);
  onnx::GraphProto &graph = *model.mutable_graph();
  graph.add_input()->set_name("x");
  graph.add_output()->set_name("y");
  onnx::TensorProto &w = *graph.add_initializer();
  w.set_name("w");
  w.set_data_type(onnx::TensorProto::FLOAT);
  w.add_dims(2);
  w.set_raw_data(std::string(8, '\0'));
  onnx::NodeProto &node = *graph.add_node();
  node.set_op_type("Add");
  node.set_name("add");
  node.add_input("x");
  node.add_input("w");
  node.add_output("y");
  return model;
}

Bytes serialize(const onnx::ModelProto &model) {
  return toBytes(model.SerializeAsString());
}

Failure parseFailure(const onnx::ModelProto &model) {
  return failureOf(OnnxModel::parse(inMemory(serialize(model))));
}

TEST(Onnx, ReadsModels) {
  onnx::ModelProto proto = tinyModel();
  proto.add_opset_import()->set_domain("com.microsoft");
  proto.mutable_opset_import(1)->set_version(1);
  auto model = OnnxModel::parse(inMemory(serialize(proto)));
  ASSERT_TRUE(bool(model)) << failureOf(std::move(model)).text;
  EXPECT_EQ((*model)->opset(""), 17);
  EXPECT_EQ((*model)->opset("ai.onnx"), 17);
  EXPECT_EQ((*model)->opset("com.microsoft"), 1);
  EXPECT_EQ((*model)->opset("other"), 0);
  EXPECT_EQ((*model)->initializers().find("w")->bytes.size(), 8);
  std::string text = describe(**model);
  EXPECT_NE(text.find("  Add: 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  opset ai.onnx 17\n"), std::string::npos) << text;
}

TEST(Onnx, RefusesWhatIsNoModel) {
  auto parse = [](Bytes bytes) {
    return failureOf(OnnxModel::parse(inMemory(std::move(bytes))));
  };
  expectFailure(parse({}), ExitCode::BadModel, "has no graph");
  expectFailure(parse(toBytes("hello, world")), ExitCode::BadModel,
                "cannot be parsed as ONNX");
  Bytes whole = serialize(tinyModel());
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(parse(Bytes(whole.begin(), whole.begin() + size)).code,
              ExitCode::BadModel)
        << size;
}

using Edit = void (*)(onnx::ModelProto &);

onnx::TensorProto &weight(onnx::ModelProto &m) {
  return *m.mutable_graph()->mutable_initializer(0);
}
onnx::NodeProto &node(onnx::ModelProto &m) {
  return *m.mutable_graph()->mutable_node(0);
}
/// A subgraph in an attribute of the first node.
onnx::GraphProto &subgraph(onnx::ModelProto &m) {
  onnx::AttributeProto &attribute = *node(m).add_attribute();
  attribute.set_name("body");
  attribute.set_type(onnx::AttributeProto::GRAPH);
  return *attribute.mutable_g();
}

TEST(Onnx, Messages) {
  struct Case {
    Edit edit;
    const char *message;
  };
  const Case cases[] = {
      {[](auto &m) { m.clear_ir_version(); }, "ir_version: is missing"},
      {[](auto &m) { m.clear_opset_import(); }, "the model imports no opset"},
      {[](auto &m) { m.mutable_opset_import(0)->set_version(0); },
       "opset_import \"\": its version is not positive"},
      {[](auto &m) {
         *m.add_opset_import() = m.opset_import(0);
         m.mutable_opset_import(1)->set_domain("ai.onnx");
       },
       "opset_import \"ai.onnx\": occurs twice"},
      {[](auto &m) { node(m).set_domain("my.ops"); },
       "node 0 \"add\" (Add): its domain \"my.ops\" is not among"},
      {[](auto &m) { node(m).clear_op_type(); }, "has no operator"},
      {[](auto &m) { node(m).set_input(0, "q"); },
       "node 0 \"add\" (Add): its input \"q\" is defined nowhere"},
      {[](auto &m) { node(m).set_output(0, "x"); },
       "its output \"x\" is defined already"},
      {[](auto &m) { node(m).set_input(0, "y"); },
       "its input \"y\" is made by node 0 \"add\" (Add), which does not come "
       "before it; nodes must be sorted and must not form a cycle"},
      {[](auto &m) { m.mutable_graph()->mutable_output(0)->set_name("q"); },
       "graph: its output \"q\" is defined nowhere"},
      {[](auto &m) { m.mutable_graph()->add_input()->set_name("x"); },
       "graph: has two inputs named \"x\""},
      {[](auto &m) { m.mutable_graph()->add_input(); },
       "graph: has an input without a name"},
      {[](auto &m) { *m.mutable_graph()->add_initializer() = weight(m); },
       "graph: has two initializers named \"w\""},
      {[](auto &m) { weight(m).clear_name(); },
       "has an initializer without a name"},
      {[](auto &m) { weight(m).set_data_type(0); },
       "graph: tensor \"w\": its data type 0 is unknown"},
      {[](auto &m) { weight(m).set_data_type(99); },
       "its data type 99 is unknown"},
      {[](auto &m) { weight(m).set_dims(0, -2); },
       "a dimension is negative or the size overflows: [-2]"},
      {[](auto &m) { weight(m).set_dims(0, INT64_MAX); }, "overflows"},
      {[](auto &m) { weight(m).set_dims(0, 3); },
       "has 8 bytes of data, but shape [3] of F32 takes 12"},
      {[](auto &m) { weight(m).clear_raw_data(); },
       "has 0 bytes of data, but shape [2]"},
      {[](auto &m) { weight(m).add_float_data(1); },
       "has its data in more than one field"},
      {[](auto &m) {
         weight(m).clear_raw_data();
         weight(m).set_data_type(onnx::TensorProto::UINT8);
         weight(m).add_int32_data(1);
         weight(m).add_int32_data(256);
       },
       "an element does not fit its type"},
      {[](auto &m) {
         weight(m).clear_raw_data();
         weight(m).set_data_type(onnx::TensorProto::STRING);
       },
       "has 0 strings, but shape [2]"},
      {[](auto &m) {
         node(m).add_attribute()->set_name("a");
         node(m).add_attribute()->set_name("a");
       },
       "attribute a: has no name or occurs twice"},
      {[](auto &m) {
         node(m).add_attribute()->set_name("a");
         node(m).mutable_attribute(0)->mutable_t()->set_data_type(77);
       },
       "attribute a: tensor \"\": its data type 77 is unknown"},
      {[](auto &m) { subgraph(m).add_output()->set_name("q"); },
       "attribute body: its output \"q\" is defined nowhere"},
      {[](auto &m) {
         onnx::NodeProto &inner = *subgraph(m).add_node();
         inner.set_op_type("Neg");
         inner.add_input("y");
       },
       "attribute body: node 0 (Neg): its input \"y\" is defined nowhere"},
  };
  for (const Case &c : cases) {
    onnx::ModelProto model = tinyModel();
    c.edit(model);
    expectFailure(parseFailure(model), ExitCode::BadModel, c.message);
  }
}

TEST(Onnx, UnsupportedStorage) {
  onnx::ModelProto model = tinyModel();
  model.mutable_graph()->add_sparse_initializer()->mutable_values()->set_name(
      "s");
  expectFailure(parseFailure(model), ExitCode::Unsupported,
                "has sparse initializers\n  s");
  model = tinyModel();
  weight(model).mutable_segment()->set_begin(0);
  expectFailure(parseFailure(model), ExitCode::Unsupported,
                "is stored in segments");
}

TEST(Onnx, SubgraphsSeeTheGraphsAround) {
  onnx::ModelProto model = tinyModel();
  onnx::GraphProto &inner = subgraph(model);
  onnx::NodeProto &neg = *inner.add_node();
  neg.set_op_type("Neg");
  neg.add_input("w");
  neg.add_output("n");
  inner.add_output()->set_name("n");
  EXPECT_EQ(parseFailure(model).text, "");
  // But their names are their own.
  model.mutable_graph()->mutable_output(0)->set_name("n");
  expectFailure(parseFailure(model), ExitCode::BadModel,
                "its output \"n\" is defined nowhere");
}

TEST(Onnx, DeepNestingIsRefused) {
  onnx::ModelProto model = tinyModel();
  onnx::GraphProto *graph = model.mutable_graph();
  for (int depth = 0; depth < 200; ++depth) {
    onnx::NodeProto &inner = *graph->add_node();
    inner.set_op_type("If");
    inner.add_attribute()->set_name("body");
    graph = inner.mutable_attribute(0)->mutable_g();
  }
  expectFailure(parseFailure(model), ExitCode::BadModel,
                "cannot be parsed as ONNX");
}

/// The bytes of a tensor with this type and typed data.
Bytes typed(int32_t type, std::vector<int64_t> dims,
            void (*fill)(onnx::TensorProto &)) {
  onnx::ModelProto proto = tinyModel();
  onnx::TensorProto &tensor = weight(proto);
  tensor.clear_raw_data();
  tensor.clear_dims();
  for (int64_t dim : dims)
    tensor.add_dims(dim);
  tensor.set_data_type(type);
  fill(tensor);
  auto model = OnnxModel::parse(inMemory(serialize(proto)));
  if (!model) {
    ADD_FAILURE() << failureOf(std::move(model)).text;
    return {};
  }
  return (*model)->initializers().find("w")->bytes.vec();
}

TEST(Onnx, TypedData) {
  using T = onnx::TensorProto;
  EXPECT_EQ(typed(T::FLOAT, {1}, [](T &t) { t.add_float_data(1); }),
            (Bytes{0, 0, 0x80, 0x3f}));
  EXPECT_EQ(typed(T::DOUBLE, {1}, [](T &t) { t.add_double_data(1); }),
            (Bytes{0, 0, 0, 0, 0, 0, 0xf0, 0x3f}));
  EXPECT_EQ(typed(T::INT64, {1}, [](T &t) { t.add_int64_data(-2); }),
            (Bytes{0xfe, 255, 255, 255, 255, 255, 255, 255}));
  EXPECT_EQ(typed(T::UINT64, {1}, [](T &t) { t.add_uint64_data(3); }),
            (Bytes{3, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(typed(T::UINT32, {1}, [](T &t) { t.add_uint64_data(3); }),
            (Bytes{3, 0, 0, 0}));
  EXPECT_EQ(typed(T::INT32, {1}, [](T &t) { t.add_int32_data(-2); }),
            (Bytes{0xfe, 255, 255, 255}));
  EXPECT_EQ(typed(T::FLOAT16, {1}, [](T &t) { t.add_int32_data(0x3c00); }),
            (Bytes{0, 0x3c}));
  EXPECT_EQ(typed(T::INT16, {1}, [](T &t) { t.add_int32_data(-2); }),
            (Bytes{0xfe, 0xff}));
  EXPECT_EQ(typed(T::INT8, {2},
                  [](T &t) {
                    t.add_int32_data(-128);
                    t.add_int32_data(127);
                  }),
            (Bytes{0x80, 0x7f}));
  EXPECT_EQ(typed(T::BOOL, {1}, [](T &t) { t.add_int32_data(1); }), Bytes{1});
  // uint4: two elements an entry.
  EXPECT_EQ(typed(21, {3},
                  [](T &t) {
                    t.add_int32_data(0x21);
                    t.add_int32_data(0x03);
                  }),
            (Bytes{0x21, 0x03}));
  EXPECT_EQ(typed(T::STRING, {1}, [](T &t) { t.add_string_data("s"); }),
            Bytes{});
  EXPECT_EQ(typed(T::FLOAT, {0}, [](T &) {}), Bytes{});
}

TEST(Onnx, LargeWeightsStayInTheFile) {
  onnx::ModelProto proto = tinyModel();
  weight(proto).set_dims(0, 2048);
  weight(proto).set_raw_data(std::string(8192, 'x'));
  // A small one after it keeps its number.
  onnx::TensorProto &small = *proto.mutable_graph()->add_initializer();
  small.set_name("small");
  small.set_data_type(onnx::TensorProto::INT8);
  small.add_dims(1);
  small.set_raw_data("s");
  auto file = inMemory(serialize(proto));
  auto model = OnnxModel::parse(file);
  ASSERT_TRUE(bool(model)) << failureOf(std::move(model)).text;
  const SourceTensor *w = (*model)->initializers().find("w");
  EXPECT_EQ(llvm::toStringRef(w->bytes), std::string(8192, 'x'));
  EXPECT_EQ(w->file, file);
  EXPECT_GT(w->fileOffset(), 0);
  EXPECT_TRUE((*model)->graph().initializer(0).raw_data().empty());
  EXPECT_EQ(llvm::toStringRef((*model)->initializers().find("small")->bytes),
            "s");
  // The same checks hold.
  weight(proto).set_dims(0, 2047);
  expectFailure(parseFailure(proto), ExitCode::BadModel,
                "has 8192 bytes of data, but shape [2047] of F32 takes 8188");
  weight(proto).add_float_data(1);
  expectFailure(parseFailure(proto), ExitCode::BadModel,
                "has its data in more than one field");
}

TEST(Onnx, GraphsThatTheParserMerges) {
  onnx::ModelProto proto = tinyModel(), second;
  onnx::TensorProto &more = *second.mutable_graph()->add_initializer();
  more.set_name("more");
  more.set_data_type(onnx::TensorProto::UINT8);
  more.add_dims(5000);
  more.set_raw_data(std::string(5000, 'm'));
  Bytes bytes = serialize(proto), tail = serialize(second);
  bytes.insert(bytes.end(), tail.begin(), tail.end());
  auto model = OnnxModel::parse(inMemory(bytes));
  ASSERT_TRUE(bool(model)) << failureOf(std::move(model)).text;
  EXPECT_EQ((*model)->initializers().find("more")->bytes.size(), 5000);
  EXPECT_EQ((*model)->initializers().find("w")->bytes.size(), 8);
}

/// A model whose weight is external, with these entries.
onnx::ModelProto
externalModel(const std::vector<std::pair<const char *, const char *>> &all) {
  onnx::ModelProto model = tinyModel();
  weight(model).clear_raw_data();
  weight(model).set_data_location(onnx::TensorProto::EXTERNAL);
  for (auto [key, value] : all) {
    onnx::StringStringEntryProto &entry = *weight(model).add_external_data();
    entry.set_key(key);
    entry.set_value(value);
  }
  return model;
}

TEST(Onnx, ExternalData) {
  TempDir dir;
  dir.write("sub/w.bin", "0123456789abcdef");
  std::string path = dir.write(
      "m.onnx",
      serialize(externalModel(
          {{"location", "sub/w.bin"}, {"offset", "4"}, {"length", "8"}})));
  auto model = OnnxModel::open(path);
  ASSERT_TRUE(bool(model)) << failureOf(std::move(model)).text;
  const SourceTensor *w = (*model)->initializers().find("w");
  EXPECT_EQ(llvm::toStringRef(w->bytes), "456789ab");
  EXPECT_EQ(w->fileOffset(), 4);
  dir.write("m.onnx", serialize(externalModel({{"location", "./sub/w.bin"}})));
  model = OnnxModel::open(path);
  EXPECT_TRUE(bool(model)) << failureOf(std::move(model)).text;
}

TEST(Onnx, ExternalDataMessages) {
  TempDir outer;
  outer.write("secret", "0123456789abcdef");
  outer.write("dir/w.bin", "0123456789abcdef");
  outer.write("dir/hard", "0123456789abcdef");
  outer.write("dirx/w.bin", "0123456789abcdef");
  ASSERT_FALSE(
      llvm::sys::fs::create_link(outer.path("secret"), outer.path("dir/link")));
  ASSERT_FALSE(
      llvm::sys::fs::create_link(outer.path("dirx"), outer.path("dir/up")));
  ASSERT_FALSE(llvm::sys::fs::create_hard_link(outer.path("dir/hard"),
                                               outer.path("other")));
  using Entries = std::vector<std::pair<const char *, const char *>>;
  struct Case {
    Entries entries;
    const char *message;
  };
  const Case cases[] = {
      {{}, "its external data location \"\" is not a file name"},
      {{{"location", "/etc/passwd"}}, "\"/etc/passwd\" is absolute"},
      {{{"location", "../secret"}}, "\"../secret\" leaves the model's"},
      {{{"location", "a/../../secret"}}, "leaves the model's directory"},
      {{{"location", "none"}}, "\"none\" cannot be opened (No such file"},
      {{{"location", "."}}, "external data location \".\""},
      {{{"location", "link"}}, "\"link\" is a link that leaves the model's"},
      {{{"location", "up/w.bin"}}, "is a link that leaves the model's"},
      {{{"location", "hard"}}, "has other names (hard links)"},
      {{{"location", "w.bin"}, {"offset", "9"}},
       "bytes 9 to 9 + 8, goes beyond the end of"},
      {{{"location", "w.bin"}, {"offset", "18446744073709551615"}},
       "goes beyond the end of"},
      {{{"location", "w.bin"}, {"offset", "-1"}},
       "the offset of its external data is not a number: \"-1\""},
      {{{"location", "w.bin"}, {"offset", "99999999999999999999"}},
       "the offset of its external data is not a number"},
      {{{"location", "w.bin"}, {"length", "x"}},
       "the length of its external data is not a number: \"x\""},
      {{{"location", "w.bin"}, {"length", "9"}},
       "has 9 bytes of external data, but shape [2] of F32 takes 8"},
      {{{"location", "w.bin"}, {"location", "w.bin"}},
       "its external data has the key \"location\" twice"},
  };
  for (const Case &c : cases) {
    std::string path =
        outer.write("dir/m.onnx", serialize(externalModel(c.entries)));
    expectFailure(failureOf(OnnxModel::open(path)), ExitCode::BadModel,
                  c.message);
  }
}

TEST(Onnx, ExternalDataInTheHubCache) {
  TempDir dir;
  dir.write("snapshots/r1/m.onnx",
            serialize(externalModel({{"location", "w.bin"}})));
  std::string blob = dir.write("blobs/1", "01234567");
  ASSERT_FALSE(
      llvm::sys::fs::create_link(blob, dir.path("snapshots/r1/w.bin")));
  auto model = OnnxModel::open(dir.path("snapshots/r1/m.onnx"));
  EXPECT_TRUE(bool(model)) << failureOf(std::move(model)).text;
}

TEST(Onnx, SharedModels) {
  if (sharedData("onnx").empty())
    GTEST_SKIP() << "the shared data is not there";
  for (const char *name :
       {"lm-llama", "lm-llama-dynamic-int8", "lm-llama-int4-qdq",
        "lm-llama-matmulnbits4", "lm-qwen2", "mnist", "mnist-qdq",
        "mobilenet_v1", "mobilenet_v1-qdq", "ppocr_cls", "resnet20",
        "resnet20-qlinear", "silero_vad"}) {
    auto model = OnnxModel::open(
        sharedData(std::string("onnx/") + name + "/model.onnx"));
    EXPECT_TRUE(bool(model)) << name << failureOf(std::move(model)).text;
  }
}

} // namespace
