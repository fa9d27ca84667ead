//===- TensorStorage.h - Named tensors of a model file
//---------------------===//
//
// What safetensors, GGUF and ONNX have in common: a name, a type, a shape and
// bytes that stay where they are. Shapes are row-major in all of them: a weight
// that maps K features to N is [N, K], also when the file (GGUF) writes its
// dimensions reversed.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_COMMON_TENSORSTORAGE_H
#define QCC_FRONTENDS_COMMON_TENSORSTORAGE_H

#include "frontends/Common/MappedFile.h"

#include "llvm/ADT/StringMap.h"

namespace qcc {

/// Element types. From Q4_0 on they are GGUF blocks: a block holds several
/// elements of a row with its own scale. Sub-byte types are packed as their
/// format defines.
enum class DType : uint8_t {
  F64,
  F32,
  F16,
  BF16,
  F8_E4M3,
  F8_E5M2,
  F8_E8M0,
  F8_E4M3FNUZ,
  F8_E5M2FNUZ,
  F6_E2M3,
  F6_E3M2,
  F4,
  I64,
  I32,
  I16,
  I8,
  I4,
  I2,
  U64,
  U32,
  U16,
  U8,
  U4,
  U2,
  Bool,
  C64,
  C128,
  String, ///< ONNX only; has no bytes
  Q4_0,
  Q4_1,
  Q5_0,
  Q5_1,
  Q8_0,
  Q2_K,
  Q3_K,
  Q4_K,
  Q5_K,
  Q6_K,
  IQ4_NL,
  IQ4_XS,
  IQ2_XXS,
  IQ2_XS,
  IQ2_S,
  IQ3_XXS,
  IQ3_S,
  IQ1_S,
  IQ1_M,
  TQ1_0,
  TQ2_0,
  MXFP4,
  NVFP4,
  Q1_0,
  Q2_0,
};

/// Name and size of a type: `blockElements` elements take `blockBytes` bytes.
struct DTypeInfo {
  const char *name;
  unsigned blockElements;
  unsigned blockBytes;
};
const DTypeInfo &info(DType);

/// F64, F32, F16 or BF16.
bool isFloat(DType);
/// One of the GGUF block types.
bool isBlock(DType);

/// Product of the dimensions (1 for a scalar), or nothing on overflow or a
/// negative one.
std::optional<uint64_t> numElements(llvm::ArrayRef<int64_t> shape);

/// Bytes of a tensor, or nothing on overflow. The last partial byte of sub-byte
/// types is counted whole. Nothing also when a row is not a whole number of
/// GGUF blocks.
std::optional<uint64_t> numBytes(DType, llvm::ArrayRef<int64_t> shape);

/// "[2, 3]".
std::string shapeString(llvm::ArrayRef<int64_t> shape);

/// A tensor of a model file. `bytes.size()` equals numBytes(dtype, shape),
/// except for DType::String, which has no bytes. The data start may have any
/// alignment.
struct SourceTensor {
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
  llvm::ArrayRef<uint8_t> bytes;
  std::shared_ptr<const MappedFile> file; ///< what bytes point into, if a file
  std::shared_ptr<const void> memory; ///< what bytes point into, if not a file

  /// Where the bytes lie in `file`; 0 without one.
  uint64_t fileOffset() const {
    return file ? bytes.data() - file->bytes().data() : 0;
  }
  /// Forwards to MappedFile::dropPages, if there is a file.
  void dropPages() const {
    if (file)
      file->dropPages(bytes);
  }
};

/// Tensors in file order, found by name. Pointers to its tensors stay valid
/// when the table is moved, and until it is destroyed or added to.
class TensorTable {
public:
  /// False when the name is taken; then the table is unchanged.
  bool add(SourceTensor);
  const SourceTensor *find(llvm::StringRef name) const;

  size_t size() const { return list.size(); }
  bool empty() const { return list.empty(); }
  std::vector<SourceTensor>::const_iterator begin() const {
    return list.begin();
  }
  std::vector<SourceTensor>::const_iterator end() const { return list.end(); }

private:
  std::vector<SourceTensor> list;
  llvm::StringMap<size_t> index;
};

/// One line for each tensor: name, type, shape, bytes.
std::string describe(const TensorTable &);

} // namespace qcc

#endif // QCC_FRONTENDS_COMMON_TENSORSTORAGE_H
