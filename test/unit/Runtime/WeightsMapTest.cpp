//===- WeightsMapTest.cpp
//--------------------------------------------------===//
#include "runtime/src/WeightsMap.h"
#include "TempFile.h"

#include <cstring>

using namespace qcc::rt;

namespace {
/// An artifact: program, weights, tokenizer, template, trailer.
struct Image {
  std::string bytes = std::string(100, 'P');
  QccTrailer trailer;

  Image() {
    memset(&trailer, 0, sizeof trailer);
    bytes.resize(QCC_SECTION_ALIGN);
    trailer.weights_offset = bytes.size();
    trailer.weights_size = 1000;
    bytes += std::string(1000, 'W');
    bytes.resize((bytes.size() + 63) / 64 * 64);
    trailer.tokenizer_offset = bytes.size();
    trailer.tokenizer_size = 10;
    bytes += std::string(10, 'T');
    bytes.resize((bytes.size() + 63) / 64 * 64);
    trailer.template_offset = bytes.size();
    trailer.template_size = 3;
    bytes += "abc";
    bytes.resize((bytes.size() + 63) / 64 * 64);
    trailer.report_offset = bytes.size();
    trailer.report_size = 7;
    bytes += "bpw: 4\n";
    bytes.resize((bytes.size() + 63) / 64 * 64);
    trailer.file_size = bytes.size() + sizeof trailer;
    memcpy(trailer.magic, QCC_TRAILER_MAGIC, 8);
  }
  std::string file() const {
    return bytes + std::string(reinterpret_cast<const char *>(&trailer), sizeof trailer);
  }
};
} // namespace

static QccModel modelOf(int64_t weightBytes) {
  QccModel model;
  memset(&model, 0, sizeof model);
  model.name = "test";
  model.weight_bytes = weightBytes;
  return model;
}

TEST(WeightsMap, MapsSections) {
  TempDir dir;
  WeightsMap map;
  Status status = map.openFile(modelOf(1000), dir.write("a", Image().file()));
  ASSERT_FALSE(status.failed()) << status.message;
  ASSERT_EQ(map.weights.size, 1000u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(map.weights.data) % 4096, 0u);
  EXPECT_EQ(map.weights.data[999], 'W');
  EXPECT_EQ(std::string(reinterpret_cast<const char *>(map.tokenizer.data), map.tokenizer.size),
            "TTTTTTTTTT");
  EXPECT_EQ(
      std::string(reinterpret_cast<const char *>(map.chatTemplate.data), map.chatTemplate.size),
      "abc");
  EXPECT_EQ(std::string(reinterpret_cast<const char *>(map.report.data), map.report.size),
            "bpw: 4\n");
}

TEST(WeightsMap, MissingSectionsAreEmpty) {
  TempDir dir;
  Image image;
  image.trailer.tokenizer_size = image.trailer.template_size = image.trailer.report_size = 0;
  image.trailer.tokenizer_offset = ~uint64_t(0);
  WeightsMap map;
  ASSERT_FALSE(map.openFile(modelOf(1000), dir.write("a", image.file())).failed());
  EXPECT_EQ(map.tokenizer.data, nullptr);
  EXPECT_EQ(map.chatTemplate.size, 0u);
  EXPECT_EQ(map.report.size, 0u);
}

TEST(WeightsMap, SaysWhatIsDamaged) {
  struct {
    void (*change)(Image &);
    const char *part;
  } const cases[] = {
      {[](Image &i) { i.trailer.magic[0] = 'x'; }, "is incomplete"},
      {[](Image &i) { i.bytes.insert(0, 64, 'x'); }, "was written with"},
      {[](Image &i) { i.trailer.weights_offset += 4096; }, "its weights"},
      {[](Image &i) { i.trailer.weights_size = ~uint64_t(0); }, "its weights"},
      {[](Image &i) { i.trailer.weights_offset = ~uint64_t(0) << 16; }, "its weights"},
      {[](Image &i) { i.trailer.tokenizer_offset += 1; }, "its tokenizer"},
      {[](Image &i) { i.trailer.tokenizer_size = 1 << 30; }, "its tokenizer"},
      {[](Image &i) { i.trailer.template_size = 1 << 30; }, "its chat template"},
      {[](Image &i) { i.trailer.report_offset = ~uint64_t(0); }, "its report"},
      {[](Image &i) { i.trailer.weights_size -= 1; },
       "holds 999 bytes of weights, and 1000 are needed"},
  };
  TempDir dir;
  for (const auto &c : cases) {
    Image image;
    c.change(image);
    WeightsMap map;
    expectFailure(map.openFile(modelOf(1000), dir.write("a", image.file())), kBadFile, c.part);
  }
}

TEST(WeightsMap, EveryTruncationIsRecognized) {
  TempDir dir;
  std::string whole = Image().file();
  for (size_t size : {size_t(0), size_t(1), sizeof(QccTrailer) - 1, sizeof(QccTrailer),
                      whole.size() / 2, whole.size() - 64, whole.size() - 1}) {
    WeightsMap map;
    expectFailure(map.openFile(modelOf(1000), dir.write("a", whole.substr(0, size))), kBadFile,
                  "is incomplete");
  }
}

TEST(WeightsMap, EmbeddedWeightsNeedNoTrailer) {
  static const uint8_t bytes[4] = {1, 2, 3, 4};
  QccModel model = modelOf(4);
  model.weights = bytes;
  WeightsMap map;
  ASSERT_FALSE(map.openProgram(model).failed());
  EXPECT_EQ(map.weights.data, bytes);
  WeightsMap library;
  ASSERT_FALSE(library.openLibrary(model, reinterpret_cast<const void *>(&modelOf)).failed());
  EXPECT_EQ(library.weights.size, 4u);
}

TEST(WeightsMap, ProgramWithoutWeightsIsIncomplete) {
  WeightsMap map;
  expectFailure(map.openProgram(modelOf(4)), kBadFile, "is incomplete");
  WeightsMap nowhere;
  int onStack = 0;
  expectFailure(nowhere.openLibrary(modelOf(4), &onStack), kBadFile, "cannot tell from which file");
}
