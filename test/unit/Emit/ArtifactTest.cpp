//===- ArtifactTest.cpp
//----------------------------------------------------===//
#include "compiler/Emit/Artifact.h"
#include "EmitTesting.h"
#include "runtime/include/qcc/abi.h"

#include "llvm/ADT/StringExtras.h"

#include <csignal>
#include <cstring>
#include <sys/resource.h>

using namespace qcc;
using namespace llvm;

static QccTrailer trailerOf(const std::string &bytes) {
  QccTrailer trailer;
  EXPECT_GE(bytes.size(), sizeof trailer);
  memcpy(&trailer, bytes.data() + bytes.size() - sizeof trailer, sizeof trailer);
  return trailer;
}

TEST(Artifact, HoldsItsSections) {
  TempDir dir;
  std::string program = dir.write("linked", std::string(70000, 'P'));
  auto writer = cantFail(ArtifactWriter::create(dir.file("out")));
  ASSERT_FALSE(bool(writer->setProgram(program)));
  ASSERT_FALSE(bool(writer->beginWeights(1000)));
  std::vector<uint8_t> a(600, 'a'), b(400, 'b');
  ASSERT_FALSE(bool(writer->writeWeights(600, b)));
  ASSERT_FALSE(bool(writer->appendWeights(ArrayRef(a).take_front(100))));
  ASSERT_FALSE(bool(writer->appendWeights(ArrayRef(a).drop_front(100))));
  ASSERT_FALSE(bool(writer->setTokenizer(arrayRefFromStringRef("tok"))));
  ASSERT_FALSE(bool(writer->setChatTemplate("{{x}}")));
  ASSERT_FALSE(bool(writer->setReport("bpw: 4\n")));
  EXPECT_FALSE(std::filesystem::exists(dir.file("out")));
  ASSERT_FALSE(bool(writer->commit()));
  EXPECT_EQ(dir.count(), 2u); // no temporary file is left

  std::string bytes = dir.read("out");
  QccTrailer trailer = trailerOf(bytes);
  EXPECT_EQ(memcmp(trailer.magic, QCC_TRAILER_MAGIC, 8), 0);
  EXPECT_EQ(trailer.file_size, bytes.size());
  EXPECT_EQ(writer->size(), bytes.size());
  EXPECT_EQ(writer->overheadBytes(), bytes.size() - 1000);
  EXPECT_EQ(trailer.weights_offset, 2u * QCC_SECTION_ALIGN);
  EXPECT_EQ(bytes.substr(trailer.weights_offset, 1000),
            std::string(600, 'a') + std::string(400, 'b'));
  EXPECT_EQ(trailer.tokenizer_offset % 64, 0u);
  EXPECT_EQ(bytes.substr(trailer.tokenizer_offset, trailer.tokenizer_size), "tok");
  EXPECT_EQ(bytes.substr(trailer.template_offset, trailer.template_size), "{{x}}");
  EXPECT_EQ(bytes.substr(trailer.report_offset, trailer.report_size), "bpw: 4\n");
  auto mode = std::filesystem::status(dir.file("out")).permissions();
  EXPECT_NE(mode & std::filesystem::perms::owner_exec, std::filesystem::perms::none);
}

TEST(Artifact, WeightsAloneAreNoProgram) {
  TempDir dir;
  auto writer = cantFail(ArtifactWriter::create(dir.file("out")));
  ASSERT_FALSE(bool(writer->beginWeights(0)));
  ASSERT_FALSE(bool(writer->commit()));
  EXPECT_EQ(trailerOf(dir.read("out")).weights_size, 0u);
  auto mode = std::filesystem::status(dir.file("out")).permissions();
  EXPECT_EQ(mode & std::filesystem::perms::owner_exec, std::filesystem::perms::none);
}

TEST(Artifact, ReplacesOnlyWhenWhole) {
  TempDir dir;
  dir.write("out", "old");
  {
    auto writer = cantFail(ArtifactWriter::create(dir.file("out")));
    ASSERT_FALSE(bool(writer->beginWeights(10)));
  }
  EXPECT_EQ(dir.read("out"), "old");
  EXPECT_EQ(dir.count(), 1u);
}

TEST(Artifact, SaysWhatIsWrong) {
  TempDir dir;
  expectError(ArtifactWriter::create(dir.file("no/such/place")), ExitCode::WrongUse,
              "check the place given with -o");
  auto writer = cantFail(ArtifactWriter::create(dir.file("out")));
  expectError(writer->setProgram(dir.file("absent")), ExitCode::Internal,
              "cannot read the linked program");
  expectError(writer->beginWeights(~uint64_t(0)), ExitCode::DoesNotFit,
              "larger than a file can be");
  auto good = cantFail(ArtifactWriter::create(dir.file("out")));
  ASSERT_FALSE(bool(good->beginWeights(10)));
  std::vector<uint8_t> five(5);
  expectError(good->writeWeights(6, five), ExitCode::Internal, "lie outside the 10 bytes planned");
  expectError(good->writeWeights(~uint64_t(0), five), ExitCode::Internal, "lie outside");
}

TEST(Artifact, FullDiskEndsWithFour) {
  TempDir dir;
  // A limit on the size of files stands for a full disk.
  struct rlimit before, small;
  getrlimit(RLIMIT_FSIZE, &before);
  small = before;
  small.rlim_cur = 1 << 20;
  auto handler = signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  {
    auto writer = cantFail(ArtifactWriter::create(dir.file("out")));
    expectError(writer->beginWeights(4 << 20), ExitCode::DoesNotFit,
                "free some space, or write elsewhere with -o");
  }
  Error error = writeFileAtomically(dir.file("x"), std::string(4 << 20, 'x'));
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, handler);
  expectError(std::move(error), ExitCode::DoesNotFit, "cannot write");
  EXPECT_EQ(dir.count(), 0u);
}

TEST(Artifact, SmallFilesAreWhole) {
  TempDir dir;
  ASSERT_FALSE(bool(writeFileAtomically(dir.file("a"), "text")));
  EXPECT_EQ(dir.read("a"), "text");
  expectError(writeFileAtomically(dir.file("no/a"), "text"), ExitCode::WrongUse, "cannot write");
  EXPECT_EQ(dir.count(), 1u);
}
