//===- WeightSource.h - The rows of a weight, however the model's files hold them -===//
//
// What a recipe begins with: plain tensors, GGUF blocks and linear layers that other tools packed
// all give rows as they are (codes, scales) or as floats. The materializer asks no further.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_WEIGHTS_WEIGHTSOURCE_H
#define QCC_COMPILER_WEIGHTS_WEIGHTSOURCE_H

#include "dialects/NN/IR/NN.h"
#include "dialects/QuantExt/Codec/Matrix.h"
#include "frontends/Checkpoint/LoraAdapter.h"
#include "frontends/Checkpoint/QuantizationConfig.h"
#include "frontends/Common/TensorStorage.h"

namespace qcc {

/// The files that recipes read; all outlive the sources opened from them.
struct WeightFiles {
  WeightFiles(const TensorTable &tensors, const QuantizationConfig *quantization = nullptr,
              const LoraAdapter *adapter = nullptr)
      : tensors(tensors), quantization(quantization), adapter(adapter) {}

  const TensorTable &tensors;
  const QuantizationConfig *quantization;  ///< of packed layers; null without them
  const LoraAdapter *adapter;              ///< null without one
  const TensorTable *calibrated = nullptr; ///< what recipes take from calibration; may be null
};

/// One instance of an nn.weight: a matrix [N, K] (a vector is one with K = 1) in the order and
/// orientation of the IR. Reading is const and may be done by several threads.
class WeightSource {
public:
  /// Internal where the IR names what is not there; errors of the file otherwise.
  static llvm::Expected<std::unique_ptr<WeightSource>> open(nn::WeightOp weight, size_t instance,
                                                            const WeightFiles &files);
  virtual ~WeightSource();

  /// Whether rows can be taken as they are, into a matrix of `scheme`.
  virtual bool holdsExactly(const Scheme &scheme) const { return false; }

  /// Rows first .. first + count as they are; only if holdsExactly(rows.scheme). `rows` has
  /// `count` rows of K elements.
  virtual void readExact(int64_t first, int64_t count, QuantizedMatrix &rows) const;

  /// The same rows as f32 [count, K], rounded as the tool that wrote the file dequantizes.
  virtual void readFloat(int64_t first, int64_t count, float *out) const = 0;

  /// All elements as the file has them, for weights whose type the IR keeps; empty where they have
  /// no such form.
  virtual llvm::ArrayRef<uint8_t> bytes() const { return {}; }

  /// PackedLinear::columnOrder(): empty where columns are as they are in the model.
  virtual llvm::ArrayRef<int32_t> columnOrder() const { return {}; }

  /// Tells the system that the pages of the file are not needed soon.
  virtual void dropPages() const = 0;

  /// What to call it in messages.
  llvm::StringRef name() const { return sourceName; }

protected:
  explicit WeightSource(llvm::StringRef name) : sourceName(name) {}

private:
  std::string sourceName;
};

/// Rows firstRow .. of a matrix as f32, as many as `rows` [count, K] has.
llvm::Error readRows(nn::WeightOp weight, size_t instance, const WeightFiles &files,
                     int64_t firstRow, llvm::MutableArrayRef<float> rows);

} // namespace qcc

#endif // QCC_COMPILER_WEIGHTS_WEIGHTSOURCE_H
