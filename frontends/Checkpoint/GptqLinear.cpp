//===- GptqLinear.cpp - Weights packed by AutoGPTQ and GPTQModel ----------===//
//
// Weights lie transposed, [K, N]. Each column of qweight and each row of qzeros
// is one dense little-endian bit stream:
//
//   W[n, k] = scales[g, n] * (q[k, n] - z[g, n]),  g = g_idx[k]
//
// z is what is stored in v2; v1 stores z - 1 modulo 2^bits.
// Source: AutoGPTQ qlinear_cuda_old.py, GPTQModel.
//
//===----------------------------------------------------------------------===//
#include "frontends/Checkpoint/LinearSource.h"

using namespace llvm;

namespace qcc {
namespace {

class GptqLinear : public PackedLinear {
public:
  Error open(const LinearSource &source);

private:
  Error openGroups(const LinearSource &source, int64_t groupSize);
  unsigned zeroPoint(int64_t group, int64_t row) const {
    return (packing.codeAt(sources[Zeros], group * zeroWords, 1, row) + addend) &
           ((1u << packing.bits) - 1);
  }
  void readRow(int64_t row, const RowView &view) const override;

  enum { Weight, Zeros, Scales };
  Packing packing;
  int64_t groups = 0, zeroWords = 0;
  unsigned addend = 0;
};

Error GptqLinear::open(const LinearSource &source) {
  packing.bits = source.config.bits;
  addend = source.config.zerosLessOne;
  Expected<SourceTensor> weight = source.require("qweight", DType::I32, 2);
  if (!weight)
    return weight.takeError();
  int64_t words = weight->shape[0], n = weight->shape[1];
  // A tensor in memory is far below 2^58 words.
  if (words * 32 % packing.bits != 0 || (packing.bits == 3 && words % 3 != 0))
    return source.bad("qweight", "has " + Twine(words) +
                                     " words in a column, which hold no whole "
                                     "number of codes of " +
                                     Twine(packing.bits) + " bits");
  if (n * packing.bits % 32 != 0)
    return source.bad("qweight", "has " + Twine(n) + " columns; zero points of " +
                                     Twine(packing.bits) + " bits do not fill whole words");
  rowCount = n;
  columnCount = words * 32 / packing.bits;
  int64_t groupSize = source.config.groupSize;
  if (Error error = source.checkGroups(n, columnCount, groupSize))
    return error;
  sources.push_back(std::move(*weight));
  return openGroups(source, groupSize);
}

Error GptqLinear::openGroups(const LinearSource &source, int64_t groupSize) {
  groups = groupSize ? ceilDiv(columnCount, groupSize) : 1;
  zeroWords = packing.words(rowCount);
  Expected<SourceTensor> zeros = source.requireShape("qzeros", DType::I32, {groups, zeroWords});
  if (!zeros)
    return zeros.takeError();
  Expected<SourceTensor> scales = source.requireShape("scales", kScaleTypes, {groups, rowCount});
  if (!scales)
    return scales.takeError();
  Expected<ScaleKind> scaleKind = source.scaleKind("scales", *scales);
  if (!scaleKind)
    return scaleKind.takeError();
  sources.push_back(std::move(*zeros));
  sources.push_back(std::move(*scales));

  if (source.find("g_idx")) {
    Expected<SourceTensor> index = source.requireShape("g_idx", DType::I32, {columnCount});
    if (!index)
      return index.takeError();
    Expected<std::vector<int32_t>> columns = source.columnOrder("g_idx", *index, groups, groupSize);
    if (!columns)
      return columns.takeError();
    order = std::move(*columns);
  } else if (source.config.activationOrder) {
    return source.bad("g_idx", "is missing, though desc_act is true");
  }

  grid.code = CodeKind::Integer;
  grid.bits = packing.bits;
  grid.groupSize = groupSize;
  grid.scale = *scaleKind;
  // Trust the zero points, not `sym`: only they decide the values.
  unsigned middle = 1u << (packing.bits - 1);
  bool symmetric = true;
  for (int64_t g = 0; g < groups && symmetric; ++g)
    for (int64_t row = 0; row < rowCount && symmetric; ++row)
      symmetric = zeroPoint(g, row) == middle;
  grid.offset = symmetric ? middle : 0;
  grid.min = symmetric ? MinKind::None : MinKind::ZeroPoint;
  return Error::success();
}

void GptqLinear::readRow(int64_t row, const RowView &view) const {
  for (int64_t p = 0; p < columnCount; ++p)
    view.codes[p] = packing.codeAt(sources[Weight], row, rowCount, order.empty() ? p : order[p]);
  for (int64_t g = 0; g < groups; ++g) {
    view.scales[g] = floatAt(sources[Scales], g * rowCount + row);
    if (view.zeroPoints)
      view.zeroPoints[g] = zeroPoint(g, row);
  }
}

} // namespace

OpenedLinear openGptq(const LinearSource &source) { return openAs<GptqLinear>(source); }

} // namespace qcc
