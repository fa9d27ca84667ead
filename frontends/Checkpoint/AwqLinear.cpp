//===- AwqLinear.cpp - Weights packed by AutoAWQ, GEMM version ------------===//
//
// Weights lie transposed, [K, N], eight columns to a word in an order of their
// own:
//
//   W[n, k] = scales[g, n] * (q[k, n] - z[g, n]),  g = k / group
//
// The scales of activations are already in the layer before. Source: AutoAWQ.
//
//===----------------------------------------------------------------------===//
#include "frontends/Checkpoint/LinearSource.h"

using namespace llvm;

namespace qcc {
namespace {

class AwqLinear : public PackedLinear {
public:
  Error open(const LinearSource &source);

private:
  /// Code of column n in row `line` of a tensor of N / 8 words a row.
  uint8_t codeAt(const SourceTensor &t, int64_t line, int64_t n) const {
    constexpr unsigned nibble[] = {0, 4, 1, 5, 2, 6, 3, 7};
    uint32_t word = wordAt(t, line * (rowCount / 8) + n / 8);
    return (word >> (4 * nibble[n % 8])) & 15;
  }
  void readRow(int64_t row, const RowView &view) const override;

  enum { Weight, Zeros, Scales };
  int64_t groups = 0;
};

Error AwqLinear::open(const LinearSource &source) {
  Expected<SourceTensor> weight = source.require("qweight", DType::I32, 2);
  if (!weight)
    return weight.takeError();
  columnCount = weight->shape[0];
  rowCount = weight->shape[1] * 8;
  int64_t groupSize = source.config.groupSize;
  if (groupSize && columnCount % groupSize != 0)
    return source.bad("qweight", "has " + Twine(columnCount) + " rows, no multiple of group_size " +
                                     Twine(groupSize));
  if (Error error = source.checkGroups(rowCount, columnCount, groupSize))
    return error;
  groups = groupSize ? columnCount / groupSize : 1;
  Expected<SourceTensor> zeros = source.requireShape("qzeros", DType::I32, {groups, rowCount / 8});
  if (!zeros)
    return zeros.takeError();
  Expected<SourceTensor> scales = source.requireShape("scales", kScaleTypes, {groups, rowCount});
  if (!scales)
    return scales.takeError();
  Expected<ScaleKind> scaleKind = source.scaleKind("scales", *scales);
  if (!scaleKind)
    return scaleKind.takeError();
  grid.code = CodeKind::Integer;
  grid.bits = 4;
  grid.groupSize = groupSize;
  grid.scale = *scaleKind;
  grid.min = MinKind::ZeroPoint;
  sources = {std::move(*weight), std::move(*zeros), std::move(*scales)};
  return Error::success();
}

void AwqLinear::readRow(int64_t row, const RowView &view) const {
  for (int64_t col = 0; col < columnCount; ++col)
    view.codes[col] = codeAt(sources[Weight], col, row);
  for (int64_t g = 0; g < groups; ++g) {
    view.scales[g] = floatAt(sources[Scales], g * rowCount + row);
    view.zeroPoints[g] = codeAt(sources[Zeros], g, row);
  }
}

} // namespace

OpenedLinear openAwq(const LinearSource &source) { return openAs<AwqLinear>(source); }

} // namespace qcc
