//===- OnnxModel.h - Reader of ONNX files
//-----------------------------------===//
//
// Parses the protobuf, finds the bytes of every initializer (inline, typed, or
// in external files, which must lie in the model's directory) and checks the
// structure that an importer relies on: names are defined once and before they
// are used. Operators are not looked at; that is the importer's part.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_ONNX_ONNXMODEL_H
#define QCC_FRONTENDS_ONNX_ONNXMODEL_H

#include "frontends/Common/TensorStorage.h"

#include "llvm/ADT/DenseMap.h"

#include <onnx/onnx_pb.h>

namespace qcc {

/// A checked ONNX model. Nodes of every graph are in topological order; every
/// node input is empty, a graph input, an initializer, an earlier output, or
/// (in a subgraph) visible in an enclosing graph. Every name is defined once in
/// its graph.
class OnnxModel {
public:
  /// Opens a .onnx file. BadModel for everything that is wrong with it.
  static llvm::Expected<std::unique_ptr<OnnxModel>> open(llvm::StringRef path);
  /// The same for bytes; external data is looked for beside file->path().
  static llvm::Expected<std::unique_ptr<OnnxModel>>
  parse(std::shared_ptr<const MappedFile> file);

  /// The parsed message. Large initializers have no raw_data here: they are
  /// left in the file; ask initializers() for their bytes.
  const onnx::ModelProto &proto() const { return model; }
  const onnx::GraphProto &graph() const { return model.graph(); }
  llvm::StringRef path() const { return filePath; }

  /// Opset version that the model imports for a domain ("" is ai.onnx), 0 if
  /// none.
  int64_t opset(llvm::StringRef domain) const;

  /// Initializers of the main graph, in file order.
  const TensorTable &initializers() const { return tensors; }

  /// The tensor of a node's attribute or a subgraph's initializer. `where`
  /// names it in errors. Its bytes live as long as this model. Typed data of
  /// types narrower than their storage is copied, all else stays.
  llvm::Expected<SourceTensor> tensor(const onnx::TensorProto &,
                                      llvm::StringRef where) const;

private:
  OnnxModel() = default;
  llvm::Error load();
  llvm::Error readOpsets();
  llvm::Error readInitializers();
  llvm::Expected<llvm::ArrayRef<uint8_t>>
  externalBytes(const onnx::TensorProto &, uint64_t size,
                const std::string &where, SourceTensor &) const;
  llvm::Expected<std::shared_ptr<const MappedFile>>
  externalFile(llvm::StringRef location, const std::string &where) const;

  onnx::ModelProto model;
  std::string filePath;
  TensorTable tensors;
  /// The model's file, and the raw_data that was left in it.
  std::shared_ptr<const MappedFile> mapped;
  llvm::DenseMap<const onnx::TensorProto *, llvm::ArrayRef<uint8_t>> rawData;
  mutable llvm::StringMap<std::shared_ptr<const MappedFile>> externalFiles;
};

/// Opsets, inputs, outputs, operators with their counts, and initializers as
/// text.
std::string describe(const OnnxModel &);

} // namespace qcc

#endif // QCC_FRONTENDS_ONNX_ONNXMODEL_H
