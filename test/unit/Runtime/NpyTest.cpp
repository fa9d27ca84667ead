//===- NpyTest.cpp
//---------------------------------------------------------===//
#include "runtime/src/Npy.h"
#include "TempFile.h"
#include "runtime/include/qcc/abi.h"

#include <cstring>

using namespace qcc::rt;

/// A version 1 file with this dictionary and data.
static std::string npy(const std::string &dictionary, const std::string &data, char version = 1) {
  std::string out = std::string("\x93NUMPY") + version + '\0';
  size_t size = dictionary.size();
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i, size >>= 8)
    out += static_cast<char>(size & 255);
  return out + dictionary + data;
}

TEST(Npy, WritesAndReadsBack) {
  struct {
    int32_t type;
    std::vector<int64_t> shape;
  } const cases[] = {{QCC_F32, {2, 3}}, {QCC_F16, {5}},   {QCC_I64, {}},   {QCC_I32, {1}},
                     {QCC_I8, {2, 0}},  {QCC_U8, {7, 1}}, {QCC_BOOL, {3}}, {QCC_F64, {1, 2, 3}}};
  TempDir dir;
  for (const auto &c : cases) {
    uint64_t bytes = 0;
    ASSERT_TRUE(arrayBytes(c.type, c.shape, bytes));
    std::string data;
    for (uint64_t i = 0; i < bytes; ++i)
      data += static_cast<char>(i * 7);
    ASSERT_FALSE(writeNpy(dir.file("a"), c.type, c.shape, data.data()).failed());
    EXPECT_EQ((slurp(dir.file("a")).size() - bytes) % 64, 0u);
    Array array;
    Status status = readNpy(dir.file("a"), array);
    ASSERT_FALSE(status.failed()) << status.message;
    EXPECT_EQ(array.type, c.type);
    EXPECT_EQ(array.shape, c.shape);
    ASSERT_EQ(array.bytes, bytes);
    EXPECT_EQ(memcmp(array.memory.data(), data.data(), bytes), 0);
  }
}

TEST(Npy, HeaderIsThatOfNumpy) {
  // numpy.save of zeros((2, 3), float32).
  std::string want = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  EXPECT_EQ(npyHeader(QCC_F32, {2, 3}).substr(10, want.size()), want);
  EXPECT_NE(npyHeader(QCC_F32, {4}).find("'shape': (4,), }"), std::string::npos);
  EXPECT_NE(npyHeader(QCC_F32, {}).find("'shape': (), }"), std::string::npos);
  EXPECT_EQ(npyHeader(QCC_F32, {2, 3}).size(), 128u);
}

TEST(Npy, ReadsOtherForms) {
  TempDir dir;
  Array array;
  std::string four(4, '\0');
  for (std::string dictionary : {"{\"shape\":(1,),\"descr\":\"<i4\",\"fortran_order\":False}",
                                 "{'descr': '=f4', 'fortran_order': True, 'shape': (1,), }  \n",
                                 "{'descr': '<u1', 'fortran_order': False, 'shape': (2, 2), }"}) {
    Status status = readNpy(dir.write("a", npy(dictionary, four)), array);
    EXPECT_FALSE(status.failed()) << dictionary << status.message;
  }
  EXPECT_FALSE(readNpy(dir.write("a", npy("{'descr': '<f4', 'fortran_order': False, "
                                          "'shape': (1,)}",
                                          four, 2)),
                       array)
                   .failed());
}

TEST(Npy, RefusesWhatItCannotRead) {
  const char *good = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }";
  std::string four(4, '\0');
  struct {
    std::string bytes, part;
  } const cases[] = {
      {"", "is no .npy file"},
      {"not numpy at all", "is no .npy file"},
      {npy(good, four, 9), "version 9 of .npy is not known"},
      {npy(good, four).substr(0, 20), "is cut short inside its header"},
      {npy(good, ""), "header says float32 [1], but 0 bytes follow it"},
      {npy(good, four + "x"), "but 5 bytes follow it"},
      {npy("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", four),
       "elements of type '<c8' are not supported"},
      {npy("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", four),
       "elements of type '>f4' are not supported"},
      {npy("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1), }", four),
       "is in Fortran order"},
      {npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}", four),
       "not that of one plain array"},
      {npy("{'descr': '<f4', 'shape': (1,), }", four), "not that of one plain"},
      {npy("{'descr': '<f4', 'descr': '<f4', 'shape': (1,), }", four), "not that of one plain"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", four),
       "not that of one plain"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': "
           "(99999999999999999999,), }",
           four),
       "not that of one plain"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': "
           "(4611686018427387904,"
           " 4611686018427387904), }",
           four),
       "but 4 bytes follow it"},
      {npy("{'descr': '<f4", four), "not that of one plain"},
  };
  TempDir dir;
  for (const auto &c : cases) {
    Array array;
    expectFailure(readNpy(dir.write("a", c.bytes), array), kWrongUse, c.part);
  }
  Array array;
  expectFailure(readNpy(dir.file("absent"), array), kWrongUse, "cannot open");
  expectFailure(readNpy(dir.path, array), kWrongUse, "not a regular file");
}

TEST(Npy, EveryPrefixAndFlipIsSafe) {
  TempDir dir;
  std::string good = npyHeader(QCC_F32, {2}) + std::string(8, 'x');
  for (size_t i = 0; i < good.size(); ++i) {
    Array array;
    EXPECT_TRUE(readNpy(dir.write("a", good.substr(0, i)), array).failed());
    std::string flipped = good;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x55);
    (void)readNpy(dir.write("a", flipped), array).failed();
  }
}
