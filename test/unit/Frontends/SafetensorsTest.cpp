//===- SafetensorsTest.cpp - Reader of safetensors files
//--------------------===//
//
// One row for each rule of the format, and directories of shards.
//
//===----------------------------------------------------------------------===//
#include "Support.h"

#include "frontends/Safetensors/Safetensors.h"

#include "llvm/ADT/StringExtras.h"

using namespace qcc;
using namespace qcc::test;

namespace {

std::string entry(llvm::StringRef name, llvm::StringRef dtype,
                  llvm::StringRef shape, llvm::StringRef offsets) {
  return ("\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":[" + shape +
          "],\"data_offsets\":[" + offsets + "]}")
      .str();
}

Failure readFailure(Bytes bytes) {
  return failureOf(readSafetensors(inMemory(std::move(bytes))));
}

TEST(Safetensors, ReadsTensorsInDataOrder) {
  auto file = readSafetensors(
      inMemory(safetensors("{" + entry("b", "F32", "2,3", "0,24") + "," +
                               entry("a", "BF16", "", "24,26") + "," +
                               entry("z", "I64", "0,5", "26,26") + "," +
                               entry("q", "F4", "3,2", "26,29") +
                               ",\"__metadata__\":{\"format\":\"pt\"}}   ",
                           29)));
  ASSERT_TRUE(bool(file)) << failureOf(std::move(file)).text;
  EXPECT_EQ(file->metadata["format"], "pt");
  ASSERT_EQ(file->tensors.size(), 4);
  const SourceTensor &b = *file->tensors.begin();
  EXPECT_EQ(b.name, "b");
  EXPECT_EQ(b.dtype, DType::F32);
  EXPECT_EQ(b.shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(b.bytes.size(), 24);
  EXPECT_TRUE(file->tensors.find("a")->shape.empty());
  EXPECT_EQ(file->tensors.find("a")->fileOffset(), b.fileOffset() + 24);
  EXPECT_NE(describe(file->tensors).find("b  F32  [2, 3]  24 bytes"),
            std::string::npos);
}

TEST(Safetensors, EmptyFileOfTensors) {
  EXPECT_TRUE(bool(readSafetensors(inMemory(safetensors("{}", 0)))));
}

TEST(Safetensors, RefusesMalformedHeaders) {
  struct Case {
    std::string header;
    size_t data;
    const char *message;
  };
  const std::string f = "F32";
  const Case cases[] = {
      {" {}", 0, "header: does not begin with '{'"},
      {"{}\n", 0, "header: is not followed by spaces only"},
      {"{\"a\":}", 0, "is not valid JSON"},
      {"{\"a\":1}", 0, "tensor a: its header entry is not an object"},
      {"{\"a\":{}}", 0, "tensor a: has no dtype, shape or data_offsets"},
      {"{" + entry("a", f, "1", "0,4") + "," + entry("a", f, "1", "0,4") + "}",
       4, "the key \"a\" occurs twice"},
      {"{" + entry("a", "F31", "1", "0,4") + "}", 4,
       "tensor a: its dtype \"F31\" is unknown"},
      {"{\"a\":{\"dtype\":1,\"shape\":[],\"data_offsets\":[0,4]}}", 4,
       "its dtype is not a string"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":1,\"data_offsets\":[0,4]}}", 4,
       "its shape is not a list"},
      {"{" + entry("a", f, "-1", "0,4") + "}", 4,
       "its shape holds something that is not a size"},
      {"{" + entry("a", f, "1.0", "0,4") + "}", 4,
       "its shape holds something that is not a size"},
      {"{" + entry("a", f, "18446744073709551615", "0,4") + "}", 4,
       "its shape holds something that is not a size"},
      {"{" + entry("a", f, "1", "0") + "}", 4,
       "its data_offsets are not two numbers"},
      {"{" + entry("a", f, "1", "0,4,8") + "}", 4,
       "its data_offsets are not two numbers"},
      {"{" + entry("a", f, "1", "0,-4") + "}", 4,
       "its data_offsets are not two numbers"},
      {"{" + entry("a", f, "1", "0,4.5") + "}", 4,
       "its data_offsets are not two numbers"},
      {"{" + entry("a", f, "1", "4,8") + "}", 8,
       "tensor a: its data begins at 4, not at 0"},
      {"{" + entry("a", f, "1", "0,4") + "," + entry("b", f, "1", "2,6") + "}",
       6, "tensor b: its data begins at 2, not at 4"},
      {"{" + entry("a", f, "1", "0,4") + "," + entry("b", f, "1", "8,12") + "}",
       12, "tensor b: its data begins at 8, not at 4"},
      {"{" + entry("a", "U8", "0", "0,0") + "," + entry("b", f, "1", "0,4") +
           "," + entry("c", f, "1", "4,0") + "}",
       4, "tensor c: its data ends before it begins"},
      {"{" + entry("a", f, "2", "0,4") + "}", 4,
       "tensor a: has 4 bytes of data, but shape [2] of F32 takes 8"},
      {"{" + entry("a", f, "4294967296,4294967296,1", "0,4") + "}", 4,
       "the size of shape [4294967296, 4294967296, 1] overflows"},
      {"{" + entry("a", "F64", "4611686018427387904", "0,4") + "}", 4,
       "overflows"},
      {"{" + entry("a", "F4", "3", "0,2") + "}", 2,
       "shape [3] of F4 is not a whole number of bytes"},
      {"{" + entry("a", f, "2", "0,8") + "}", 7,
       "tensor a: its data ends beyond the end of the file"},
      {"{" + entry("a", f, "2", "0,8") + "}", 9,
       "1 bytes after the last tensor belong to none"},
      {"{}", 1, "1 bytes after the last tensor belong to none"},
      {"{\"__metadata__\":[]}", 0, "__metadata__: is not an object"},
      {"{\"__metadata__\":{\"a\":1}}", 0,
       "__metadata__: the value of \"a\" is not a string"},
  };
  for (const Case &c : cases)
    expectFailure(readFailure(safetensors(c.header, c.data)),
                  ExitCode::BadModel, c.message);
}

TEST(Safetensors, RefusesBadLengths) {
  expectFailure(readFailure({}), ExitCode::BadModel, "fewer than 8 bytes");
  for (uint64_t length : {uint64_t(100000001), UINT64_MAX, UINT64_MAX - 7}) {
    Bytes bytes = safetensors("{}", 0);
    for (int i = 0; i < 8; ++i)
      bytes[i] = uint8_t(length >> (8 * i));
    expectFailure(readFailure(bytes), ExitCode::BadModel, "is over 100000000");
  }
  Bytes bytes = safetensors("{}", 0);
  bytes[0] = 3;
  expectFailure(readFailure(bytes), ExitCode::BadModel,
                "its length 3 is beyond the end of the file (10 bytes)");
}

TEST(Safetensors, RefusesEveryTruncation) {
  Bytes whole = safetensors("{" + entry("b", "F32", "2,3", "0,24") + "}", 24);
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(readFailure(Bytes(whole.begin(), whole.begin() + size)).code,
              ExitCode::BadModel)
        << size;
}

TEST(SafetensorsDirectory, ReadsShards) {
  TempDir dir;
  dir.write("s1.safetensors",
            safetensors("{" + entry("a", "F32", "1", "0,4") + "}", 4));
  dir.write("s2.safetensors",
            safetensors("{" + entry("b", "F32", "1", "0,4") + "}", 4));
  dir.write("model.safetensors.index.json",
            R"({"metadata":{"total_size":1},"weight_map":
                {"a":"s1.safetensors","b":"s2.safetensors"}})");
  auto tensors = readSafetensorsDirectory(dir.path());
  ASSERT_TRUE(bool(tensors)) << failureOf(std::move(tensors)).text;
  EXPECT_NE(tensors->find("a"), nullptr);
  EXPECT_NE(tensors->find("b"), nullptr);
  // The single file wins.
  dir.write("model.safetensors",
            safetensors("{" + entry("c", "F32", "1", "0,4") + "}", 4));
  tensors = readSafetensorsDirectory(dir.path());
  ASSERT_TRUE(bool(tensors));
  EXPECT_EQ(tensors->size(), 1);
}

TEST(SafetensorsDirectory, RefusesBadIndices) {
  TempDir dir;
  expectFailure(failureOf(readSafetensorsDirectory(dir.path())),
                ExitCode::BadModel,
                "has neither model.safetensors nor "
                "model.safetensors.index.json");
  dir.write("s1", safetensors("{" + entry("a", "F32", "1", "0,4") + "}", 4));
  dir.write("s2", safetensors("{" + entry("a", "F32", "1", "0,4") + "," +
                                  entry("b", "F32", "1", "4,8") + "}",
                              8));
  struct Case {
    const char *index, *message;
  };
  const Case cases[] = {
      {"[]", "has no \"weight_map\" object"},
      {"{\"weight_map\":3}", "has no \"weight_map\" object"},
      {R"({"weight_map":{"a":1}})", "tensor a: its shard is not a file name"},
      {R"({"weight_map":{"a":"../x"}})", "is not a plain file name"},
      {R"({"weight_map":{"a":".."}})", "is not a plain file name"},
      {R"({"weight_map":{"a":"/etc/passwd"}})", "is not a plain file name"},
      {R"({"weight_map":{"a":"x\u0000y"}})", "is not a plain file name"},
      {R"({"weight_map":{"a":""}})", "is not a plain file name"},
      {R"({"weight_map":{"a":"s3"}})", "the shard s3 is missing; fetch it"},
      {R"({"weight_map":{"c":"s1"}})", "tensor c: is not in its shard s1"},
      {R"({"weight_map":{"a":"s1","b":"s2"}})",
       "tensor a: is in another shard, too"},
      {R"({"weight_map":{"a":"s1","a":"s2"}})", "the key \"a\" occurs twice"},
  };
  for (const Case &c : cases) {
    dir.write("model.safetensors.index.json", c.index);
    expectFailure(failureOf(readSafetensorsDirectory(dir.path())),
                  ExitCode::BadModel, c.message);
  }
}

} // namespace
