//===- CalibrationJournal.cpp - What an interrupted calibration has found ------------------===//

#include "compiler/Calibration/CalibrationJournal.h"
#include "compiler/Emit/EmitError.h"
#include "frontends/Common/Error.h"
#include "llvm/Support/DataExtractor.h"
#include "llvm/Support/EndianStream.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/xxhash.h"
#include <unistd.h>

using namespace llvm;

namespace qcc {
namespace {

constexpr StringRef kMagic = "qcc-cal1";
/// The first byte of a record.
enum Kind : uint8_t { kLosses, kStepKey, kStep, kStates };

StringRef text(ArrayRef<uint8_t> bytes) { return toStringRef(bytes); }

/// A record of a kind, whose contents `write` appends.
std::string payload(Kind kind, function_ref<void(raw_ostream &)> write) {
  std::string bytes(1, static_cast<char>(kind));
  raw_string_ostream os(bytes);
  write(os);
  return bytes;
}

/// A payload with its size and hash in front.
std::string framed(StringRef payload) {
  std::string bytes;
  raw_string_ostream os(bytes);
  support::endian::Writer writer(os, endianness::little);
  writer.write<uint64_t>(payload.size());
  writer.write<uint64_t>(xxh3_64bits(payload));
  os << payload;
  return bytes;
}

} // namespace

Expected<std::unique_ptr<CalibrationJournal>>
CalibrationJournal::open(StringRef path, const CalibrationKey &key, bool resume, Warn warn) {
  std::unique_ptr<CalibrationJournal> journal(new CalibrationJournal(path, key, std::move(warn)));
  if (Error error = journal->openExisting(resume))
    return std::move(error);
  return journal;
}

CalibrationJournal::~CalibrationJournal() {
  if (fd >= 0)
    close(fd);
}

Error CalibrationJournal::openExisting(bool resume) {
  sys::fs::file_status status;
  std::error_code code = sys::fs::status(name, status);
  if (code == std::errc::no_such_file_or_directory)
    return Error::success();
  auto unusable = [&](const Twine &what) {
    return wrongUse(name, what + "; qcc keeps what calibration has found there: move it away, or "
                                 "write elsewhere with -o");
  };
  if (code)
    return unusable(code.message());
  if (status.type() != sys::fs::file_type::regular_file)
    return unusable("is no file");
  if (std::error_code why =
          sys::fs::openFile(name, fd, sys::fs::CD_OpenExisting,
                            sys::fs::FA_Read | sys::fs::FA_Write, sys::fs::OF_None))
    return unusable(why.message());
  if (sys::fs::tryLockFile(fd)) {
    warn(name + " is in use by another compilation; this one cannot be resumed");
    broken = true;
    return Error::success();
  }
  char magic[8] = {};
  size_t size = std::min<uint64_t>(status.getSize(), sizeof magic);
  if (Error error = read(0, {reinterpret_cast<uint8_t *>(magic), size}))
    return error;
  // One that was cut off in its first bytes is a journal, too.
  if (StringRef(magic, size) != kMagic.take_front(size))
    return unusable("is not a calibration journal");
  return resume ? load(status.getSize()) : Error::success();
}

Error CalibrationJournal::load(uint64_t fileSize) {
  CalibrationKey found{};
  if (fileSize >= kHeader)
    if (Error error = read(kMagic.size(), found))
      return error;
  if (fileSize < kHeader || found != key) {
    warn(name + " is of another compilation (model, text, options or compiler have changed): "
                "calibration begins anew and replaces it");
    return Error::success();
  }
  ours = true;
  end = kHeader;
  std::vector<uint8_t> bytes;
  while (end < fileSize) {
    uint64_t rest = fileSize - end;
    uint8_t frame[kFrame];
    uint64_t size = 0;
    bool whole = rest >= kFrame;
    if (whole) {
      if (Error error = read(end, frame))
        return error;
      size = support::endian::read64le(frame);
      whole = size <= rest - kFrame;
    }
    if (whole) {
      bytes.resize(size);
      if (Error error = read(end + kFrame, bytes))
        return error;
      whole = xxh3_64bits(bytes) == support::endian::read64le(frame + 8);
    }
    if (whole && size > 0 && bytes[0] == kStates && acceptStates(bytes, fileSize))
      return Error::success();
    whole = whole && accept(bytes, {end + kFrame, size});
    if (!whole) {
      warn(name + " is incomplete from byte " + Twine(end) +
           " on: what was written last is dropped");
      return Error::success();
    }
    end += kFrame + size;
  }
  return Error::success();
}

/// Takes note of a record; false when it makes no sense here.
bool CalibrationJournal::accept(ArrayRef<uint8_t> bytes, Place place) {
  if (bytes.empty())
    return false;
  DataExtractor data(bytes.drop_front(), /*IsLittleEndian=*/true, /*AddressSize=*/8);
  DataExtractor::Cursor at(0);
  switch (bytes[0]) {
  case kLosses: {
    uint32_t length = data.getU32(at);
    StringRef source = data.getBytes(at, length);
    uint32_t count = data.getU32(at);
    std::vector<double> losses;
    for (uint32_t i = 0; at && i < count; ++i)
      losses.push_back(bit_cast<double>(data.getU64(at)));
    bool good = at && data.eof(at) && !stepKey;
    consumeError(at.takeError());
    if (good)
      measured[source] = std::move(losses);
    return good;
  }
  case kStepKey:
    consumeError(at.takeError());
    if (stepKey || bytes.size() != 1 + sizeof(CalibrationKey))
      return false;
    stepKey.emplace();
    copy(bytes.drop_front(), stepKey->begin());
    stepStart = place.offset - kFrame;
    stepKeyWritten = true;
    return true;
  case kStep: {
    // The rest is looked at when it is needed: it may be large.
    int64_t step = data.getS64(at);
    bool good = at && stepKey && (places.empty() || step > places.rbegin()->first);
    consumeError(at.takeError());
    if (good)
      places[step] = place;
    return good;
  }
  default:
    consumeError(at.takeError());
    return false;
  }
}

/// The same for states, whose record is at `end`; the arrays follow it.
bool CalibrationJournal::acceptStates(ArrayRef<uint8_t> bytes, uint64_t fileSize) {
  DataExtractor data(bytes.drop_front(), /*IsLittleEndian=*/true, /*AddressSize=*/8);
  DataExtractor::Cursor at(0);
  uint64_t offset = end + kFrame + bytes.size();
  std::vector<State> found;
  while (at && !data.eof(at)) {
    State state{{offset, data.getU64(at)}, data.getU64(at)};
    if (!at || state.place.size > fileSize - offset)
      break;
    offset += state.place.size;
    found.push_back(state);
  }
  bool good = at && data.eof(at);
  consumeError(at.takeError());
  if (good)
    states = std::move(found);
  return good;
}

Error CalibrationJournal::read(uint64_t offset, MutableArrayRef<uint8_t> bytes) const {
  MutableArrayRef<char> rest(reinterpret_cast<char *>(bytes.data()), bytes.size());
  while (!rest.empty()) {
    Expected<size_t> done =
        sys::fs::readNativeFileSlice(sys::fs::convertFDToNativeFile(fd), rest, offset);
    if (!done)
      return badModel(name, "", toString(done.takeError()));
    if (*done == 0)
      return badModel(name, "", "it became shorter while it was read");
    rest = rest.drop_front(*done);
    offset += *done;
  }
  return Error::success();
}

void CalibrationJournal::remove() {
  if (!ours)
    return;
  if (std::error_code why = sys::fs::remove(name))
    warn("cannot delete " + name + ": " + why.message());
  // An open file would still take its room.
  close(fd);
  fd = -1;
  places.clear();
  states.clear();
  ours = false;
  broken = true;
}

const std::vector<double> *CalibrationJournal::losses(StringRef of) const {
  auto found = measured.find(of);
  return found == measured.end() ? nullptr : &found->second;
}

void CalibrationJournal::addLosses(StringRef of, ArrayRef<double> losses) {
  measured[of] = losses.vec();
  append(payload(kLosses, [&](raw_ostream &os) {
    support::endian::Writer writer(os, endianness::little);
    writer.write<uint32_t>(of.size());
    os << of;
    writer.write<uint32_t>(losses.size());
    for (double loss : losses)
      writer.write<double>(loss);
  }));
}

void CalibrationJournal::useSteps(const CalibrationKey &of) {
  if (stepKey == of)
    return;
  if (stepKey) {
    if (!places.empty())
      warn(name + ": its layers are of other weights and are done again");
    places.clear();
    end = stepStart;
  }
  stepKey = of;
  stepKeyWritten = false;
}

Expected<StepRecord> CalibrationJournal::readStep(int64_t step) const {
  Place place = places.find(step)->second;
  std::vector<uint8_t> bytes(place.size);
  if (Error error = read(place.offset, bytes))
    return std::move(error);
  std::optional<StepRecord> record = parseStep(ArrayRef(bytes).drop_front());
  if (!record || record->step != step)
    return badModel(name, "step " + Twine(step), "makes no sense; begin anew with -resume=false");
  return std::move(*record);
}

void CalibrationJournal::addStep(const StepRecord &record, ArrayRef<ArrayRef<float>> after) {
  if (!stepKeyWritten)
    append(payload(kStepKey, [&](raw_ostream &os) { os << text(*stepKey); }));
  stepKeyWritten = true;
  std::string bytes = payload(kStep, [&](raw_ostream &os) { writeStep(record, os); });
  append(bytes);
  if (!broken)
    places[record.step] = {end - bytes.size(), bytes.size()};
  if (!broken && !after.empty())
    writeStates(after);
}

/// Behind `end`, and without waiting for the disk.
void CalibrationJournal::writeStates(ArrayRef<ArrayRef<float>> after) {
  std::vector<StringRef> parts{""};
  std::string record = payload(kStates, [&](raw_ostream &os) {
    support::endian::Writer writer(os, endianness::little);
    for (ArrayRef<float> state : after) {
      parts.emplace_back(reinterpret_cast<const char *>(state.data()),
                         state.size() * sizeof(float));
      writer.write<uint64_t>(parts.back().size());
      writer.write<uint64_t>(xxh3_64bits(parts.back()));
    }
  });
  record = framed(record);
  parts.front() = record;
  // No room for them is no reason to have no journal.
  if (put(end, parts))
    (void)sys::fs::resize_file(fd, end);
}

bool CalibrationJournal::readStates(ArrayRef<MutableArrayRef<float>> into) const {
  if (states.empty() || states.size() != into.size())
    return false;
  for (auto [state, values] : zip(states, into)) {
    MutableArrayRef<uint8_t> bytes(reinterpret_cast<uint8_t *>(values.data()),
                                   values.size() * sizeof(float));
    if (state.place.size != bytes.size())
      return false;
    if (Error error = read(state.place.offset, bytes)) {
      consumeError(std::move(error));
      return false;
    }
    if (xxh3_64bits(bytes) != state.hash)
      return false;
  }
  return true;
}

/// Makes the file ours: empty but for the key.
std::error_code CalibrationJournal::begin() {
  if (fd < 0) {
    if (std::error_code why =
            sys::fs::openFile(name, fd, sys::fs::CD_CreateNew, sys::fs::FA_Read | sys::fs::FA_Write,
                              sys::fs::OF_None))
      return why;
    if (std::error_code why = sys::fs::tryLockFile(fd))
      return why;
  } else if (std::error_code why = sys::fs::resize_file(fd, 0)) {
    return why;
  }
  ours = true;
  end = 0;
  return write((kMagic + text(key)).str());
}

/// Writes at `offset`; the file ends after it.
std::error_code CalibrationJournal::put(uint64_t offset, ArrayRef<StringRef> parts) {
  if (std::error_code why = sys::fs::resize_file(fd, offset))
    return why;
  raw_fd_ostream os(fd, /*shouldClose=*/false);
  os.seek(offset);
  for (StringRef part : parts)
    os << part;
  os.flush();
  std::error_code why = os.error();
  os.clear_error();
  return why;
}

/// Writes at `end` and waits for the disk.
std::error_code CalibrationJournal::write(StringRef bytes) {
  states.clear();
  if (std::error_code why = put(end, bytes))
    return why;
  if (fdatasync(fd) != 0)
    return std::error_code(errno, std::generic_category());
  end += bytes.size();
  return {};
}

void CalibrationJournal::append(StringRef bytes) {
  if (broken)
    return;
  if (!ours)
    if (std::error_code why = begin())
      return giveUp(why);
  if (std::error_code why = write(framed(bytes)))
    giveUp(why);
}

/// A disk that is full has better use for the room.
void CalibrationJournal::giveUp(std::error_code why) {
  warn("cannot write " + name + ": " + why.message() + "; this compilation cannot be resumed");
  remove();
  broken = true;
}

} // namespace qcc
