//===- NpzFileTest.cpp - Arrays in a zip archive --------------------------------------===//
//
// Archives are written here, stored and deflated, then damaged byte by byte: nothing but the arrays
// themselves or an error may come out.
//
//===----------------------------------------------------------------------===//

#include "compiler/Calibration/NpzFile.h"
#include "runtime/include/qcc/abi.h"
#include "test/unit/Frontends/Support.h"
#include <zlib.h>

using namespace qcc;
using namespace qcc::test;

namespace {

using Bytes = std::vector<uint8_t>;

void put(Bytes &to, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i)
    to.push_back(value >> (8 * i));
}

Bytes npy(const std::vector<float> &values) {
  std::string header = rt::npyHeader(QCC_F32, {static_cast<int64_t>(values.size())});
  Bytes bytes(header.begin(), header.end());
  auto *data = reinterpret_cast<const uint8_t *>(values.data());
  bytes.insert(bytes.end(), data, data + values.size() * 4);
  return bytes;
}

Bytes deflated(const Bytes &bytes) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  Bytes packed(bytes.size() + 64);
  stream.next_in = const_cast<uint8_t *>(bytes.data());
  stream.avail_in = bytes.size();
  stream.next_out = packed.data();
  stream.avail_out = packed.size();
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(packed.size() - stream.avail_out);
  deflateEnd(&stream);
  return packed;
}

struct Entry {
  std::string name;
  Bytes data;
  bool pack = false;
};

/// What both headers of an entry say, from "version needed" to the length of the name.
void putCommon(Bytes &to, const Entry &entry, const Bytes &packed) {
  put(to, 20, 2);
  put(to, 0, 2);
  put(to, entry.pack ? 8 : 0, 2);
  put(to, 0, 4);
  put(to, crc32_z(0, entry.data.data(), entry.data.size()), 4);
  put(to, packed.size(), 4);
  put(to, entry.data.size(), 4);
  put(to, entry.name.size(), 2);
}

Bytes zip(const std::vector<Entry> &entries) {
  Bytes file, directory;
  for (const Entry &entry : entries) {
    Bytes packed = entry.pack ? deflated(entry.data) : entry.data;
    uint64_t at = file.size();
    put(file, 0x04034b50, 4);
    putCommon(file, entry, packed);
    put(file, 0, 2);
    file.insert(file.end(), entry.name.begin(), entry.name.end());
    file.insert(file.end(), packed.begin(), packed.end());
    put(directory, 0x02014b50, 4);
    put(directory, 20, 2);
    putCommon(directory, entry, packed);
    put(directory, 0, 2 + 2 + 2 + 2 + 4);
    put(directory, at, 4);
    directory.insert(directory.end(), entry.name.begin(), entry.name.end());
  }
  uint64_t at = file.size();
  file.insert(file.end(), directory.begin(), directory.end());
  put(file, 0x06054b50, 4);
  put(file, 0, 4);
  put(file, entries.size(), 2);
  put(file, entries.size(), 2);
  put(file, directory.size(), 4);
  put(file, at, 4);
  put(file, 0, 2);
  return file;
}

llvm::Expected<NpzFile> open(Bytes bytes) {
  return NpzFile::open(MappedFile::fromMemory("in.npz", std::move(bytes)));
}

const std::vector<float> kValues = {1, -2, 3.5, 0};

TEST(NpzFile, ReadsStoredAndDeflated) {
  llvm::Expected<NpzFile> npz =
      open(zip({{"a.npy", npy(kValues)}, {"b/c.npy", npy(kValues), true}}));
  ASSERT_TRUE(bool(npz)) << failureOf(npz.takeError()).text;
  ASSERT_EQ(npz->members().size(), 2u);
  EXPECT_EQ(npz->members()[0].name, "a");
  EXPECT_EQ(npz->members()[1].name, "b/c");
  for (const NpzFile::Member &member : npz->members()) {
    rt::Array array;
    ASSERT_EQ(failureOf(npz->read(member, array)).code, ExitCode::Done);
    EXPECT_EQ(array.shape, std::vector<int64_t>{4});
    auto *values = reinterpret_cast<const float *>(array.memory.data());
    EXPECT_EQ(std::vector<float>(values, values + 4), kValues);
  }
}

TEST(NpzFile, ReadsAnEmptyArchive) {
  llvm::Expected<NpzFile> npz = open(zip({}));
  ASSERT_TRUE(bool(npz)) << failureOf(npz.takeError()).text;
  EXPECT_TRUE(npz->members().empty());
}

struct Wrong {
  const char *name;
  Bytes file;
  const char *message;
};

Bytes patched(Bytes file, int64_t at, uint8_t value) {
  file[at < 0 ? file.size() + at : at] = value;
  return file;
}

TEST(NpzFile, RefusesWhatIsNoArchive) {
  Bytes good = zip({{"a.npy", npy(kValues)}});
  const int64_t directory = -22 - 46 - 5;
  const Wrong table[] = {
      {"empty", {}, "no zip archive"},
      {"cut", Bytes(good.begin(), good.end() - 1), "no zip archive"},
      {"other files", zip({{"a.txt", npy(kValues)}}), "'a.txt', which is no .npy file"},
      {"directory outside", patched(good, -22 + 18, 0x7f), "outside"},
      {"directory too short", patched(good, -22 + 10, 2), "directory is damaged"},
      {"too many", patched(patched(good, -22 + 10, 0xff), -22 + 11, 0xff), "65534"},
      {"method", patched(good, directory + 10, 9), "packed by method 9"},
      {"encrypted", patched(good, directory + 8, 1), "encrypted"},
      {"sizes that differ", patched(good, directory + 24, 0), "sizes"},
  };
  for (const Wrong &wrong : table) {
    SCOPED_TRACE(wrong.name);
    Failure failure = failureOf(open(wrong.file));
    expectFailure(failure, ExitCode::WrongUse, wrong.message);
    expectFailure(failure, ExitCode::WrongUse, "in.npz");
  }
}

TEST(NpzFile, RefusesADeflatedBomb) {
  // The directory says 2 GiB unpacked of some hundred bytes.
  Bytes file = zip({{"a.npy", npy(kValues), true}});
  expectFailure(failureOf(open(patched(file, -22 - 46 - 5 + 27, 0x7f))), ExitCode::WrongUse,
                "sizes");
}

TEST(NpzFile, SurvivesEveryChangedByte) {
  for (bool pack : {false, true}) {
    Bytes good = zip({{"a.npy", npy(kValues), pack}});
    for (size_t at = 0; at < good.size(); ++at)
      for (uint8_t flip : {0x01, 0x80, 0xff}) {
        llvm::Expected<NpzFile> npz = open(patched(good, at, good[at] ^ flip));
        if (!npz) {
          llvm::consumeError(npz.takeError());
          continue;
        }
        for (const NpzFile::Member &member : npz->members()) {
          rt::Array array;
          if (llvm::Error error = npz->read(member, array))
            llvm::consumeError(std::move(error));
          else
            EXPECT_EQ(array.bytes, 16u);
        }
      }
  }
}

} // namespace
