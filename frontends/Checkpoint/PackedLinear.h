//===- PackedLinear.h - A linear layer that another tool quantized --------===//
//
// Finds the tensors of one quantized linear layer, checks them against the
// config, and decodes them into qcc's own form without changing a number: the
// same codes, scales and zero points. Rows are decoded a few at a time, so that
// a materializer can stream a large model through little memory.
//
// Layouts: GPTQ v1 and v2 (2, 3, 4, 8 bits), AWQ GEMM, bitsandbytes int8, NF4
// and FP4, compressed-tensors pack-quantized and int-quantized.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_CHECKPOINT_PACKEDLINEAR_H
#define QCC_FRONTENDS_CHECKPOINT_PACKEDLINEAR_H

#include "dialects/QuantExt/Codec/Matrix.h"
#include "frontends/Checkpoint/QuantizationConfig.h"
#include "frontends/Common/TensorStorage.h"

#include <memory>

namespace qcc {

/// The weight W[n, k] of a quantized linear layer (n outputs, k inputs). Keeps
/// the files of its tensors mapped.
class PackedLinear {
public:
  /// Does `tensors` hold a quantized weight below `prefix`
  /// ("model.layers.0.self_attn.q_proj")? Modules that a tool left alone have
  /// a plain float `prefix.weight`.
  static bool isPresent(const QuantizationConfig &, const TensorTable &, llvm::StringRef prefix);

  /// Finds and checks the tensors of `prefix`. Every scale is looked at: one
  /// that is not finite is an error. Fails with BadModel (a tensor is missing,
  /// or its type, shape or values contradict the config or each other) or
  /// Unsupported (a valid layout that has no Scheme).
  static llvm::Expected<std::unique_ptr<PackedLinear>>
  open(const QuantizationConfig &, const TensorTable &, llvm::StringRef prefix);

  /// Is "prefix.part" one of the tensors that a packed layer of this method is made of?
  static bool isPart(const QuantizationConfig &, llvm::StringRef part);

  virtual ~PackedLinear();

  int64_t n() const { return rowCount; }
  int64_t k() const { return columnCount; }
  const Scheme &scheme() const { return grid; }

  /// Activation order: the column of W that stored position p holds is
  /// columnOrder()[p]; so W x is the stored matrix times x gathered in this
  /// order. Empty when columns are stored as they are.
  const std::vector<int32_t> &columnOrder() const { return order; }

  /// Rows first .. first + count of the stored matrix, in columnOrder().
  /// `rows` is resized; its memory is reused. 0 <= first, first + count <= n.
  /// Column-major layouts (GPTQ, AWQ) are read fastest with 16 rows or more.
  void readRows(int64_t first, int64_t count, QuantizedMatrix &rows) const;

  /// Row `row` of W in logical column order as float32: k values to `out`,
  /// rounded exactly as the tool that wrote the checkpoint dequantizes. Equals
  /// dequantizing readRows, except for bitsandbytes int8, whose definition
  /// code * SCB / 127 rounds twice: there the scheme's values differ by at most
  /// 2^-22 of the value.
  virtual void readValues(int64_t row, float *out) const;

  /// Tells the system that the pages of the tensors are not needed soon.
  void dropPages() const;

protected:
  virtual void readRow(int64_t row, const RowView &view) const = 0;

  int64_t rowCount = 0, columnCount = 0;
  Scheme grid;
  std::vector<int32_t> order;
  std::vector<SourceTensor> sources; ///< all tensors that readRow looks at
};

} // namespace qcc

#endif // QCC_FRONTENDS_CHECKPOINT_PACKEDLINEAR_H
