//===- Memory.h - Pages from the system
//------------------------------------===//
//
// The arena and the KV cache are taken from the system as zero pages that cost
// nothing until touched.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_RUNTIME_SRC_MEMORY_H
#define QCC_RUNTIME_SRC_MEMORY_H

#include "runtime/src/Support.h"

namespace qcc::rt {

class Memory {
public:
  Memory() = default;
  ~Memory() { release(); }
  Memory(Memory &&other) noexcept : start(other.start), bytes(other.bytes) {
    other.start = nullptr;
    other.bytes = 0;
  }
  Memory(const Memory &) = delete;
  Memory &operator=(const Memory &) = delete;

  /// Makes it at least `bytes` large. What it held is lost when it grows.
  /// `what` names it in the message; `hugePages` asks for large pages. Fails
  /// with kNoRoom.
  Status reserve(uint64_t bytes, const char *what, bool hugePages);
  void release();

  uint8_t *data() const { return start; }
  size_t size() const { return bytes; }

private:
  uint8_t *start = nullptr;
  size_t bytes = 0;
};

} // namespace qcc::rt

#endif // QCC_RUNTIME_SRC_MEMORY_H
