//===- CommonTest.cpp - Errors, mapped files, JSON, tensor tables
//-----------===//
//
// What all readers stand on.
//
//===----------------------------------------------------------------------===//
#include "Support.h"

#include "frontends/Common/Json.h"
#include "frontends/Common/TensorStorage.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace qcc;
using namespace qcc::test;

namespace {

TEST(ModelErrorTest, TextListsItemsAndHidesControlCharacters) {
  Failure failure = failureOf(
      unsupported("model.onnx", "operators are not supported",
                  {"node 3 (Foo, opset 1)", "node 7 (Ba\x1br, opset 2)"}));
  EXPECT_EQ(failure.code, ExitCode::Unsupported);
  EXPECT_EQ(failure.text, "model.onnx: operators are not supported\n"
                          "  node 3 (Foo, opset 1)\n"
                          "  node 7 (Ba?r, opset 2)");
}

TEST(ModelErrorTest, ReportGivesTheExitCode) {
  std::string text;
  llvm::raw_string_ostream os(text);
  EXPECT_EQ(reportError(badModel("a.gguf", "tensor x", "is bad"), os),
            ExitCode::BadModel);
  EXPECT_EQ(text, "error: a.gguf: tensor x: is bad\n");
  EXPECT_EQ(reportError(llvm::createStringError("odd"), os),
            ExitCode::Internal);
  EXPECT_EQ(reportError(llvm::Error::success(), os), ExitCode::Done);
}

TEST(MappedFileTest, SliceChecksBounds) {
  auto file = inMemory(toBytes("0123456789"));
  EXPECT_EQ(llvm::toStringRef(*file->slice(2, 3)), "234");
  EXPECT_TRUE(file->slice(10, 0));
  EXPECT_FALSE(file->slice(11, 0));
  EXPECT_FALSE(file->slice(2, 9));
  EXPECT_FALSE(file->slice(2, UINT64_MAX));
  EXPECT_FALSE(file->slice(UINT64_MAX, 2));
}

TEST(MappedFileTest, OpensFiles) {
  TempDir dir;
  auto file = MappedFile::open(dir.write("a", "text"));
  ASSERT_TRUE(bool(file));
  EXPECT_EQ(llvm::toStringRef((*file)->bytes()), "text");
  auto empty = MappedFile::open(dir.write("empty", ""));
  ASSERT_TRUE(bool(empty));
  EXPECT_EQ((*empty)->size(), 0);
  expectFailure(failureOf(MappedFile::open(dir.path("none"))),
                ExitCode::BadModel, "cannot be opened: No such file");
  expectFailure(failureOf(MappedFile::open(dir.path())), ExitCode::BadModel,
                "is not a regular file");
}

TEST(MappedFileTest, DroppedPagesComeBack) {
  TempDir dir;
  Bytes bytes(100000);
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = uint8_t(i * 7);
  auto file = MappedFile::open(dir.write("big", bytes));
  ASSERT_TRUE(bool(file));
  (*file)->dropPages(*(*file)->slice(5000, 90000));
  (*file)->dropPages(*(*file)->slice(99990, 10));
  (*file)->dropPages({});
  EXPECT_TRUE((*file)->bytes() == llvm::ArrayRef<uint8_t>(bytes));
}

TEST(JsonTest, RefusesWhatIsNotStrict) {
  struct Case {
    std::string text, message;
  };
  const Case cases[] = {
      {"", "is not valid JSON"},
      {"{", "is not valid JSON"},
      {"{} x", "is not valid JSON"},
      {"{\"a\":1,\"a\":2}", "the key \"a\" occurs twice"},
      {"{\"b\":{\"a\":1,\"c\":[],\"a\":{}}}", "the key \"a\" occurs twice"},
      {std::string(65, '['), "nested deeper than 64 levels"},
      {std::string(100000, '['), "nested deeper than 64 levels"},
      {"[1e999]", "number overflow"},
      {"[NaN]", "is not valid JSON"},
      {"\"\xff\"", "is not valid JSON"},
  };
  for (const Case &c : cases)
    expectFailure(failureOf(parseJson("f.json", c.text)), ExitCode::BadModel,
                  c.message);
}

TEST(JsonTest, BuildsDocuments) {
  auto json = parseJson("f", R"({"a":[1,-2,3.5,"x",null,true],"b":{}})");
  ASSERT_TRUE(bool(json));
  EXPECT_EQ(*json,
            nlohmann::json::parse(R"({"a":[1,-2,3.5,"x",null,true],"b":{}})"));
  EXPECT_EQ(unsignedOf((*json)["a"][0]), 1u);
  EXPECT_FALSE(unsignedOf((*json)["a"][1]));
  EXPECT_FALSE(unsignedOf((*json)["a"][2]));
  EXPECT_EQ(findMember(*json, "c"), nullptr);
  EXPECT_EQ(findMember((*json)["a"], "c"), nullptr);
}

TEST(TensorSizeTest, CountsAndOverflows) {
  const int64_t big = int64_t(1) << 40;
  EXPECT_EQ(numBytes(DType::F32, {}), 4u);
  EXPECT_EQ(numBytes(DType::F32, {2, 3}), 24u);
  EXPECT_EQ(numBytes(DType::F16, {0, 3}), 0u);
  EXPECT_EQ(numBytes(DType::U4, {3}), 2u);
  EXPECT_EQ(numBytes(DType::U2, {5}), 2u);
  EXPECT_EQ(numBytes(DType::F6_E2M3, {4}), 3u);
  EXPECT_EQ(numBytes(DType::F6_E2M3, {5}), 4u);
  EXPECT_EQ(numBytes(DType::Q4_K, {3, 512}), 3u * 2 * 144);
  EXPECT_EQ(numBytes(DType::Q4_K, {3, 128}), std::nullopt);
  EXPECT_EQ(numBytes(DType::Q8_0, {}), std::nullopt);
  EXPECT_EQ(numBytes(DType::U8, {-1}), std::nullopt);
  EXPECT_EQ(numBytes(DType::U8, {big, big}), std::nullopt);
  EXPECT_EQ(numBytes(DType::F64, {int64_t(1) << 61}), std::nullopt);
  EXPECT_EQ(shapeString({2, 3}), "[2, 3]");
}

TEST(TensorTableTest, FindsByNameAndKeepsOrder) {
  TensorTable table;
  for (const char *name : {"b", "a", "c"}) {
    SourceTensor tensor;
    tensor.name = name;
    EXPECT_TRUE(table.add(tensor));
    EXPECT_FALSE(table.add(tensor));
  }
  const SourceTensor *c = table.find("c");
  TensorTable moved = std::move(table);
  EXPECT_EQ(moved.find("c"), c);
  EXPECT_EQ(moved.find("d"), nullptr);
  EXPECT_EQ(moved.begin()->name, "b");
  EXPECT_EQ(moved.size(), 3);
}

} // namespace
