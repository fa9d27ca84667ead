//===- LinearSource.cpp - Checked access to a linear layer's tensors ------===//
//
// Names, types, shapes and values are a stranger's: each is compared with what
// the config and the other tensors say before it is used.
//
//===----------------------------------------------------------------------===//
#include "frontends/Checkpoint/LinearSource.h"

#include "dialects/QuantExt/Codec/Float16.h"
#include "frontends/Common/Error.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace llvm;

namespace qcc {

const SourceTensor *LinearSource::find(StringRef suffix) const {
  return tensors.find(prefix + "." + suffix.str());
}

Error LinearSource::bad(StringRef suffix, const Twine &what) const {
  return badModel(config.path, prefix + "." + suffix, what);
}

Error LinearSource::notSupported(const Twine &what) const {
  return unsupported(config.path, prefix + ": " + what);
}

Expected<SourceTensor> LinearSource::require(StringRef suffix, ArrayRef<DType> types,
                                             size_t rank) const {
  const SourceTensor *tensor = find(suffix);
  if (!tensor)
    return bad(suffix, "this tensor of a quantized layer is missing");
  if (!is_contained(types, tensor->dtype)) {
    std::string wanted;
    for (DType type : types)
      wanted += (wanted.empty() ? "" : " or ") + std::string(info(type).name);
    return bad(suffix, Twine("has type ") + info(tensor->dtype).name + ", not " + wanted);
  }
  if (tensor->shape.size() != rank || is_contained(tensor->shape, 0))
    return bad(suffix, "has shape " + shapeString(tensor->shape) + ", not " + Twine(rank) +
                           " dimensions of 1 or more");
  return *tensor;
}

Expected<SourceTensor> LinearSource::requireShape(StringRef suffix, ArrayRef<DType> types,
                                                  ArrayRef<int64_t> shape) const {
  Expected<SourceTensor> tensor = require(suffix, types, shape.size());
  if (tensor && ArrayRef<int64_t>(tensor->shape) != shape)
    return bad(suffix, "has shape " + shapeString(tensor->shape) + ", not " + shapeString(shape));
  return tensor;
}

Error LinearSource::checkGroups(int64_t n, int64_t k, int64_t &groupSize) const {
  if (n > INT32_MAX || k > INT32_MAX)
    return notSupported("a matrix of " + Twine(n) + " x " + Twine(k));
  if (groupSize >= k)
    groupSize = 0;
  if (groupSize % 16 != 0)
    return notSupported("groups of " + Twine(groupSize) + " columns; multiples of 16 are possible");
  return Error::success();
}

float floatAt(const SourceTensor &t, int64_t i) {
  if (t.dtype == DType::F32)
    return floatOfBits(wordAt(t, i));
  uint16_t half = support::endian::read16le(t.bytes.data() + 2 * i);
  return t.dtype == DType::F16 ? halfToFloat(half) : bfloatToFloat(half);
}

Expected<ScaleKind> LinearSource::scaleKind(StringRef suffix, const SourceTensor &scales) const {
  int64_t count = *numElements(scales.shape);
  bool half = true;
  for (int64_t i = 0; i < count; ++i) {
    float scale = floatAt(scales, i);
    if (!std::isfinite(scale))
      return bad(suffix, "element " + Twine(i) + " is not finite");
    half &= halfToFloat(floatToHalf(scale)) == scale;
  }
  return half ? ScaleKind::F16 : ScaleKind::F32;
}

Expected<std::vector<int32_t>> LinearSource::columnOrder(StringRef suffix,
                                                         const SourceTensor &index, int64_t groups,
                                                         int64_t groupSize) const {
  int64_t k = index.shape[0];
  std::vector<int64_t> next(groups + 1);
  for (int64_t i = 0; i < k; ++i) {
    uint32_t group = wordAt(index, i);
    if (group >= groups)
      return bad(suffix, "element " + Twine(i) + " is " + Twine(int32_t(group)) + "; there are " +
                             Twine(groups) + " groups");
    ++next[group + 1];
  }
  int64_t full = groupSize ? groupSize : k;
  for (int64_t g = 0; g < groups; ++g) {
    int64_t expected = std::min(full, k - g * full);
    if (next[g + 1] != expected)
      return notSupported("group " + Twine(g) + " of " + suffix + " has " + Twine(next[g + 1]) +
                          " columns, not " + Twine(expected));
    next[g + 1] += next[g];
  }
  std::vector<int32_t> order(k);
  bool sorted = true;
  for (int64_t i = 0; i < k; ++i) {
    int64_t &place = next[wordAt(index, i)];
    sorted &= place == i;
    order[place++] = i;
  }
  if (sorted)
    order.clear();
  return order;
}

} // namespace qcc
