//===- Safetensors.cpp - Reader of safetensors files
//-----------------------===//
//
// u64 n, n bytes of JSON, data. The checks follow the reference reader; where
// it keeps one of two duplicate keys, or accepts a header that does not begin
// with '{', the written specification is followed instead.
//
//===----------------------------------------------------------------------===//
#include "frontends/Safetensors/Safetensors.h"

#include "frontends/Common/Error.h"
#include "frontends/Common/Json.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/Path.h"

using nlohmann::json;
using namespace llvm;

namespace qcc {
namespace {

constexpr uint64_t kMaxHeader = 100000000;

/// A tensor before its place in the file has been checked.
struct Entry {
  SourceTensor tensor;
  uint64_t begin = 0, end = 0;
};

class Reader {
public:
  explicit Reader(std::shared_ptr<const MappedFile> file)
      : file(std::move(file)) {}
  Expected<SafetensorsFile> read();

private:
  std::shared_ptr<const MappedFile> file;
  SafetensorsFile result;
  std::vector<Entry> entries;

  Error bad(const Twine &where, const Twine &what) const {
    return badModel(file->path(), where, what);
  }
  Expected<json> readHeader(uint64_t &dataStart);
  Error readMetadata(const json &value);
  Error readEntry(StringRef name, const json &value);
  Error placeTensors(uint64_t dataStart);
};

std::optional<DType> parseDType(StringRef name) {
  return StringSwitch<std::optional<DType>>(name)
      .Case("BOOL", DType::Bool)
      .Case("U8", DType::U8)
      .Case("I8", DType::I8)
      .Case("F8_E5M2", DType::F8_E5M2)
      .Case("F8_E4M3", DType::F8_E4M3)
      .Case("F8_E8M0", DType::F8_E8M0)
      .Case("F8_E4M3FNUZ", DType::F8_E4M3FNUZ)
      .Case("F8_E5M2FNUZ", DType::F8_E5M2FNUZ)
      .Case("I16", DType::I16)
      .Case("U16", DType::U16)
      .Case("F16", DType::F16)
      .Case("BF16", DType::BF16)
      .Case("I32", DType::I32)
      .Case("U32", DType::U32)
      .Case("F32", DType::F32)
      .Case("I64", DType::I64)
      .Case("U64", DType::U64)
      .Case("F64", DType::F64)
      .Case("C64", DType::C64)
      .Case("F4", DType::F4)
      .Case("F6_E2M3", DType::F6_E2M3)
      .Case("F6_E3M2", DType::F6_E3M2)
      .Default(std::nullopt);
}

Expected<json> Reader::readHeader(uint64_t &dataStart) {
  if (file->size() < 8)
    return bad("", "is no safetensors file: it has fewer than 8 bytes");
  uint64_t length = support::endian::read64le(file->bytes().data());
  if (length > kMaxHeader)
    return bad("header", "its length " + Twine(length) + " is over " +
                             Twine(kMaxHeader) +
                             "; is this a safetensors file?");
  std::optional<ArrayRef<uint8_t>> header = file->slice(8, length);
  if (!header)
    return bad("header", "its length " + Twine(length) +
                             " is beyond the end of the file (" +
                             Twine(file->size()) + " bytes)");
  StringRef text = toStringRef(*header);
  if (!text.starts_with("{"))
    return bad("header", "does not begin with '{'");
  // JSON allows other white space after the object, the format only spaces.
  StringRef object = text.rtrim(' ');
  if (!object.ends_with("}"))
    return bad("header", "is not followed by spaces only");
  dataStart = 8 + length;
  return parseJson(file->path(), object);
}

Error Reader::readMetadata(const json &value) {
  if (!value.is_object())
    return bad("__metadata__", "is not an object");
  for (const auto &[key, text] : value.get_ref<const json::object_t &>()) {
    if (!text.is_string())
      return bad("__metadata__",
                 "the value of \"" + Twine(key) + "\" is not a string");
    result.metadata[key] = stringOf(text).str();
  }
  return Error::success();
}

Error Reader::readEntry(StringRef name, const json &value) {
  std::string where = "tensor " + name.str();
  if (!value.is_object())
    return bad(where, "its header entry is not an object");
  const json *dtype = findMember(value, "dtype");
  const json *shape = findMember(value, "shape");
  const json *offsets = findMember(value, "data_offsets");
  if (!dtype || !shape || !offsets)
    return bad(where, "has no dtype, shape or data_offsets");
  Entry entry;
  entry.tensor.name = name.str();
  if (!dtype->is_string())
    return bad(where, "its dtype is not a string");
  std::optional<DType> type = parseDType(stringOf(*dtype));
  if (!type)
    return bad(where, "its dtype \"" + stringOf(*dtype) + "\" is unknown");
  entry.tensor.dtype = *type;
  if (!shape->is_array())
    return bad(where, "its shape is not a list");
  for (const json &dim : shape->get_ref<const json::array_t &>()) {
    std::optional<uint64_t> size = unsignedOf(dim);
    if (!size || *size > uint64_t(INT64_MAX))
      return bad(where, "its shape holds something that is not a size");
    entry.tensor.shape.push_back(*size);
  }
  if (!offsets->is_array() || offsets->size() != 2)
    return bad(where, "its data_offsets are not two numbers");
  const auto &pair = offsets->get_ref<const json::array_t &>();
  std::optional<uint64_t> begin = unsignedOf(pair[0]);
  std::optional<uint64_t> end = unsignedOf(pair[1]);
  if (!begin || !end)
    return bad(where, "its data_offsets are not two numbers");
  entry.begin = *begin;
  entry.end = *end;
  entries.push_back(std::move(entry));
  return Error::success();
}

Error Reader::placeTensors(uint64_t dataStart) {
  llvm::sort(entries, [](const Entry &a, const Entry &b) {
    return std::tie(a.begin, a.end, a.tensor.name) <
           std::tie(b.begin, b.end, b.tensor.name);
  });
  uint64_t position = 0;
  for (Entry &entry : entries) {
    SourceTensor &tensor = entry.tensor;
    std::string where = "tensor " + tensor.name;
    if (entry.begin != position)
      return bad(where, "its data begins at " + Twine(entry.begin) +
                            ", not at " + Twine(position) +
                            " where the tensor before it ends");
    if (entry.end < entry.begin)
      return bad(where, "its data ends before it begins");
    const DTypeInfo &type = info(tensor.dtype);
    std::optional<uint64_t> bytes = numBytes(tensor.dtype, tensor.shape);
    if (!bytes)
      return bad(where, "the size of shape " + shapeString(tensor.shape) +
                            " overflows");
    uint64_t restBits = *numElements(tensor.shape) % type.blockElements *
                        type.blockBytes * 8 / type.blockElements;
    if (restBits % 8 != 0)
      return bad(where, "shape " + shapeString(tensor.shape) + " of " +
                            type.name + " is not a whole number of bytes");
    if (entry.end - entry.begin != *bytes)
      return bad(where, "has " + Twine(entry.end - entry.begin) +
                            " bytes of data, but shape " +
                            shapeString(tensor.shape) + " of " + type.name +
                            " takes " + Twine(*bytes));
    std::optional<uint64_t> start = checkedAdd(dataStart, entry.begin);
    std::optional<ArrayRef<uint8_t>> span =
        start ? file->slice(*start, *bytes) : std::nullopt;
    if (!span)
      return bad(where, "its data ends beyond the end of the file (" +
                            Twine(file->size()) +
                            " bytes); the file is cut short");
    tensor.bytes = *span;
    tensor.file = file;
    position = entry.end;
    result.tensors.add(std::move(tensor));
  }
  if (position != file->size() - dataStart)
    return bad("", Twine(file->size() - dataStart - position) +
                       " bytes after the last tensor belong to none");
  return Error::success();
}

Expected<SafetensorsFile> Reader::read() {
  uint64_t dataStart = 0;
  Expected<json> header = readHeader(dataStart);
  if (!header)
    return header.takeError();
  for (const auto &[name, value] : header->get_ref<const json::object_t &>())
    if (Error error = name == "__metadata__" ? readMetadata(value)
                                             : readEntry(name, value))
      return error;
  if (Error error = placeTensors(dataStart))
    return error;
  return std::move(result);
}

/// The shards that an index names, each once, and which tensor is to be in
/// which.
Error readIndex(StringRef path, StringMap<std::string> &shardOf,
                std::vector<std::string> &shards) {
  Expected<json> index = readJson(path);
  if (!index)
    return index.takeError();
  const json *map = findMember(*index, "weight_map");
  if (!map || !map->is_object())
    return badModel(path, "", "has no \"weight_map\" object");
  for (const auto &[name, shard] : map->get_ref<const json::object_t &>()) {
    if (!shard.is_string())
      return badModel(path, "tensor " + name, "its shard is not a file name");
    StringRef file = stringOf(shard);
    if (file.empty() || file.contains('/') || file.contains('\\') ||
        file.contains('\0') || file == "." || file == "..")
      return badModel(path, "tensor " + name,
                      "its shard \"" + file +
                          "\" is not a plain file name in this directory");
    shardOf[name] = file.str();
    shards.push_back(file.str());
  }
  llvm::sort(shards);
  shards.erase(std::unique(shards.begin(), shards.end()), shards.end());
  return Error::success();
}

Expected<TensorTable> readShards(StringRef directory, StringRef indexPath) {
  StringMap<std::string> shardOf;
  std::vector<std::string> shards;
  if (Error error = readIndex(indexPath, shardOf, shards))
    return error;
  TensorTable all;
  for (const std::string &shard : shards) {
    SmallString<256> path(directory);
    sys::path::append(path, shard);
    if (!sys::fs::exists(path))
      return badModel(indexPath, "",
                      "the shard " + shard +
                          " is missing; fetch it into the same directory");
    Expected<std::shared_ptr<const MappedFile>> file = MappedFile::open(path);
    if (!file)
      return file.takeError();
    Expected<SafetensorsFile> part = readSafetensors(*file);
    if (!part)
      return part.takeError();
    for (const SourceTensor &tensor : part->tensors) {
      auto it = shardOf.find(tensor.name);
      if (it != shardOf.end() && it->second == shard)
        shardOf.erase(it);
      if (!all.add(tensor))
        return badModel(path, "tensor " + tensor.name,
                        "is in another shard, too");
    }
  }
  for (const auto &entry : shardOf)
    return badModel(indexPath, "tensor " + entry.getKey(),
                    "is not in its shard " + entry.getValue());
  return std::move(all);
}

} // namespace

Expected<SafetensorsFile>
readSafetensors(std::shared_ptr<const MappedFile> file) {
  return Reader(std::move(file)).read();
}

Expected<TensorTable> readSafetensorsDirectory(StringRef directory) {
  SmallString<256> single(directory), index(directory);
  sys::path::append(single, "model.safetensors");
  sys::path::append(index, "model.safetensors.index.json");
  if (!sys::fs::exists(single)) {
    if (sys::fs::exists(index))
      return readShards(directory, index);
    return badModel(directory, "",
                    "has neither model.safetensors nor "
                    "model.safetensors.index.json");
  }
  Expected<std::shared_ptr<const MappedFile>> file = MappedFile::open(single);
  if (!file)
    return file.takeError();
  Expected<SafetensorsFile> contents = readSafetensors(*file);
  if (!contents)
    return contents.takeError();
  return std::move(contents->tensors);
}

} // namespace qcc
