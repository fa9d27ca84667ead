//===- CalibrationJournal.h - What an interrupted calibration has found --------------------===//
//
// A file beside the output to which every finished step is appended, so that the same command goes
// on after the last of them. It begins with a key: a hash of all that its contents follow from. Its
// format is private to one build of qcc (which is part of the key), and it is read as distrustfully
// as a model.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_CALIBRATION_CALIBRATIONJOURNAL_H
#define QCC_COMPILER_CALIBRATION_CALIBRATIONJOURNAL_H

#include "compiler/Calibration/CalibrationKey.h"
#include "compiler/Calibration/StepRecord.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include <functional>
#include <map>
#include <memory>

namespace qcc {

/// Layout: magic, key; then records of size (8 bytes), XXH3 of the payload (8), payload, whose
/// first byte is its kind. Records are losses of matrices, then the key of the steps, then steps in
/// their order, then what tells of the states after the last step. Those follow, and the next step
/// overwrites them: they save time, but nothing is lost without them.
class CalibrationJournal {
public:
  /// What the user should know; called by all functions below.
  using Warn = std::function<void(const llvm::Twine &)>;

  /// Reads what is in `path`, which need not exist; it is written when there is a first record. A
  /// journal of another key, or any unless `resume`, counts as empty and is replaced then. A record
  /// that is damaged is dropped with all that follow. Fails (WrongUse) when the file is no journal.
  static llvm::Expected<std::unique_ptr<CalibrationJournal>>
  open(llvm::StringRef path, const CalibrationKey &key, bool resume, Warn warn);
  ~CalibrationJournal();
  CalibrationJournal(const CalibrationJournal &) = delete;
  CalibrationJournal &operator=(const CalibrationJournal &) = delete;

  const std::string &path() const { return name; }
  /// Whether anything would be lost with the file.
  bool hasRecords() const { return ours && end > kHeader; }
  /// Deletes the file, unless it is of another compilation.
  void remove();

  /// Losses that Sensitivity measured, by the name it gave them; null when it has not yet.
  const std::vector<double> *losses(llvm::StringRef name) const;
  void addLosses(llvm::StringRef name, llvm::ArrayRef<double> losses);

  /// Before steps are read or added: `key` says what they follow from besides the file's key. Steps
  /// of another key count as absent, and are replaced by the next one.
  void useSteps(const CalibrationKey &key);
  /// How many steps there are, and which.
  int64_t steps() const { return static_cast<int64_t>(places.size()); }
  bool hasStep(int64_t step) const { return places.count(step); }
  /// A step that is there. Fails (BadModel) when its record makes no sense.
  llvm::Expected<StepRecord> readStep(int64_t step) const;
  /// Appends a step, later than those there are, and returns when it is on the disk. A file that
  /// cannot be written is given up with a warning: the compilation goes on. `states` are kept as
  /// long as no other step follows.
  void addStep(const StepRecord &record, llvm::ArrayRef<llvm::ArrayRef<float>> states = {});

  /// The states that were kept with the last step. False when there are none, or not of these
  /// sizes, or when they are damaged; then `states` are unspecified.
  bool readStates(llvm::ArrayRef<llvm::MutableArrayRef<float>> states) const;

private:
  static constexpr uint64_t kHeader = 8 + 32, kFrame = 16;
  struct Place {
    uint64_t offset, size; ///< of the payload
  };

  CalibrationJournal(llvm::StringRef path, const CalibrationKey &key, Warn warn)
      : name(path), key(key), warn(std::move(warn)) {}
  llvm::Error openExisting(bool resume);
  llvm::Error load(uint64_t fileSize);
  bool accept(llvm::ArrayRef<uint8_t> payload, Place place);
  bool acceptStates(llvm::ArrayRef<uint8_t> payload, uint64_t fileSize);
  llvm::Error read(uint64_t offset, llvm::MutableArrayRef<uint8_t> bytes) const;
  std::error_code begin();
  std::error_code write(llvm::StringRef bytes);
  std::error_code put(uint64_t offset, llvm::ArrayRef<llvm::StringRef> parts);
  void writeStates(llvm::ArrayRef<llvm::ArrayRef<float>> states);
  void append(llvm::StringRef payload);
  void giveUp(std::error_code why);

  std::string name;
  CalibrationKey key;
  Warn warn;
  int fd = -1;
  bool ours = false;   ///< the file has our key
  bool broken = false; ///< nothing more is written
  uint64_t end = 0;    ///< of the last good record
  llvm::StringMap<std::vector<double>> measured;
  std::optional<CalibrationKey> stepKey;
  uint64_t stepStart = 0; ///< of the record with stepKey
  bool stepKeyWritten = false;
  std::map<int64_t, Place> places; ///< of steps
  /// Arrays at the end of the file, and the hash of each.
  struct State {
    Place place;
    uint64_t hash;
  };
  std::vector<State> states;
};

} // namespace qcc

#endif // QCC_COMPILER_CALIBRATION_CALIBRATIONJOURNAL_H
