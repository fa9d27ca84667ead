//===- GgufTest.cpp - Reader of GGUF files
//----------------------------------===//
//
// Values of every type, one row for each thing the reader refuses, and split
// files.
//
//===----------------------------------------------------------------------===//
#include "Support.h"

#include "frontends/GGUF/GGUF.h"

#include "llvm/ADT/StringExtras.h"

using namespace qcc;
using namespace qcc::test;

namespace {

Failure readFailure(Bytes bytes) {
  return failureOf(readGguf(inMemory(std::move(bytes))));
}

GgufBuilder allTypes(uint32_t version) {
  GgufBuilder b(version, 2, 15);
  b.key("u8", 0).u8(200).key("i8", 1).u8(200);
  b.key("u16", 2).u8(0).u8(255).key("i16", 3).u8(0).u8(255);
  b.keyU32("u32", 4000000000u).key("i32", 5).u32(4000000000u);
  b.keyF32("f32", 1.5f).key("bool", 7).u8(1).keyText("text", "hello\n");
  b.key("ints", 9).u32(5).u64(2).u32(7).u32(uint32_t(-7));
  b.key("texts", 9).u32(8).u64(3).text("a").text("").text("bc");
  b.key("u64", 10).u64(UINT64_MAX).key("i64", 11).u64(uint64_t(-5));
  b.key("f64", 12).u64(0x4004000000000000).key("none", 9).u32(6).u64(0);
  b.tensor("t", {32, 3}, 8, 0).tensor("s", {}, 0, 128);
  return b.pad().zeros(128 + 4);
}

TEST(Gguf, ReadsValuesOfAllTypes) {
  for (uint32_t version : {2, 3}) {
    auto gguf = readGguf(inMemory(allTypes(version).bytes));
    ASSERT_TRUE(bool(gguf)) << failureOf(std::move(gguf)).text;
    EXPECT_EQ(gguf->version, version);
    EXPECT_EQ(gguf->find("u8")->asInteger(), 200);
    EXPECT_EQ(gguf->find("i8")->asInteger(), -56);
    EXPECT_EQ(gguf->find("u16")->asInteger(), 65280);
    EXPECT_EQ(gguf->find("i16")->asInteger(), -256);
    EXPECT_EQ(gguf->find("u32")->asInteger(), 4000000000);
    EXPECT_EQ(gguf->find("i32")->asInteger(), -294967296);
    EXPECT_EQ(gguf->find("f32")->asFloat(), 1.5);
    EXPECT_EQ(gguf->find("f64")->asFloat(), 2.5);
    EXPECT_EQ(gguf->find("bool")->asBool(), true);
    EXPECT_EQ(gguf->find("text")->asString(), llvm::StringRef("hello\n"));
    EXPECT_EQ(gguf->find("u64")->asInteger(), std::nullopt);
    EXPECT_EQ(gguf->find("i64")->asInteger(), -5);
    EXPECT_EQ(*gguf->find("ints")->asIntegers(), (std::vector<int64_t>{7, -7}));
    EXPECT_EQ(*gguf->find("texts")->asStrings(),
              (std::vector<llvm::StringRef>{"a", "", "bc"}));
    EXPECT_TRUE(gguf->find("none")->asFloats()->empty());
    EXPECT_EQ(gguf->find("nothing"), nullptr);
    EXPECT_EQ(gguf->find("text")->asInteger(), std::nullopt);
    EXPECT_EQ(gguf->find("f32")->asInteger(), std::nullopt);
    EXPECT_EQ(gguf->find("u8")->asBool(), std::nullopt);
    EXPECT_FALSE(gguf->find("texts")->asIntegers());
    EXPECT_FALSE(gguf->find("ints")->asStrings());
    EXPECT_FALSE(gguf->find("ints")->asFloats());
    EXPECT_FALSE(gguf->find("u8")->asIntegers());
    // Dimensions are stored fastest first.
    EXPECT_EQ(gguf->tensors.find("t")->shape, (std::vector<int64_t>{3, 32}));
    EXPECT_EQ(gguf->tensors.find("t")->bytes.size(), 3 * 34);
    std::string text = describe(*gguf);
    EXPECT_NE(text.find("text: \"hello\\0A\"\n"), std::string::npos) << text;
    EXPECT_NE(text.find("ints: [7, -7]\n"), std::string::npos) << text;
    EXPECT_NE(text.find("t  Q8_0  [3, 32]  102 bytes\n"), std::string::npos);
  }
}

TEST(Gguf, RefusesEveryTruncation) {
  Bytes whole = allTypes(3).bytes;
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(readFailure(Bytes(whole.begin(), whole.begin() + size)).code,
              ExitCode::BadModel)
        << size;
}

TEST(Gguf, RefusesMalformedFiles) {
  const std::string longName(64, 'n');
  const uint64_t huge = uint64_t(1) << 62;
  struct Case {
    GgufBuilder file;
    ExitCode code;
    const char *message;
  };
  const ExitCode bad = ExitCode::BadModel, no = ExitCode::Unsupported;
  const Case cases[] = {
      {GgufBuilder(1), no, "GGUF version 1 is not supported"},
      {GgufBuilder(4), no, "GGUF version 4 is not supported; 2 and 3 are"},
      {GgufBuilder(0), no, "GGUF version 0 is not supported"},
      {GgufBuilder(0x03000000), no, "is a big-endian GGUF file"},
      {GgufBuilder(3, UINT64_MAX), bad, "tensors do not fit a file of 24"},
      {GgufBuilder(3, 0, huge), bad, "metadata entries do not fit a file"},
      {GgufBuilder(3, 0, 1).keyU32("", 1).zeros(32), bad,
       "key at byte 24: is empty"},
      {GgufBuilder(3, 0, 2).keyU32("a", 1).keyU32("a", 2), bad,
       "key a: occurs twice"},
      {GgufBuilder(3, 0, 1).key("a", 13).zeros(32), bad,
       "key a: unknown type 13"},
      {GgufBuilder(3, 0, 1).key("a", 8).u64(huge), bad,
       "key a: goes beyond the end of the file"},
      {GgufBuilder(3, 0, 1).key("a", 9).u32(9).u64(1).zeros(32), bad,
       "key a: arrays of arrays are not allowed"},
      {GgufBuilder(3, 0, 1).key("a", 9).u32(13).u64(1).zeros(32), bad,
       "key a: array of unknown type 13"},
      {GgufBuilder(3, 0, 1).key("a", 9).u32(0).u64((1u << 30) + 1), bad,
       "key a: array of 1073741825 elements; at most 2^30"},
      {GgufBuilder(3, 0, 1).key("a", 9).u32(12).u64(1u << 30), bad,
       "key a: goes beyond the end of the file"},
      {GgufBuilder(3, 0, 1).keyU32("general.alignment", 24), bad,
       "key general.alignment: is not a power of two of type u32"},
      {GgufBuilder(3, 0, 1).keyU32("general.alignment", 0), bad,
       "is not a power of two"},
      {GgufBuilder(3, 0, 1).key("general.alignment", 10).u64(32), bad,
       "of type u32"},
      {GgufBuilder(3, 0, 1).keyText("general.alignment", "32"), bad,
       "of type u32"},
      {GgufBuilder(3, 1).tensor(longName, {1}, 0, 0).pad().zeros(4), bad,
       "the name is longer than 63 bytes"},
      {GgufBuilder(3, 2).tensor("a", {1}, 0, 0).tensor("a", {1}, 0, 32), bad,
       "tensor a: occurs twice"},
      {GgufBuilder(3, 1).tensor("a", {1, 1, 1, 1, 1}, 0, 0), bad,
       "tensor a: has 5 dimensions; at most 4"},
      {GgufBuilder(3, 1).tensor("a", {uint64_t(1) << 63}, 0, 0), bad,
       "tensor a: has a negative dimension"},
      {GgufBuilder(3, 1).tensor("a", {huge, 4}, 0, 0), bad,
       "the size of shape [4, 4611686018427387904] overflows"},
      {GgufBuilder(3, 1).tensor("a", {huge}, 0, 0), bad, "overflows"},
      {GgufBuilder(3, 1).tensor("a", {48, 2}, 8, 0).pad().zeros(99), bad,
       "tensor a: its rows are no multiple of 32 elements, which Q8_0 needs"},
      {GgufBuilder(3, 1).tensor("a", {}, 8, 0).pad().zeros(99), bad,
       "its rows are no multiple of 32"},
      {GgufBuilder(3, 1).tensor("a", {32}, 9, 0).pad().zeros(99), no,
       "tensor a: type 9"},
      {GgufBuilder(3, 2).tensor("a", {32}, 4, 0).tensor("b", {1}, 137, 0), no,
       "tensor b: type 137"},
      {GgufBuilder(3, 1).tensor("a", {8}, 0, 32).pad().zeros(99), bad,
       "tensor a: its data is at 32, not at 0"},
      {GgufBuilder(3, 2)
           .tensor("a", {8}, 0, 0)
           .tensor("b", {8}, 0, 0)
           .pad()
           .zeros(99),
       bad, "tensor b: its data is at 0, not at 32"},
      {GgufBuilder(3, 2)
           .tensor("a", {8}, 0, 0)
           .tensor("b", {8}, 0, 64)
           .pad()
           .zeros(99),
       bad, "tensor b: its data is at 64, not at 32"},
      {GgufBuilder(3, 1).tensor("a", {8}, 0, 0).pad().zeros(31), bad,
       "tensor a: its data ends beyond the end of the file"},
  };
  for (const Case &c : cases)
    expectFailure(readFailure(c.file.bytes), c.code, c.message);
  expectFailure(readFailure(toBytes("GGML")), bad,
                "does not begin with \"GGUF\"");
}

TEST(Gguf, HonoursAlignment) {
  auto gguf = readGguf(inMemory(GgufBuilder(3, 2, 1)
                                    .keyU32("general.alignment", 64)
                                    .tensor("a", {1}, 0, 0)
                                    .tensor("b", {1}, 0, 64)
                                    .pad(64)
                                    .zeros(68)
                                    .bytes));
  ASSERT_TRUE(bool(gguf)) << failureOf(std::move(gguf)).text;
  EXPECT_EQ(gguf->alignment, 64);
  EXPECT_EQ(gguf->tensors.find("b")->fileOffset() % 64, 0);
}

Bytes part(uint32_t number, uint32_t count, llvm::StringRef tensor) {
  return GgufBuilder(3, 1, 3)
      .keyU32("split.no", number)
      .keyU32("split.count", count)
      .keyU32("split.tensors.count", count)
      .tensor(tensor, {1}, 0, 0)
      .pad()
      .zeros(4)
      .bytes;
}

TEST(Gguf, JoinsSplitFiles) {
  TempDir dir;
  std::string first = dir.write("m-00001-of-00002.gguf", part(0, 2, "a"));
  expectFailure(failureOf(openGguf(first)), ExitCode::BadModel,
                "its part m-00002-of-00002.gguf is missing");
  std::string second = dir.write("m-00002-of-00002.gguf", part(1, 2, "b"));
  auto gguf = openGguf(first);
  ASSERT_TRUE(bool(gguf)) << failureOf(std::move(gguf)).text;
  EXPECT_EQ(gguf->tensors.size(), 2);
  expectFailure(failureOf(openGguf(second)), ExitCode::WrongUse,
                "is not the first of 2 parts; name the one that ends in "
                "-00001-of-00002.gguf");
  expectFailure(failureOf(openGguf(dir.write("other", part(0, 2, "a")))),
                ExitCode::BadModel, "its name does not end in");
  expectFailure(failureOf(openGguf(dir.write("other", part(0, 999999, "a")))),
                ExitCode::BadModel, "is not a number of parts");
  dir.write("m-00002-of-00002.gguf", part(0, 2, "b"));
  expectFailure(failureOf(openGguf(first)), ExitCode::BadModel,
                "is not part 2 of 2 of the same model");
  dir.write("m-00002-of-00002.gguf", part(1, 2, "a"));
  expectFailure(failureOf(openGguf(first)), ExitCode::BadModel,
                "tensor a: is in another part, too");
  std::string odd =
      dir.write("n-00001-of-00002.gguf", GgufBuilder(3, 0, 3)
                                             .keyU32("split.no", 0)
                                             .keyU32("split.count", 2)
                                             .keyU32("split.tensors.count", 2)
                                             .bytes);
  dir.write("n-00002-of-00002.gguf", part(1, 2, "a"));
  expectFailure(failureOf(openGguf(odd)), ExitCode::BadModel,
                "key split.tensors.count: does not match the 1 tensors");
}

} // namespace
