//===- GGUF.h - Reader of GGUF files
//----------------------------------------===//
//
// Versions 2 and 3, little-endian, whole or split in parts. Metadata values
// stay in the mapped file as spans; everything about them is checked once, when
// the file is opened, so that the accessors cannot fail on bounds. Format: ggml
// docs/gguf.md and what the reference reader refuses.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_GGUF_GGUF_H
#define QCC_FRONTENDS_GGUF_GGUF_H

#include "frontends/Common/TensorStorage.h"

namespace qcc {

/// A metadata value: a scalar, a string, or an array of those. Accessors return
/// nothing when the value is of another kind.
class GgufValue {
public:
  enum class Type : uint32_t {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    Bool,
    String,
    Array,
    U64,
    I64,
    F64
  };

  Type type() const { return kind; }
  /// Type of the elements of an array.
  Type elementType() const { return element; }
  bool isArray() const { return kind == Type::Array; }
  /// Number of elements of an array, 1 for everything else.
  uint64_t size() const { return count; }

  /// Any integer type, as long as the value fits.
  std::optional<int64_t> asInteger() const;
  /// F32 or F64.
  std::optional<double> asFloat() const;
  std::optional<bool> asBool() const;
  std::optional<llvm::StringRef> asString() const;

  /// Arrays, element by element. Strings point into the mapped file.
  std::optional<std::vector<int64_t>> asIntegers() const;
  std::optional<std::vector<float>> asFloats() const;
  std::optional<std::vector<llvm::StringRef>> asStrings() const;

private:
  friend class GgufReader;
  Type kind = Type::U8, element = Type::U8;
  uint64_t count = 1;
  llvm::ArrayRef<uint8_t>
      payload; ///< little-endian; strings with their u64 length
};

/// An open GGUF file (or the set of its parts). Moving it keeps all spans
/// valid.
struct GgufFile {
  std::shared_ptr<const MappedFile> file; ///< the first part
  uint32_t version = 0;
  uint64_t alignment = 32;
  /// Keys in file order; the keys and values of the first part.
  std::vector<std::pair<llvm::StringRef, GgufValue>> metadata;
  TensorTable tensors;

  /// Nothing when there is no such key.
  const GgufValue *find(llvm::StringRef key) const;

private:
  friend class GgufReader;
  llvm::StringMap<size_t> index;
};

/// Reads one file. Fails with BadModel, or Unsupported (version, byte order,
/// types).
llvm::Expected<GgufFile> readGguf(std::shared_ptr<const MappedFile> file);

/// Opens `path` and, when it is the first of several parts, the others beside
/// it.
llvm::Expected<GgufFile> openGguf(llvm::StringRef path);

/// Version and metadata as text; long arrays by their length alone.
std::string describeMetadata(const GgufFile &);

/// The same, and the tensors.
std::string describe(const GgufFile &);

} // namespace qcc

#endif // QCC_FRONTENDS_GGUF_GGUF_H
