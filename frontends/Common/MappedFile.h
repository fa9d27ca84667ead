//===- MappedFile.h - A model file in memory, read-only
//--------------------===//
//
// Model files are mapped, never read: tensors are spans of the mapping,
// whatever the size of the file. Every span is made by slice(), which checks
// its bounds without overflow. dropPages() lets a streaming pass over a large
// file stay small.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_COMMON_MAPPEDFILE_H
#define QCC_FRONTENDS_COMMON_MAPPEDFILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace qcc {

/// a + b and a * b, or nothing when the result does not fit 64 bits.
inline std::optional<uint64_t> checkedAdd(uint64_t a, uint64_t b) {
  uint64_t r;
  return __builtin_add_overflow(a, b, &r) ? std::nullopt
                                          : std::optional<uint64_t>(r);
}
inline std::optional<uint64_t> checkedMul(uint64_t a, uint64_t b) {
  uint64_t r;
  return __builtin_mul_overflow(a, b, &r) ? std::nullopt
                                          : std::optional<uint64_t>(r);
}

/// A read-only file mapping. Shared by everything that points into it.
class MappedFile {
public:
  /// Maps the regular file `path`. Fails with BadModel when it cannot be read.
  static llvm::Expected<std::shared_ptr<const MappedFile>>
  open(llvm::StringRef path);

  /// A "file" that exists in memory alone, for tests and fuzzers.
  static std::shared_ptr<const MappedFile> fromMemory(llvm::StringRef path,
                                                      std::vector<uint8_t>);

  llvm::StringRef path() const { return name; }
  uint64_t size() const { return data.size(); }
  llvm::ArrayRef<uint8_t> bytes() const { return data; }

  /// Bytes offset .. offset + size, or nothing when they are not all in the
  /// file.
  std::optional<llvm::ArrayRef<uint8_t>> slice(uint64_t offset,
                                               uint64_t size) const;

  /// Tells the system that these bytes (of this file) are not needed soon. They
  /// stay readable and come back from the disk when they are read again.
  void dropPages(llvm::ArrayRef<uint8_t> span) const;

private:
  MappedFile() = default;

  std::string name;
  llvm::sys::fs::mapped_file_region region;
  std::vector<uint8_t> memory;
  llvm::ArrayRef<uint8_t> data;
};

} // namespace qcc

#endif // QCC_FRONTENDS_COMMON_MAPPEDFILE_H
