//===- MappedFile.cpp - A model file in memory, read-only
//------------------===//
//
// Mapping through LLVM's file system layer; dropPages is the one POSIX call.
//
//===----------------------------------------------------------------------===//
#include "frontends/Common/MappedFile.h"

#include "frontends/Common/Error.h"

#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Process.h"

#include <sys/mman.h>

using namespace llvm;

namespace qcc {

Expected<std::shared_ptr<const MappedFile>> MappedFile::open(StringRef path) {
  // Asked before opening, which would wait for the other end of a pipe.
  sys::fs::file_status status;
  std::error_code ec = sys::fs::status(path, status);
  if (ec)
    return badModel(path, "", "cannot be opened: " + ec.message());
  if (status.type() != sys::fs::file_type::regular_file)
    return badModel(path, "", "is not a regular file");
  Expected<sys::fs::file_t> handle =
      sys::fs::openNativeFileForRead(path, sys::fs::OF_None);
  if (!handle)
    return badModel(path, "",
                    "cannot be opened: " + toString(handle.takeError()));
  std::shared_ptr<MappedFile> file(new MappedFile);
  file->name = path.str();
  ec = sys::fs::status(*handle, status);
  if (!ec && status.getSize() > 0)
    file->region = sys::fs::mapped_file_region(
        *handle, sys::fs::mapped_file_region::readonly, status.getSize(), 0,
        ec);
  sys::fs::closeFile(*handle);
  if (ec)
    return badModel(path, "", "cannot be read: " + ec.message());
  if (file->region)
    file->data = ArrayRef<uint8_t>(
        reinterpret_cast<const uint8_t *>(file->region.const_data()),
        file->region.size());
  return std::shared_ptr<const MappedFile>(std::move(file));
}

std::shared_ptr<const MappedFile>
MappedFile::fromMemory(StringRef path, std::vector<uint8_t> bytes) {
  std::shared_ptr<MappedFile> file(new MappedFile);
  file->name = path.str();
  file->memory = std::move(bytes);
  file->data = file->memory;
  return file;
}

std::optional<ArrayRef<uint8_t>> MappedFile::slice(uint64_t offset,
                                                   uint64_t size) const {
  if (offset > data.size() || size > data.size() - offset)
    return std::nullopt;
  return data.slice(offset, size);
}

void MappedFile::dropPages(ArrayRef<uint8_t> span) const {
  if (!region || span.empty())
    return;
  // Whole pages only: the first and the last may hold a neighbour's data, which
  // is merely read again.
  uint64_t page = sys::Process::getPageSizeEstimate();
  uint64_t begin = alignDown(span.data() - data.data(), page);
  uint64_t end = std::min<uint64_t>(
      alignTo(uint64_t(span.end() - data.data()), page), data.size());
  // Advice: failure changes nothing but the resident size.
  (void)::madvise(const_cast<char *>(region.const_data()) + begin, end - begin,
                  MADV_DONTNEED);
}

} // namespace qcc
