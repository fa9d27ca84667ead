//===- LinearSource.h - Checked access to a linear layer's tensors --------===//
//
// What the decoders of all tools share: finding tensors by suffix, comparing
// types and shapes, packed codes, scales of any float type, and groups given by
// an index for each column.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_FRONTENDS_CHECKPOINT_LINEARSOURCE_H
#define QCC_FRONTENDS_CHECKPOINT_LINEARSOURCE_H

#include "dialects/QuantExt/Codec/Scheme.h"
#include "frontends/Checkpoint/PackedLinear.h"

#include "llvm/Support/Endian.h"

namespace qcc {

/// The tensors whose names begin with the module's name.
class LinearSource {
public:
  LinearSource(const QuantizationConfig &config, const TensorTable &tensors, llvm::StringRef prefix)
      : config(config), tensors(tensors), prefix(prefix.str()) {}

  /// Tensor "prefix.suffix", or null.
  const SourceTensor *find(llvm::StringRef suffix) const;

  /// The same, of one of `types` and with `rank` dimensions, none of them 0.
  llvm::Expected<SourceTensor> require(llvm::StringRef suffix, llvm::ArrayRef<DType> types,
                                       size_t rank) const;

  /// The same with exactly this shape.
  llvm::Expected<SourceTensor> requireShape(llvm::StringRef suffix, llvm::ArrayRef<DType> types,
                                            llvm::ArrayRef<int64_t> shape) const;

  llvm::Error bad(llvm::StringRef suffix, const llvm::Twine &what) const;
  llvm::Error notSupported(const llvm::Twine &what) const;

  /// Unsupported or BadModel where a matrix of this size and group size (0: the
  /// row) has no Scheme. A group as long as the row becomes 0.
  llvm::Error checkGroups(int64_t n, int64_t k, int64_t &groupSize) const;

  /// The kind that holds every scale of the tensor exactly; BadModel when one
  /// is not finite.
  llvm::Expected<ScaleKind> scaleKind(llvm::StringRef suffix, const SourceTensor &) const;

  /// Column order that makes the groups of a group index [K] contiguous: a
  /// stable sort. Empty when they are already. BadModel for an index beyond
  /// `groups`, Unsupported when groups differ in size.
  llvm::Expected<std::vector<int32_t>> columnOrder(llvm::StringRef suffix,
                                                   const SourceTensor &index, int64_t groups,
                                                   int64_t groupSize) const;

  const QuantizationConfig &config;

private:
  const TensorTable &tensors;
  std::string prefix;
};

/// The types that scales may have.
constexpr DType kScaleTypes[] = {DType::F16, DType::BF16, DType::F32};

inline int64_t ceilDiv(int64_t a, int64_t b) { return a / b + (a % b != 0); }

/// Element i of an F16, BF16 or F32 tensor.
float floatAt(const SourceTensor &, int64_t i);

/// Element i of a tensor of 32-bit words, of any alignment.
inline uint32_t wordAt(const SourceTensor &t, int64_t i) {
  return llvm::support::endian::read32le(t.bytes.data() + 4 * i);
}

/// Codes of `bits` bits in little-endian words.
struct Packing {
  unsigned bits = 0;
  bool dense = true; ///< codes may cross words; else a word's top bits are unused

  /// Words of `count` codes, count * bits < 2^63.
  int64_t words(int64_t count) const {
    return dense ? ceilDiv(count * bits, 32) : ceilDiv(count, 32 / bits);
  }

  /// Code `index` of the stream of words first, first + stride, ...
  uint8_t codeAt(const SourceTensor &t, int64_t first, int64_t stride, int64_t index) const {
    int64_t bit = index * bits, word = bit / 32;
    unsigned shift = bit % 32;
    if (!dense) {
      word = index / (32 / bits);
      shift = index % (32 / bits) * bits;
    }
    uint64_t value = wordAt(t, first + word * stride);
    if (shift + bits > 32)
      value |= uint64_t(wordAt(t, first + (word + 1) * stride)) << 32;
    return (value >> shift) & ((1u << bits) - 1);
  }
};

using OpenedLinear = llvm::Expected<std::unique_ptr<PackedLinear>>;

/// A decoder of class T, after T::open(source, ...).
template <typename T, typename... Args>
OpenedLinear openAs(const LinearSource &source, const Args &...args) {
  auto linear = std::make_unique<T>();
  if (llvm::Error error = linear->open(source, args...))
    return error;
  return linear;
}

OpenedLinear openGptq(const LinearSource &);
OpenedLinear openAwq(const LinearSource &);
OpenedLinear openBitsAndBytes(const LinearSource &);
OpenedLinear openCompressedTensors(const LinearSource &, const CompressedGroup &);

} // namespace qcc

#endif // QCC_FRONTENDS_CHECKPOINT_LINEARSOURCE_H
