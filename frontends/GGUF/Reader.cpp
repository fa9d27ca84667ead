//===- Reader.cpp - Reader of GGUF files
//------------------------------------===//
//
// A cursor over the mapped file that fails softly at its end, and the checks of
// the reference reader: counts, names, types, shapes, and offsets that must be
// the running sum of the padded sizes before them.
//
//===----------------------------------------------------------------------===//
#include "frontends/Common/Error.h"
#include "frontends/GGUF/GGUF.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace llvm::support::endian;

namespace qcc {
namespace {

constexpr uint64_t kMaxString = uint64_t(1) << 30;
constexpr uint64_t kMaxArray = uint64_t(1) << 30;
constexpr size_t kMaxTensorName = 63;
constexpr uint32_t kMaxDims = 4;
/// The smallest encodings: empty key + type + byte; empty name + no dims + type
/// + offset.
constexpr uint64_t kMinKeyValue = 8 + 4 + 1, kMinTensor = 8 + 4 + 4 + 8;

std::optional<DType> tensorType(uint32_t id) {
  switch (id) {
  case 0:
    return DType::F32;
  case 1:
    return DType::F16;
  case 2:
    return DType::Q4_0;
  case 3:
    return DType::Q4_1;
  case 6:
    return DType::Q5_0;
  case 7:
    return DType::Q5_1;
  case 8:
    return DType::Q8_0;
  case 10:
    return DType::Q2_K;
  case 11:
    return DType::Q3_K;
  case 12:
    return DType::Q4_K;
  case 13:
    return DType::Q5_K;
  case 14:
    return DType::Q6_K;
  case 16:
    return DType::IQ2_XXS;
  case 17:
    return DType::IQ2_XS;
  case 18:
    return DType::IQ3_XXS;
  case 19:
    return DType::IQ1_S;
  case 20:
    return DType::IQ4_NL;
  case 21:
    return DType::IQ3_S;
  case 22:
    return DType::IQ2_S;
  case 23:
    return DType::IQ4_XS;
  case 24:
    return DType::I8;
  case 25:
    return DType::I16;
  case 26:
    return DType::I32;
  case 27:
    return DType::I64;
  case 28:
    return DType::F64;
  case 29:
    return DType::IQ1_M;
  case 30:
    return DType::BF16;
  case 34:
    return DType::TQ1_0;
  case 35:
    return DType::TQ2_0;
  case 39:
    return DType::MXFP4;
  case 40:
    return DType::NVFP4;
  case 41:
    return DType::Q1_0;
  case 42:
    return DType::Q2_0;
  default:
    return std::nullopt;
  }
}

/// Bytes of a scalar, 0 for strings and arrays, nothing for an unknown type.
std::optional<unsigned> scalarSize(uint32_t type) {
  switch (GgufValue::Type(type)) {
  case GgufValue::Type::U8:
  case GgufValue::Type::I8:
  case GgufValue::Type::Bool:
    return 1;
  case GgufValue::Type::U16:
  case GgufValue::Type::I16:
    return 2;
  case GgufValue::Type::U32:
  case GgufValue::Type::I32:
  case GgufValue::Type::F32:
    return 4;
  case GgufValue::Type::U64:
  case GgufValue::Type::I64:
  case GgufValue::Type::F64:
    return 8;
  case GgufValue::Type::String:
  case GgufValue::Type::Array:
    return 0;
  }
  return std::nullopt;
}

} // namespace

/// Reads one file. At the end of the file a read yields zero and sets `cut`.
class GgufReader {
public:
  explicit GgufReader(std::shared_ptr<const MappedFile> file)
      : rest(file->bytes()) {
    result.file = std::move(file);
  }
  Expected<GgufFile> read();

private:
  GgufFile result;
  ArrayRef<uint8_t> rest;
  bool cut = false;
  /// Offsets in the data section as stored; checked once the alignment is
  /// known.
  std::vector<uint64_t> offsets;
  std::vector<SourceTensor> tensors;
  std::vector<std::string> unknownTypes;

  Error bad(const Twine &where, const Twine &what) const {
    return badModel(result.file->path(), where, what);
  }
  Error endOfFile(const Twine &where) const {
    return bad(where, "goes beyond the end of the file (" +
                          Twine(result.file->size()) +
                          " bytes); the file is cut short or damaged");
  }
  uint64_t position() const { return result.file->size() - rest.size(); }

  const uint8_t *take(uint64_t size) {
    static const uint8_t zeros[8] = {};
    if (cut || size > rest.size()) {
      cut = true;
      return zeros;
    }
    const uint8_t *bytes = rest.data();
    rest = rest.drop_front(size);
    return bytes;
  }
  uint32_t take32() { return read32le(take(4)); }
  uint64_t take64() { return read64le(take(8)); }
  /// A length-prefixed string; too long counts as cut.
  StringRef takeString() {
    uint64_t length = take64();
    if (length > kMaxString)
      cut = true;
    if (cut || length > rest.size()) {
      cut = true;
      return "";
    }
    return toStringRef(ArrayRef<uint8_t>(take(length), length));
  }

  Error readHeader(uint64_t &numTensors, uint64_t &numKeyValues);
  Error readKeyValue();
  Error readArray(StringRef key, GgufValue &value);
  Error readAlignment();
  Error readTensorInfo(StringSet<> &names);
  Error placeTensors();
};

Error GgufReader::readHeader(uint64_t &numTensors, uint64_t &numKeyValues) {
  ArrayRef<uint8_t> magic = rest.take_front(4);
  if (toStringRef(magic) != "GGUF")
    return bad("", "is no GGUF file: it does not begin with \"GGUF\"");
  take(4);
  result.version = take32();
  if (cut)
    return endOfFile("header");
  if (result.version != 0 && (result.version & 0xffff) == 0)
    return unsupported(
        result.file->path(),
        "is a big-endian GGUF file; convert it to little-endian");
  if (result.version == 1)
    return unsupported(
        result.file->path(),
        "GGUF version 1 is not supported; convert it to version 3");
  if (result.version != 2 && result.version != 3)
    return unsupported(result.file->path(),
                       "GGUF version " + Twine(result.version) +
                           " is not supported; 2 and 3 are");
  numTensors = take64();
  numKeyValues = take64();
  if (cut)
    return endOfFile("header");
  if (numKeyValues > rest.size() / kMinKeyValue)
    return bad("header", Twine(numKeyValues) +
                             " metadata entries do not fit a file of " +
                             Twine(result.file->size()) + " bytes");
  if (numTensors > rest.size() / kMinTensor)
    return bad("header", Twine(numTensors) + " tensors do not fit a file of " +
                             Twine(result.file->size()) + " bytes");
  return Error::success();
}

Error GgufReader::readArray(StringRef key, GgufValue &value) {
  uint32_t type = take32();
  uint64_t count = take64();
  if (cut)
    return endOfFile("key " + key);
  std::optional<unsigned> size = scalarSize(type);
  if (!size)
    return bad("key " + key, "array of unknown type " + Twine(type));
  value.element = GgufValue::Type(type);
  if (value.element == GgufValue::Type::Array)
    return bad("key " + key, "arrays of arrays are not allowed");
  if (count > kMaxArray)
    return bad("key " + key, "array of " + Twine(count) +
                                 " elements; at most 2^30 are allowed");
  value.count = count;
  const uint8_t *begin = rest.data();
  if (value.element == GgufValue::Type::String)
    for (uint64_t i = 0; i < count && !cut; ++i)
      takeString();
  else
    take(count * *size);
  if (cut)
    return endOfFile("key " + key);
  value.payload = ArrayRef<uint8_t>(begin, rest.data());
  return Error::success();
}

Error GgufReader::readKeyValue() {
  uint64_t start = position();
  StringRef key = takeString();
  if (cut)
    return endOfFile("key at byte " + Twine(start));
  if (key.empty())
    return bad("key at byte " + Twine(start), "is empty");
  if (!result.index.try_emplace(key, result.metadata.size()).second)
    return bad("key " + key, "occurs twice");
  uint32_t type = take32();
  std::optional<unsigned> size = scalarSize(type);
  if (cut)
    return endOfFile("key " + key);
  if (!size)
    return bad("key " + key, "unknown type " + Twine(type));
  GgufValue value;
  value.kind = GgufValue::Type(type);
  if (value.isArray()) {
    if (Error error = readArray(key, value))
      return error;
  } else {
    const uint8_t *begin = rest.data();
    if (value.kind == GgufValue::Type::String)
      takeString();
    else
      take(*size);
    if (cut)
      return endOfFile("key " + key);
    value.payload = ArrayRef<uint8_t>(begin, rest.data());
  }
  result.metadata.emplace_back(key, value);
  return Error::success();
}

Error GgufReader::readAlignment() {
  const GgufValue *value = result.find("general.alignment");
  if (!value)
    return Error::success();
  std::optional<int64_t> alignment = value->asInteger();
  if (value->type() != GgufValue::Type::U32 || !isPowerOf2_64(*alignment))
    return bad("key general.alignment", "is not a power of two of type u32");
  result.alignment = *alignment;
  return Error::success();
}

Error GgufReader::readTensorInfo(StringSet<> &names) {
  uint64_t start = position();
  StringRef name = takeString();
  uint32_t numDims = take32();
  if (cut)
    return endOfFile("tensor header at byte " + Twine(start));
  std::string where = ("tensor " + name).str();
  if (name.size() > kMaxTensorName)
    return bad("tensor header at byte " + Twine(start),
               "the name is longer than 63 bytes");
  if (!names.insert(name).second)
    return bad(where, "occurs twice");
  if (numDims > kMaxDims)
    return bad(where,
               "has " + Twine(numDims) + " dimensions; at most 4 are allowed");
  SourceTensor tensor;
  tensor.name = name.str();
  for (uint32_t i = 0; i < numDims; ++i) {
    uint64_t dim = take64();
    if (dim > uint64_t(INT64_MAX))
      return bad(where, "has a negative dimension");
    // Stored fastest first.
    tensor.shape.insert(tensor.shape.begin(), dim);
  }
  uint32_t type = take32();
  offsets.push_back(take64());
  if (cut)
    return endOfFile(where);
  std::optional<uint64_t> count = numElements(tensor.shape);
  if (!count || *count > uint64_t(INT64_MAX))
    return bad(where,
               "the size of shape " + shapeString(tensor.shape) + " overflows");
  if (std::optional<DType> dtype = tensorType(type)) {
    tensor.dtype = *dtype;
    const DTypeInfo &kind = info(*dtype);
    if (isBlock(*dtype) &&
        (tensor.shape.empty() || tensor.shape.back() % kind.blockElements != 0))
      return bad(where, "its rows are no multiple of " +
                            Twine(kind.blockElements) + " elements, which " +
                            kind.name + " needs; shape " +
                            shapeString(tensor.shape));
  } else {
    unknownTypes.push_back(where + ": type " + std::to_string(type));
  }
  tensors.push_back(std::move(tensor));
  return Error::success();
}

Error GgufReader::placeTensors() {
  uint64_t fileSize = result.file->size();
  // Positions are below 2^63 and the alignment below 2^32: no overflow.
  uint64_t dataStart = alignTo(position(), result.alignment);
  uint64_t expected = 0;
  for (auto [tensor, offset] : llvm::zip_equal(tensors, offsets)) {
    std::string where = "tensor " + tensor.name;
    if (offset != expected)
      return bad(where, "its data is at " + Twine(offset) + ", not at " +
                            Twine(expected) +
                            " where the tensor before it ends");
    std::optional<uint64_t> bytes = numBytes(tensor.dtype, tensor.shape);
    if (!bytes)
      return bad(where, "the size of shape " + shapeString(tensor.shape) +
                            " overflows");
    std::optional<ArrayRef<uint8_t>> span;
    if (std::optional<uint64_t> begin = checkedAdd(dataStart, offset))
      span = result.file->slice(*begin, *bytes);
    // An empty tensor may lie where padding would have been.
    if (!span && *bytes == 0)
      span = ArrayRef<uint8_t>();
    if (!span)
      return bad(where, "its data ends beyond the end of the file (" +
                            Twine(fileSize) + " bytes); the file is cut short");
    tensor.bytes = *span;
    tensor.file = result.file;
    expected += alignTo(*bytes, result.alignment);
    result.tensors.add(std::move(tensor));
  }
  return Error::success();
}

Expected<GgufFile> GgufReader::read() {
  uint64_t numTensors = 0, numKeyValues = 0;
  if (Error error = readHeader(numTensors, numKeyValues))
    return error;
  for (uint64_t i = 0; i < numKeyValues; ++i)
    if (Error error = readKeyValue())
      return error;
  if (Error error = readAlignment())
    return error;
  StringSet<> names;
  for (uint64_t i = 0; i < numTensors; ++i)
    if (Error error = readTensorInfo(names))
      return error;
  if (!unknownTypes.empty())
    return unsupported(result.file->path(),
                       "has tensors of types that are not part of GGUF",
                       std::move(unknownTypes));
  if (Error error = placeTensors())
    return error;
  return std::move(result);
}

Expected<GgufFile> readGguf(std::shared_ptr<const MappedFile> file) {
  return GgufReader(std::move(file)).read();
}

/// Adds the tensors of part `number` (from 0) of `count` to `whole`.
static Error addPart(GgufFile &whole, StringRef path, int64_t number,
                     int64_t count) {
  Expected<std::shared_ptr<const MappedFile>> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  Expected<GgufFile> part = readGguf(*file);
  if (!part)
    return part.takeError();
  const GgufValue *no = part->find("split.no");
  const GgufValue *total = part->find("split.count");
  if (!no || !total || no->asInteger() != number || total->asInteger() != count)
    return badModel(path, "",
                    "is not part " + Twine(number + 1) + " of " + Twine(count) +
                        " of the same model");
  for (const SourceTensor &tensor : part->tensors)
    if (!whole.tensors.add(tensor))
      return badModel(path, "tensor " + tensor.name, "is in another part, too");
  return Error::success();
}

Expected<GgufFile> openGguf(StringRef path) {
  Expected<std::shared_ptr<const MappedFile>> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  Expected<GgufFile> gguf = readGguf(*file);
  if (!gguf)
    return gguf.takeError();
  const GgufValue *split = gguf->find("split.count");
  std::optional<int64_t> count = split ? split->asInteger() : std::nullopt;
  if (!split || count == 0 || count == 1)
    return gguf;
  // File names have five digits.
  if (!count || *count < 0 || *count > 99999)
    return badModel(path, "key split.count", "is not a number of parts");
  const GgufValue *no = gguf->find("split.no");
  if (!no || no->asInteger() != 0)
    return wrongUse(path, "is not the first of " + Twine(*count) +
                              " parts; name the one that ends in "
                              "-00001-of-" +
                              formatv("{0:d5}", *count).str() + ".gguf");
  std::string ending = formatv("-00001-of-{0:d5}.gguf", *count);
  if (!path.ends_with(ending))
    return badModel(path, "",
                    "is the first of " + Twine(*count) +
                        " parts, but its name does not end in " + ending);
  for (int64_t i = 1; i < *count; ++i) {
    std::string part = (path.drop_back(ending.size()) +
                        formatv("-{0:d5}-of-{1:d5}.gguf", i + 1, *count).str())
                           .str();
    if (!sys::fs::exists(part))
      return badModel(path, "",
                      "its part " + sys::path::filename(part) +
                          " is missing; fetch it into the same "
                          "directory");
    if (Error error = addPart(*gguf, part, i, *count))
      return error;
  }
  if (const GgufValue *total = gguf->find("split.tensors.count"))
    if (total->asInteger() != int64_t(gguf->tensors.size()))
      return badModel(path, "key split.tensors.count",
                      "does not match the " + Twine(gguf->tensors.size()) +
                          " tensors of all parts");
  return gguf;
}

} // namespace qcc
