//===- OnnxModel.cpp - Reader of ONNX files
//---------------------------------===//
//
// Loading, opset imports and tensors, inline and external. External files are
// opened only inside the model's directory: the location comes from the file.
//
//===----------------------------------------------------------------------===//
#include "frontends/ONNX/OnnxModel.h"

#include "frontends/Common/Error.h"
#include "frontends/ONNX/GraphCheck.h"
#include "frontends/ONNX/RawData.h"
#include "frontends/ONNX/TensorData.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace qcc {
namespace {

/// The two names of the standard domain.
StringRef canonicalDomain(StringRef domain) {
  return domain == "ai.onnx" ? "" : domain;
}

/// Whether `file` lies in `directory`, both without symbolic links. Hub caches
/// keep the files of a snapshot as links into blobs/, beside snapshots/; that
/// is inside, too.
bool isInside(StringRef directory, StringRef file) {
  StringRef rest = file;
  if (rest.consume_front(directory) &&
      (directory.ends_with("/") || rest.starts_with("/")))
    return true;
  StringRef snapshots = sys::path::parent_path(directory);
  if (sys::path::filename(snapshots) != "snapshots")
    return false;
  SmallString<256> blobs(sys::path::parent_path(snapshots));
  sys::path::append(blobs, "blobs");
  return sys::path::parent_path(file) == blobs;
}

} // namespace

Expected<std::unique_ptr<OnnxModel>> OnnxModel::open(StringRef path) {
  Expected<std::shared_ptr<const MappedFile>> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  return parse(std::move(*file));
}

Expected<std::unique_ptr<OnnxModel>>
OnnxModel::parse(std::shared_ptr<const MappedFile> file) {
  std::unique_ptr<OnnxModel> result(new OnnxModel);
  result->filePath = file->path().str();
  if (file->size() > uint64_t(INT32_MAX))
    return badModel(file->path(), "",
                    "is larger than 2 GiB, which protobuf cannot hold; keep "
                    "the weights as external data");
  std::optional<CutModel> cut = cutRawData(file->bytes());
  if (!cut || !result->model.ParseFromString(cut->message))
    return badModel(file->path(), "",
                    "cannot be parsed as ONNX; it is no ONNX file, or it is "
                    "damaged or cut short");
  for (auto [number, bytes] : cut->rawData)
    result->rawData[&result->graph().initializer(number)] = bytes;
  result->mapped = std::move(file);
  if (Error error = result->load())
    return error;
  return std::move(result);
}

Error OnnxModel::load() {
  if (!model.has_graph())
    return badModel(filePath, "", "has no graph; is this an ONNX file?");
  if (Error error = readOpsets())
    return error;
  if (Error error = readInitializers())
    return error;
  return checkGraph(*this);
}

Error OnnxModel::readOpsets() {
  if (model.ir_version() < 1)
    return badModel(filePath, "ir_version", "is missing or not positive");
  if (model.opset_import().empty())
    return badModel(filePath, "opset_import", "the model imports no opset");
  StringSet<> domains;
  for (const onnx::OperatorSetIdProto &entry : model.opset_import()) {
    std::string where = "opset_import \"" + entry.domain() + "\"";
    if (entry.version() < 1)
      return badModel(filePath, where, "its version is not positive");
    if (!domains.insert(canonicalDomain(entry.domain())).second)
      return badModel(filePath, where, "occurs twice");
  }
  return Error::success();
}

int64_t OnnxModel::opset(StringRef domain) const {
  for (const onnx::OperatorSetIdProto &entry : model.opset_import())
    if (canonicalDomain(entry.domain()) == canonicalDomain(domain))
      return entry.version();
  return 0;
}

Error OnnxModel::readInitializers() {
  std::vector<std::string> sparse;
  for (const onnx::SparseTensorProto &tensor : graph().sparse_initializer())
    sparse.push_back(tensor.values().name());
  if (!sparse.empty())
    return unsupported(filePath, "has sparse initializers", std::move(sparse));
  for (const onnx::TensorProto &proto : graph().initializer()) {
    Expected<SourceTensor> read = tensor(proto, "graph");
    if (!read)
      return read.takeError();
    if (!tensors.add(std::move(*read)))
      return badModel(filePath, "graph",
                      "has two initializers named \"" + proto.name() + "\"");
  }
  return Error::success();
}

Expected<SourceTensor> OnnxModel::tensor(const onnx::TensorProto &proto,
                                         StringRef where) const {
  std::string here = (where + ": tensor \"" + proto.name() + "\"").str();
  auto bad = [&](const Twine &what) { return badModel(filePath, here, what); };
  SourceTensor result;
  result.name = proto.name();
  std::optional<DType> dtype = onnxDType(proto.data_type());
  if (!dtype)
    return bad("its data type " + Twine(proto.data_type()) + " is unknown");
  result.dtype = *dtype;
  result.shape.assign(proto.dims().begin(), proto.dims().end());
  if (proto.has_segment())
    return unsupported(filePath, here + " is stored in segments");
  std::optional<uint64_t> size = numBytes(result.dtype, result.shape);
  if (!size || !numElements(result.shape))
    return bad("a dimension is negative or the size overflows: " +
               shapeString(result.shape));
  if (proto.data_location() == onnx::TensorProto::EXTERNAL) {
    Expected<ArrayRef<uint8_t>> bytes =
        externalBytes(proto, *size, here, result);
    if (!bytes)
      return bytes.takeError();
    result.bytes = *bytes;
    return std::move(result);
  }
  ArrayRef<uint8_t> raw = arrayRefFromStringRef(proto.raw_data());
  if (auto inFile = rawData.find(&proto); inFile != rawData.end()) {
    raw = inFile->second;
    result.file = mapped;
  }
  std::string wrong = inlineBytes(proto, raw, *size, result);
  if (!wrong.empty())
    return bad(wrong);
  return std::move(result);
}

Expected<ArrayRef<uint8_t>>
OnnxModel::externalBytes(const onnx::TensorProto &proto, uint64_t size,
                         const std::string &where, SourceTensor &tensor) const {
  auto bad = [&](const Twine &what) { return badModel(filePath, where, what); };
  if (tensor.dtype == DType::String)
    return bad("strings cannot be external data");
  StringMap<StringRef> entries;
  for (const onnx::StringStringEntryProto &entry : proto.external_data())
    if (!entries.try_emplace(entry.key(), entry.value()).second)
      return bad("its external data has the key \"" + entry.key() + "\" twice");
  uint64_t offset = 0, length = size;
  if (entries.contains("offset") &&
      entries.lookup("offset").getAsInteger(10, offset))
    return bad("the offset of its external data is not a number: \"" +
               entries.lookup("offset") + "\"");
  if (entries.contains("length") &&
      entries.lookup("length").getAsInteger(10, length))
    return bad("the length of its external data is not a number: \"" +
               entries.lookup("length") + "\"");
  if (length != size)
    return bad("has " + Twine(length) + " bytes of external data, but shape " +
               shapeString(tensor.shape) + " of " + info(tensor.dtype).name +
               " takes " + Twine(size));
  Expected<std::shared_ptr<const MappedFile>> file =
      externalFile(entries.lookup("location"), where);
  if (!file)
    return file.takeError();
  std::optional<ArrayRef<uint8_t>> bytes = (*file)->slice(offset, length);
  if (!bytes)
    return bad("its external data, bytes " + Twine(offset) + " to " +
               Twine(offset) + " + " + Twine(length) +
               ", goes beyond the end of " + (*file)->path() + " (" +
               Twine((*file)->size()) + " bytes)");
  tensor.file = *file;
  return *bytes;
}

Expected<std::shared_ptr<const MappedFile>>
OnnxModel::externalFile(StringRef location, const std::string &where) const {
  auto bad = [&](const Twine &what) {
    return badModel(filePath, where,
                    "its external data location \"" + location + "\" " + what);
  };
  auto known = externalFiles.find(location);
  if (known != externalFiles.end())
    return known->second;
  if (location.empty() || location.contains('\0'))
    return bad("is not a file name");
  if (sys::path::is_absolute(location))
    return bad("is absolute; it must be relative to the model's directory");
  SmallVector<StringRef> parts;
  location.split(parts, '/');
  if (llvm::is_contained(parts, ".."))
    return bad("leaves the model's directory");
  StringRef directory = sys::path::parent_path(filePath);
  SmallString<256> path(directory.empty() ? "." : directory);
  SmallString<256> realDirectory, realPath;
  std::error_code ec = sys::fs::real_path(path, realDirectory);
  sys::path::append(path, location);
  if (!ec)
    ec = sys::fs::real_path(path, realPath);
  if (ec)
    return bad("cannot be opened (" + ec.message() +
               "); it must lie beside the model");
  if (!isInside(realDirectory, realPath))
    return bad("is a link that leaves the model's directory");
  sys::fs::file_status status;
  if (!sys::fs::status(realPath, status) && status.getLinkCount() > 1)
    return bad("has other names (hard links), which may lie outside the "
               "model's directory; copy the file");
  Expected<std::shared_ptr<const MappedFile>> file = MappedFile::open(path);
  if (file)
    externalFiles[location] = *file;
  return file;
}

} // namespace qcc
