//===- NpzFile.h - Arrays in a zip archive -------------------------------------------------===//
//
// What numpy.savez and savez_compressed write: a zip archive of .npy files, stored or deflated. The
// archive is hostile data: every offset and size is checked against the file before use, and
// nothing is allocated that the file could not hold. (PKWARE APPNOTE 6.3.10, sections 4.3 and 4.4.)
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_CALIBRATION_NPZFILE_H
#define QCC_COMPILER_CALIBRATION_NPZFILE_H

#include "frontends/Common/MappedFile.h"
#include "runtime/src/Npy.h"

namespace qcc {

class NpzFile {
public:
  /// A file of the archive.
  struct Member {
    std::string name; ///< without ".npy"
    uint64_t header;  ///< where its local header begins
    uint64_t packed, size;
    uint32_t crc;
    uint16_t method;
  };

  /// Reads the directory. Fails (WrongUse) for what is no archive of .npy files.
  static llvm::Expected<NpzFile> open(std::shared_ptr<const MappedFile> file);

  llvm::ArrayRef<Member> members() const { return list; }

  /// Unpacks a member and checks its sum. Fails (WrongUse) with the member's name.
  llvm::Error read(const Member &member, rt::Array &out) const;

private:
  llvm::Error readMember(llvm::ArrayRef<uint8_t> entry, llvm::StringRef name);
  llvm::Error inflate(const Member &member, llvm::ArrayRef<uint8_t> packed,
                      std::vector<uint8_t> &bytes) const;
  llvm::Error damaged(const llvm::Twine &what) const;

  std::shared_ptr<const MappedFile> file;
  std::vector<Member> list;
};

/// An array from the bytes of a .npy file. `name` is for messages. Fails with WrongUse.
llvm::Error readArray(llvm::ArrayRef<uint8_t> bytes, const std::string &name, rt::Array &out);

} // namespace qcc

#endif // QCC_COMPILER_CALIBRATION_NPZFILE_H
