//===- NpzFile.cpp - Arrays in a zip archive -----------------------------------------------===//

#include "compiler/Calibration/NpzFile.h"
#include "frontends/Common/Error.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include <cstring>
#include <zlib.h>

using namespace llvm;
using support::endian::read16le;
using support::endian::read32le;

namespace qcc {
namespace {
constexpr uint32_t kEndMagic = 0x06054b50, kEntryMagic = 0x02014b50, kLocalMagic = 0x04034b50;
constexpr uint64_t kEndBytes = 22, kEntryBytes = 46, kLocalBytes = 30;
constexpr uint16_t kStored = 0, kDeflated = 8;
constexpr uint16_t kEncrypted = 1; // a flag
/// Deflate packs at most so many bytes into one.
constexpr uint64_t kMaxRatio = 1032;

/// Where the end record is: at the end but for a comment of at most 65535 bytes.
std::optional<uint64_t> findEnd(ArrayRef<uint8_t> bytes) {
  if (bytes.size() < kEndBytes)
    return std::nullopt;
  uint64_t last = bytes.size() - kEndBytes, first = last > 0xffff ? last - 0xffff : 0;
  for (uint64_t at = last + 1; at-- > first;)
    if (read32le(&bytes[at]) == kEndMagic &&
        at + kEndBytes + read16le(&bytes[at + 20]) == bytes.size())
      return at;
  return std::nullopt;
}
} // namespace

Error NpzFile::damaged(const Twine &what) const {
  return wrongUse(file->path(), what + "; write it with numpy.savez");
}

Expected<NpzFile> NpzFile::open(std::shared_ptr<const MappedFile> file) {
  NpzFile npz;
  npz.file = std::move(file);
  ArrayRef<uint8_t> bytes = npz.file->bytes();
  std::optional<uint64_t> end = findEnd(bytes);
  if (!end)
    return npz.damaged("is no zip archive, or one that was cut short");
  uint64_t count = read16le(&bytes[*end + 10]), size = read32le(&bytes[*end + 12]),
           offset = read32le(&bytes[*end + 16]);
  if (count == 0xffff || size == 0xffffffff || offset == 0xffffffff)
    return wrongUse(npz.file->path(),
                    "archives of more than 4 GiB or 65534 arrays are not read; save fewer, "
                    "or a directory of .npy files");
  std::optional<ArrayRef<uint8_t>> directory = npz.file->slice(offset, size);
  if (!directory)
    return npz.damaged("its directory lies outside of it");
  for (uint64_t i = 0; i < count; ++i) {
    if (directory->size() < kEntryBytes || read32le(directory->data()) != kEntryMagic)
      return npz.damaged("its directory is damaged");
    uint64_t name = read16le(&(*directory)[28]);
    uint64_t length =
        kEntryBytes + name + read16le(&(*directory)[30]) + read16le(&(*directory)[32]);
    if (length > directory->size())
      return npz.damaged("its directory is damaged");
    if (Error error = npz.readMember(directory->take_front(length),
                                     toStringRef(directory->slice(kEntryBytes, name))))
      return std::move(error);
    directory = directory->drop_front(length);
  }
  return npz;
}

Error NpzFile::readMember(ArrayRef<uint8_t> entry, StringRef name) {
  if (!name.consume_back(".npy"))
    return damaged("holds '" + name + "', which is no .npy file");
  Member member{name.str(),           read32le(&entry[42]), read32le(&entry[20]),
                read32le(&entry[24]), read32le(&entry[16]), read16le(&entry[10])};
  if (read16le(&entry[8]) & kEncrypted)
    return damaged("'" + name + "' is encrypted");
  if (member.method != kStored && member.method != kDeflated)
    return damaged("'" + name + "' is packed by method " + Twine(member.method) +
                   ", not stored or deflated");
  bool possible = member.method == kStored ? member.packed == member.size
                                           : member.size / kMaxRatio <= member.packed;
  if (!possible || member.packed > file->size())
    return damaged("'" + name + "' cannot have the sizes that the directory says");
  list.push_back(std::move(member));
  return Error::success();
}

Error NpzFile::inflate(const Member &member, ArrayRef<uint8_t> packed,
                       std::vector<uint8_t> &bytes) const {
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
    return make_error<ModelError>(ExitCode::DoesNotFit,
                                  "no memory to unpack " + file->path().str());
  stream.next_in = const_cast<uint8_t *>(packed.data());
  stream.avail_in = packed.size();
  stream.next_out = bytes.data();
  stream.avail_out = bytes.size();
  int result = ::inflate(&stream, Z_FINISH);
  bool whole = result == Z_STREAM_END && stream.avail_out == 0;
  inflateEnd(&stream);
  return whole ? Error::success() : damaged("'" + member.name + "' does not unpack");
}

Error NpzFile::read(const Member &member, rt::Array &out) const {
  std::optional<ArrayRef<uint8_t>> local = file->slice(member.header, kLocalBytes);
  if (!local || read32le(local->data()) != kLocalMagic)
    return damaged("'" + member.name + "' is not where the directory says");
  uint64_t data = member.header + kLocalBytes + read16le(&(*local)[26]) + read16le(&(*local)[28]);
  std::optional<ArrayRef<uint8_t>> packed = file->slice(data, member.packed);
  if (!packed)
    return damaged("'" + member.name + "' lies outside of it");
  std::vector<uint8_t> unpacked;
  ArrayRef<uint8_t> bytes = *packed;
  if (member.method == kDeflated) {
    unpacked.resize(member.size);
    if (Error error = inflate(member, *packed, unpacked))
      return error;
    bytes = unpacked;
  }
  if (crc32_z(0, bytes.data(), bytes.size()) != member.crc)
    return damaged("'" + member.name + "' does not have the sum that the directory says");
  return readArray(bytes, (file->path() + "['" + member.name + "']").str(), out);
}

Error readArray(ArrayRef<uint8_t> bytes, const std::string &name, rt::Array &out) {
  rt::NpyHeader header;
  rt::Status status = rt::parseNpyHeader({bytes.data(), bytes.size()}, name, header);
  if (status.failed())
    return make_error<ModelError>(ExitCode::WrongUse, status.message);
  out.type = header.type;
  out.shape = header.shape;
  if (!rt::arrayBytes(out.type, out.shape, out.bytes) || out.bytes != bytes.size() - header.size)
    return wrongUse(name, "its header says " + rt::describeArray(out.type, out.shape) + ", but " +
                              Twine(bytes.size() - header.size) + " bytes follow it");
  status = out.memory.reserve(std::max<uint64_t>(out.bytes, 1), name.c_str(), false);
  if (status.failed())
    return make_error<ModelError>(static_cast<ExitCode>(status.code), status.message);
  if (out.bytes)
    std::memcpy(out.memory.data(), bytes.data() + header.size, out.bytes);
  return Error::success();
}

} // namespace qcc
