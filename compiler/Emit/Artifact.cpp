//===- Artifact.cpp - Writes the file that qcc hands out
//-------------------===//
//
// See Artifact.h.
//
//===----------------------------------------------------------------------===//
#include "compiler/Emit/Artifact.h"

#include "compiler/Emit/EmitError.h"
#include "runtime/include/qcc/abi.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace llvm;

namespace qcc {

static constexpr uint64_t kSectionAlign = 64;

/// A temporary file beside its final name, with mode bits as the umask has
/// them.
static Expected<int> openBeside(StringRef output, SmallVectorImpl<char> &temporary) {
  SmallString<256> model(output);
  model += ".%%%%%%.tmp";
  int fd = -1;
  std::error_code why = sys::fs::createUniqueFile(model, fd, temporary, sys::fs::OF_None,
                                                  sys::fs::all_read | sys::fs::all_write);
  if (why)
    return writeError(output, why);
  sys::RemoveFileOnSignal(StringRef(temporary.data(), temporary.size()));
  return fd;
}

static Error writeAt(int fd, uint64_t offset, ArrayRef<uint8_t> bytes, StringRef output) {
  while (!bytes.empty()) {
    ssize_t done = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR)
      continue;
    if (done < 0)
      return writeError(output, std::error_code(errno, std::generic_category()));
    bytes = bytes.drop_front(static_cast<size_t>(done));
    offset += static_cast<uint64_t>(done);
  }
  return Error::success();
}

/// Adds the execute bits that the umask allows.
static void makeExecutable(int fd) {
  struct stat info;
  if (fstat(fd, &info) == 0)
    fchmod(fd, (info.st_mode & 0777) | ((info.st_mode & 0444) >> 2));
}

/// Closes a temporary file and gives it its name, or removes it.
static Error finishFile(int fd, StringRef temporary, StringRef output) {
  std::error_code why;
  if (close(fd) != 0)
    why = std::error_code(errno, std::generic_category());
  if (!why)
    why = sys::fs::rename(temporary, output);
  if (why)
    sys::fs::remove(temporary);
  sys::DontRemoveFileOnSignal(temporary);
  return why ? writeError(output, why) : Error::success();
}

struct ArtifactWriter::State {
  std::string output;
  SmallString<256> temporary;
  int fd = -1;
  bool program = false, weights = false;
  uint64_t end = 0; ///< where the next section may start
  uint64_t appended = 0;
  QccTrailer trailer;

  Error write(uint64_t offset, ArrayRef<uint8_t> bytes) {
    return writeAt(fd, offset, bytes, output);
  }
  Error section(ArrayRef<uint8_t> bytes, uint64_t &offset, uint64_t &size) {
    offset = alignTo(end, kSectionAlign);
    size = bytes.size();
    end = offset + size;
    return write(offset, bytes);
  }
};

ArtifactWriter::ArtifactWriter(std::unique_ptr<State> s) : state(std::move(s)) {}

ArtifactWriter::~ArtifactWriter() {
  if (state->fd < 0)
    return;
  close(state->fd);
  sys::fs::remove(state->temporary);
  sys::DontRemoveFileOnSignal(state->temporary);
}

Expected<std::unique_ptr<ArtifactWriter>> ArtifactWriter::create(StringRef output) {
  auto state = std::make_unique<State>();
  state->output = output.str();
  memset(&state->trailer, 0, sizeof state->trailer);
  Expected<int> fd = openBeside(output, state->temporary);
  if (!fd)
    return fd.takeError();
  state->fd = *fd;
  return std::unique_ptr<ArtifactWriter>(new ArtifactWriter(std::move(state)));
}

Error ArtifactWriter::setProgram(StringRef path) {
  assert(state->end == 0 && "the program comes first");
  ErrorOr<std::unique_ptr<MemoryBuffer>> program =
      MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!program)
    return emitError(ExitCode::Internal, "cannot read the linked program " + path + ": " +
                                             program.getError().message());
  StringRef bytes = (*program)->getBuffer();
  state->program = true;
  state->end = bytes.size();
  return state->write(0, arrayRefFromStringRef(bytes));
}

Error ArtifactWriter::beginWeights(uint64_t bytes) {
  assert(!state->weights && state->trailer.tokenizer_size == 0 &&
         "weights come once, after the program");
  state->weights = true;
  if (bytes > static_cast<uint64_t>(INT64_MAX) - (uint64_t(1) << 40))
    return emitError(ExitCode::DoesNotFit,
                     "the weights of " + state->output + " are larger than a file can be");
  uint64_t start = alignTo(state->end, QCC_SECTION_ALIGN);
  state->trailer.weights_offset = start;
  state->trailer.weights_size = bytes;
  state->end = start + bytes;
  // Claims the blocks now; file systems that cannot are written to as it goes.
  int error = 0;
  if (bytes != 0)
    do
      error = fallocate(state->fd, 0, static_cast<off_t>(start), static_cast<off_t>(bytes)) == 0
                  ? 0
                  : errno;
    while (error == EINTR);
  if (error == EOPNOTSUPP || error == ENOSYS)
    error = ftruncate(state->fd, static_cast<off_t>(state->end)) == 0 ? 0 : errno;
  return error == 0 ? Error::success()
                    : writeError(state->output, std::error_code(error, std::generic_category()));
}

Error ArtifactWriter::writeWeights(uint64_t offset, ArrayRef<uint8_t> bytes) {
  uint64_t size = state->trailer.weights_size;
  if (bytes.size() > size || offset > size - bytes.size())
    return emitError(ExitCode::Internal, "weights at " + Twine(offset) + ", " +
                                             Twine(bytes.size()) + " bytes, lie outside the " +
                                             Twine(size) + " bytes planned");
  return state->write(state->trailer.weights_offset + offset, bytes);
}

Error ArtifactWriter::appendWeights(ArrayRef<uint8_t> bytes) {
  uint64_t at = state->appended;
  state->appended += bytes.size();
  return writeWeights(at, bytes);
}

Error ArtifactWriter::setTokenizer(ArrayRef<uint8_t> bytes) {
  return state->section(bytes, state->trailer.tokenizer_offset, state->trailer.tokenizer_size);
}

Error ArtifactWriter::setChatTemplate(StringRef text) {
  return state->section(arrayRefFromStringRef(text), state->trailer.template_offset,
                        state->trailer.template_size);
}

Error ArtifactWriter::setReport(StringRef text) {
  return state->section(arrayRefFromStringRef(text), state->trailer.report_offset,
                        state->trailer.report_size);
}

Error ArtifactWriter::commit() {
  QccTrailer &trailer = state->trailer;
  memcpy(trailer.magic, QCC_TRAILER_MAGIC, sizeof trailer.magic);
  uint64_t at = alignTo(state->end, kSectionAlign);
  trailer.file_size = state->end = at + sizeof trailer;
  if (Error error =
          state->write(at, ArrayRef(reinterpret_cast<const uint8_t *>(&trailer), sizeof trailer)))
    return error;
  if (state->program)
    makeExecutable(state->fd);
  int fd = state->fd;
  state->fd = -1;
  return finishFile(fd, state->temporary, state->output);
}

uint64_t ArtifactWriter::size() const { return state->end; }

uint64_t ArtifactWriter::overheadBytes() const { return state->end - state->trailer.weights_size; }

Error writeFileAtomically(StringRef output, StringRef bytes, bool executable) {
  SmallString<256> temporary;
  Expected<int> fd = openBeside(output, temporary);
  if (!fd)
    return fd.takeError();
  if (Error error = writeAt(*fd, 0, arrayRefFromStringRef(bytes), output)) {
    close(*fd);
    sys::fs::remove(temporary);
    sys::DontRemoveFileOnSignal(temporary);
    return error;
  }
  if (executable)
    makeExecutable(*fd);
  return finishFile(*fd, temporary, output);
}

} // namespace qcc
