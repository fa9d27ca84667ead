//===- CalibrationJournalTest.cpp - What an interrupted calibration has found ----------------===//
//
// What was appended is read again; what a crash left, what is damaged and what belongs to something
// else is not taken for it.
//
//===----------------------------------------------------------------------===//

#include "compiler/Calibration/CalibrationJournal.h"
#include "test/unit/Frontends/Support.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/xxhash.h"

using namespace qcc;
using namespace qcc::test;

namespace {

constexpr uint64_t kHeader = 40, kFrame = 16;
/// Sizes of the records that fill() writes.
constexpr uint64_t kLossesRecord = kFrame + 1 + 4 + 1 + 4 + 2 * 8, kKeyRecord = kFrame + 1 + 32;

CalibrationKey keyOf(uint8_t value) {
  CalibrationKey key;
  key.fill(value);
  return key;
}

SourceTensor tensorOf(std::string name, std::vector<float> values) {
  SourceTensor tensor;
  auto memory = std::make_shared<std::vector<float>>(std::move(values));
  tensor.name = std::move(name);
  tensor.shape = {static_cast<int64_t>(memory->size())};
  tensor.bytes = {reinterpret_cast<const uint8_t *>(memory->data()), memory->size() * 4};
  tensor.memory = memory;
  return tensor;
}

StepRecord stepOf(int64_t number) {
  StepRecord step;
  step.step = number;
  step.folds = {{"layer.norm", {1.5f, 0.25f, 3}}, {"layer.empty", {}}};
  step.tensors = {tensorOf("calibration:w:input_scale", {0.5f, 2})};
  step.rows = {{"layer.q", number, 16, 2, {{1, 2, 3}, {4, 5}}}, {"layer.k", number, 0, 1, {}}};
  step.tokens = 512;
  step.mostChannels = 64;
  step.deadChannels = 3;
  step.firstDead = "layer 1, @layer.norm";
  step.hidden = 0.5;
  step.errors = {{"w", 0.125}};
  return step;
}

std::string bytesOf(const StepRecord &step) {
  std::string bytes;
  llvm::raw_string_ostream os(bytes);
  writeStep(step, os);
  return bytes;
}

class CalibrationJournals : public testing::Test {
protected:
  std::unique_ptr<CalibrationJournal> open(uint8_t key = 1, bool resume = true) {
    warnings.clear();
    llvm::Expected<std::unique_ptr<CalibrationJournal>> journal =
        CalibrationJournal::open(path, keyOf(key), resume, [this](const llvm::Twine &message) {
          warnings += message.str() + "\n";
        });
    if (journal)
      return std::move(*journal);
    ADD_FAILURE() << failureOf(journal.takeError()).text;
    return nullptr;
  }

  /// Losses of matrix "q", and two steps.
  Bytes fill() {
    auto journal = open();
    journal->addLosses("q", {0.5, 1e-9});
    journal->useSteps(keyOf(7));
    journal->addStep(stepOf(0));
    journal->addStep(stepOf(1));
    EXPECT_EQ(warnings, "");
    return readBytes(path);
  }

  void expectStep(const CalibrationJournal &journal, int64_t number) {
    llvm::Expected<StepRecord> step = journal.readStep(number);
    ASSERT_TRUE(bool(step)) << failureOf(step.takeError()).text;
    EXPECT_EQ(bytesOf(*step), bytesOf(stepOf(number)));
  }

  TempDir directory;
  std::string path = directory.path("out.calibration"), warnings;
};

TEST_F(CalibrationJournals, AreReadAgain) {
  fill();
  auto journal = open();
  EXPECT_EQ(warnings, "");
  EXPECT_TRUE(journal->hasRecords());
  ASSERT_TRUE(journal->losses("q"));
  EXPECT_EQ(*journal->losses("q"), (std::vector<double>{0.5, 1e-9}));
  EXPECT_FALSE(journal->losses("k"));
  journal->useSteps(keyOf(7));
  ASSERT_EQ(journal->steps(), 2);
  EXPECT_FALSE(journal->hasStep(2));
  expectStep(*journal, 1);
  expectStep(*journal, 0);
  journal->addStep(stepOf(2));
  journal = open();
  EXPECT_EQ(journal->steps(), 3);
  expectStep(*journal, 2);
  EXPECT_EQ(warnings, "");
  journal->remove();
  EXPECT_FALSE(llvm::sys::fs::exists(path));
}

/// There is no file before there is something to keep.
TEST_F(CalibrationJournals, AreWrittenWithTheFirstRecord) {
  auto journal = open();
  journal->useSteps(keyOf(7));
  EXPECT_FALSE(journal->hasRecords());
  EXPECT_FALSE(llvm::sys::fs::exists(path));
  journal->addStep(stepOf(0));
  EXPECT_TRUE(llvm::sys::fs::exists(path));
}

TEST_F(CalibrationJournals, DropAnIncompleteRecord) {
  Bytes whole = fill();
  uint64_t size = kFrame + 1 + bytesOf(stepOf(1)).size();
  ASSERT_EQ(whole.size(), kHeader + kLossesRecord + kKeyRecord + 2 * size);
  for (uint64_t cut = 1; cut < size; ++cut) {
    directory.write("out.calibration", Bytes(whole.begin(), whole.end() - cut));
    auto journal = open();
    EXPECT_NE(warnings.find("incomplete from byte " + std::to_string(whole.size() - size)),
              std::string::npos)
        << cut << warnings;
    journal->useSteps(keyOf(7));
    ASSERT_EQ(journal->steps(), 1) << cut;
    journal->addStep(stepOf(1));
    ASSERT_EQ(readBytes(path), whole) << cut;
  }
}

/// Cut anywhere, there is never more than what was whole, and never a failure.
TEST_F(CalibrationJournals, MayEndAnywhere) {
  Bytes whole = fill();
  for (uint64_t size = 0; size < whole.size(); ++size) {
    directory.write("out.calibration", Bytes(whole.begin(), whole.begin() + size));
    auto journal = open();
    ASSERT_TRUE(journal) << size;
    EXPECT_EQ(journal->losses("q") != nullptr, size >= kHeader + kLossesRecord) << size;
    EXPECT_LT(journal->steps(), 2) << size;
  }
}

TEST_F(CalibrationJournals, DropADamagedRecord) {
  Bytes whole = fill();
  for (uint64_t at = kHeader + kLossesRecord + kKeyRecord; at < whole.size(); ++at)
    for (uint8_t change : {0x01, 0x80}) {
      Bytes damaged = whole;
      damaged[at] ^= change;
      directory.write("out.calibration", damaged);
      EXPECT_LT(open()->steps(), 2) << at;
      EXPECT_NE(warnings.find("incomplete"), std::string::npos) << at;
    }
}

/// They are there as long as they are of the last step, and whole.
TEST_F(CalibrationJournals, KeepStatesOfTheLastStep) {
  std::vector<float> a{1, 2, 3}, b, c{4}, readA(3), readB, readC(1);
  std::vector<llvm::ArrayRef<float>> states{a, b, c};
  std::vector<llvm::MutableArrayRef<float>> into{readA, readB, readC};
  uint64_t plain = fill().size();
  EXPECT_FALSE(open()->readStates(into));
  auto journal = open();
  journal->addStep(stepOf(2), states);
  journal = open();
  EXPECT_EQ(warnings, "");
  EXPECT_EQ(journal->steps(), 3);
  ASSERT_TRUE(journal->readStates(into));
  EXPECT_EQ(readA, a);
  EXPECT_EQ(readC, c);
  EXPECT_FALSE(journal->readStates({into[0], into[1]}));
  EXPECT_FALSE(journal->readStates({into[0], into[2], into[1]}));

  Bytes whole = readBytes(path);
  for (size_t at = plain + kFrame + 1 + bytesOf(stepOf(2)).size(); at < whole.size(); ++at) {
    Bytes damaged = whole;
    damaged[at] ^= 1;
    directory.write("out.calibration", damaged);
    journal = open();
    EXPECT_EQ(journal->steps(), 3) << at;
    EXPECT_FALSE(journal->readStates(into)) << at;
    directory.write("out.calibration", Bytes(whole.begin(), whole.begin() + at));
    journal = open();
    EXPECT_EQ(journal->steps(), 3) << at;
    EXPECT_FALSE(journal->readStates(into)) << at;
  }
  directory.write("out.calibration", whole);
  journal = open();
  journal->addStep(stepOf(3));
  EXPECT_FALSE(journal->readStates(into));
  journal = open();
  EXPECT_EQ(warnings, "");
  EXPECT_EQ(journal->steps(), 4);
  EXPECT_FALSE(journal->readStates(into));
  expectStep(*journal, 3);
}

TEST_F(CalibrationJournals, OfAnotherKeyAreReplaced) {
  Bytes whole = fill();
  auto journal = open(/*key=*/2);
  EXPECT_NE(warnings.find("is of another compilation"), std::string::npos) << warnings;
  EXPECT_FALSE(journal->losses("q"));
  journal->useSteps(keyOf(7));
  EXPECT_EQ(journal->steps(), 0);
  // What is not replaced yet is not ours to delete.
  journal->remove();
  EXPECT_EQ(readBytes(path), whole);
  journal = open(/*key=*/2);
  journal->useSteps(keyOf(7));
  journal->addStep(stepOf(0));
  journal = open(/*key=*/2);
  EXPECT_EQ(journal->steps(), 1);
  EXPECT_EQ(warnings, "");
}

TEST_F(CalibrationJournals, ThatAreNotWantedAreReplaced) {
  fill();
  auto journal = open(1, /*resume=*/false);
  EXPECT_EQ(warnings, "");
  EXPECT_FALSE(journal->losses("q"));
  journal->addLosses("k", {2});
  journal = open();
  EXPECT_FALSE(journal->losses("q"));
  EXPECT_TRUE(journal->losses("k"));
}

/// Losses stay when steps turn out to be of other weights.
TEST_F(CalibrationJournals, DropStepsOfOtherWeights) {
  fill();
  auto journal = open();
  journal->useSteps(keyOf(8));
  EXPECT_NE(warnings.find("other weights"), std::string::npos) << warnings;
  EXPECT_EQ(journal->steps(), 0);
  journal->addStep(stepOf(0));
  journal = open();
  EXPECT_TRUE(journal->losses("q"));
  journal->useSteps(keyOf(8));
  EXPECT_EQ(journal->steps(), 1);
  EXPECT_EQ(warnings, "");
}

TEST_F(CalibrationJournals, AreNotWhatElseHasTheName) {
  for (std::string text : {"notes on calibration", "qcc", "qcc-cal0 and more"}) {
    directory.write("out.calibration", text);
    auto refused = CalibrationJournal::open(path, keyOf(1), true, [](const llvm::Twine &) {});
    if (text == "qcc") { // what a crash may leave of the first bytes
      EXPECT_TRUE(bool(refused));
      continue;
    }
    expectFailure(failureOf(std::move(refused)), ExitCode::WrongUse, "not a calibration journal");
    EXPECT_EQ(readBytes(path), toBytes(text));
  }
  path = directory.path();
  auto refused = CalibrationJournal::open(path, keyOf(1), true, [](const llvm::Twine &) {});
  expectFailure(failureOf(std::move(refused)), ExitCode::WrongUse, "is no file");
}

TEST_F(CalibrationJournals, ThatCannotBeWrittenAreGivenUp) {
  path = directory.path("absent/out.calibration");
  auto journal = open();
  journal->useSteps(keyOf(7));
  journal->addStep(stepOf(0));
  EXPECT_NE(warnings.find("cannot be resumed"), std::string::npos) << warnings;
  warnings.clear();
  journal->addStep(stepOf(1));
  EXPECT_EQ(warnings, "");
}

/// A record whose checksum is right and whose contents are not.
TEST_F(CalibrationJournals, RefuseForgedRecords) {
  std::string step(1, '\2');
  step += bytesOf(stepOf(1));
  step.resize(step.size() - 3);
  Bytes forged = fill();
  forged.resize(forged.size() - kFrame - 1 - bytesOf(stepOf(1)).size());
  for (uint64_t number : {uint64_t(step.size()), llvm::xxh3_64bits(step)})
    for (int i = 0; i < 8; ++i)
      forged.push_back(number >> (8 * i));
  forged.insert(forged.end(), step.begin(), step.end());
  directory.write("out.calibration", forged);
  auto journal = open();
  ASSERT_EQ(journal->steps(), 2);
  expectFailure(failureOf(journal->readStep(1)), ExitCode::BadModel, "-resume=false");
}

TEST(StepRecords, OfAnyBytesAreRefusedOrRead) {
  std::string whole = bytesOf(stepOf(3));
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parseStep(llvm::arrayRefFromStringRef(whole).take_front(size))) << size;
  EXPECT_FALSE(parseStep(llvm::arrayRefFromStringRef(whole + '\0')));
  // Lengths and counts that are huge or negative among them.
  for (size_t at = 0; at + 8 <= whole.size(); ++at)
    for (int64_t value : {int64_t(-1), INT64_MAX, int64_t(1) << 32, int64_t(0), int64_t(200)}) {
      std::string changed = whole;
      for (int i = 0; i < 8; ++i)
        changed[at + i] = static_cast<char>(static_cast<uint64_t>(value) >> (8 * i));
      std::optional<StepRecord> step = parseStep(llvm::arrayRefFromStringRef(changed));
      for (const SourceTensor &tensor : step ? step->tensors : std::vector<SourceTensor>())
        EXPECT_EQ(numBytes(tensor.dtype, tensor.shape), tensor.bytes.size());
    }
}

} // namespace
