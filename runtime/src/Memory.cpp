//===- Memory.cpp - Pages from the system
//----------------------------------===//
//
// See Memory.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/Memory.h"

#include <cerrno>
#include <cstring>
#include <sys/mman.h>

namespace qcc::rt {

/// Below this a large page wastes more than it saves.
static constexpr size_t kHugeFrom = size_t(8) << 20;

void Memory::release() {
  if (start != nullptr)
    munmap(start, bytes);
  start = nullptr;
  bytes = 0;
}

Status Memory::reserve(uint64_t wanted, const char *what, bool hugePages) {
  if (wanted <= bytes)
    return {};
  release();
  void *pages = wanted > SIZE_MAX / 2 ? MAP_FAILED
                                      : mmap(nullptr, wanted, PROT_READ | PROT_WRITE,
                                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED)
    return fail(kNoRoom, "no memory for %s: %s are needed", what, humanBytes(wanted).c_str());
  start = static_cast<uint8_t *>(pages);
  bytes = wanted;
  if (hugePages && wanted >= kHugeFrom)
    madvise(pages, wanted, MADV_HUGEPAGE);
  return {};
}

} // namespace qcc::rt
