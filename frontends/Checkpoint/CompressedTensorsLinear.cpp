//===- CompressedTensorsLinear.cpp - Weights of compressed-tensors --------===//
//
// W[n, k] = (q[n, k] - z[n, g]) * scale[n, g] with signed q and z.
// pack-quantized stores both plus 2^(bits-1): codes as a bit stream for each
// row, zero points as one for each group (along N). int-quantized stores a code
// in each byte. Source: compressed-tensors 0.19.
//
//===----------------------------------------------------------------------===//
#include "frontends/Checkpoint/LinearSource.h"

using namespace llvm;

namespace qcc {
namespace {

class CompressedLinear : public PackedLinear {
public:
  Error open(const LinearSource &source, const CompressedGroup &group);

private:
  Error openPacked(const LinearSource &source);
  Error openScales(const LinearSource &source, const CompressedGroup &group);
  Error openZeros(const LinearSource &source);
  Error openOrder(const LinearSource &source);
  uint8_t zeroPoint(int64_t row, int64_t g) const;
  void readRow(int64_t row, const RowView &view) const override;

  enum { Weight, Scales, Zeros };
  bool packed = true, perTensor = false;
  Packing packing, zeroPacking;
  int64_t groups = 1, rowWords = 0;
};

Error CompressedLinear::open(const LinearSource &source, const CompressedGroup &group) {
  packed = group.packed;
  perTensor = group.perTensor;
  packing.bits = packed ? group.bits : 8;
  if (packed) {
    if (Error error = openPacked(source))
      return error;
  } else {
    Expected<SourceTensor> weight = source.require("weight", DType::I8, 2);
    if (!weight)
      return weight.takeError();
    rowCount = weight->shape[0];
    columnCount = weight->shape[1];
    sources.push_back(std::move(*weight));
  }
  int64_t groupSize = group.groupSize;
  if (Error error = source.checkGroups(rowCount, columnCount, groupSize))
    return error;
  groups = groupSize ? ceilDiv(columnCount, groupSize) : 1;
  grid.code = CodeKind::Integer;
  grid.bits = packing.bits;
  grid.groupSize = groupSize;
  if (Error error = openScales(source, group))
    return error;
  // Stored zero points decide, whatever the config says of symmetry.
  if (group.symmetric && !source.find("weight_zero_point"))
    grid.offset = 1 << (packing.bits - 1);
  else if (Error error = openZeros(source))
    return error;
  return openOrder(source);
}

Error CompressedLinear::openPacked(const LinearSource &source) {
  Expected<SourceTensor> shape = source.requireShape("weight_shape", {DType::I64, DType::I32}, {2});
  if (!shape)
    return shape.takeError();
  bool wide = shape->dtype == DType::I64;
  int64_t size[2];
  for (int i = 0; i < 2; ++i) {
    size[i] = wide ? support::endian::read64le(shape->bytes.data() + 8 * i) : wordAt(*shape, i);
    if (size[i] <= 0 || size[i] > INT32_MAX)
      return source.bad("weight_shape", "is not two positive 31-bit sizes");
  }
  rowCount = size[0];
  columnCount = size[1];
  Expected<SourceTensor> weight = source.require("weight_packed", DType::I32, 2);
  if (!weight)
    return weight.takeError();
  rowWords = weight->shape[1];
  Packing old = {packing.bits, false};
  // Releases before 2026 left the top bits of a word unused.
  if (rowWords != packing.words(columnCount) && rowWords == old.words(columnCount))
    packing = old;
  if (weight->shape[0] != rowCount || rowWords != packing.words(columnCount))
    return source.bad("weight_packed", "has shape " + shapeString(weight->shape) +
                                           "; weight_shape wants " +
                                           shapeString({rowCount, packing.words(columnCount)}));
  sources.push_back(std::move(*weight));
  return Error::success();
}

Error CompressedLinear::openScales(const LinearSource &source, const CompressedGroup &group) {
  const SourceTensor *found = source.find("weight_scale");
  bool single = group.perTensor && found && found->shape.size() < 2;
  Expected<SourceTensor> scales =
      !single ? source.requireShape("weight_scale", kScaleTypes,
                                    {group.perTensor ? 1 : rowCount, groups})
              : source.requireShape("weight_scale", kScaleTypes,
                                    std::vector<int64_t>(found->shape.size(), 1));
  if (!scales)
    return scales.takeError();
  Expected<ScaleKind> kind = source.scaleKind("weight_scale", *scales);
  if (!kind)
    return kind.takeError();
  grid.scale = *kind;
  sources.push_back(std::move(*scales));
  return Error::success();
}

Error CompressedLinear::openZeros(const LinearSource &source) {
  grid.min = MinKind::ZeroPoint;
  const char *name = "weight_zero_point";
  if (!packed) {
    const SourceTensor *found = source.find(name);
    bool single = perTensor && found && found->shape.size() < 2;
    std::vector<int64_t> shape = {perTensor ? 1 : rowCount, groups};
    if (single)
      shape.assign(found->shape.size(), 1);
    Expected<SourceTensor> zeros = source.requireShape(name, DType::I8, shape);
    if (!zeros)
      return zeros.takeError();
    sources.push_back(std::move(*zeros));
    return Error::success();
  }
  Expected<SourceTensor> zeros = source.require(name, DType::I32, 2);
  if (!zeros)
    return zeros.takeError();
  int64_t count = perTensor ? 1 : rowCount;
  Packing old = {packing.bits, false};
  zeroPacking = {packing.bits, true};
  if (zeros->shape[0] != zeroPacking.words(count) && zeros->shape[0] == old.words(count))
    zeroPacking = old;
  if (zeros->shape[0] != zeroPacking.words(count) || zeros->shape[1] != groups)
    return source.bad(name, "has shape " + shapeString(zeros->shape) + ", not " +
                                shapeString({zeroPacking.words(count), groups}));
  sources.push_back(std::move(*zeros));
  return Error::success();
}

Error CompressedLinear::openOrder(const LinearSource &source) {
  if (!source.find("weight_g_idx"))
    return Error::success();
  Expected<SourceTensor> index = source.requireShape("weight_g_idx", DType::I32, {columnCount});
  if (!index)
    return index.takeError();
  // The tool writes -1 everywhere where it did not reorder.
  bool unused = true;
  for (int64_t i = 0; i < columnCount && unused; ++i)
    unused = wordAt(*index, i) == UINT32_MAX;
  if (unused)
    return Error::success();
  Expected<std::vector<int32_t>> columns =
      source.columnOrder("weight_g_idx", *index, groups, grid.groupSize);
  if (!columns)
    return columns.takeError();
  order = std::move(*columns);
  return Error::success();
}

uint8_t CompressedLinear::zeroPoint(int64_t row, int64_t g) const {
  if (perTensor)
    row = 0;
  if (!packed)
    return sources[Zeros].bytes[row * groups + g] ^ 0x80;
  return zeroPacking.codeAt(sources[Zeros], g, groups, row);
}

void CompressedLinear::readRow(int64_t row, const RowView &view) const {
  for (int64_t p = 0; p < columnCount; ++p) {
    int64_t col = order.empty() ? p : order[p];
    view.codes[p] = packed ? packing.codeAt(sources[Weight], row * rowWords, 1, col)
                           : sources[Weight].bytes[row * columnCount + col] ^ 0x80;
  }
  for (int64_t g = 0; g < groups; ++g) {
    view.scales[g] = floatAt(sources[Scales], (perTensor ? 0 : row * groups) + g);
    if (view.zeroPoints)
      view.zeroPoints[g] = zeroPoint(row, g);
  }
}

} // namespace

OpenedLinear openCompressedTensors(const LinearSource &source, const CompressedGroup &group) {
  return openAs<CompressedLinear>(source, group);
}

} // namespace qcc
