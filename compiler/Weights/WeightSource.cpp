//===- WeightSource.cpp - The rows of a weight, however the model's files hold them -===//

#include "compiler/Weights/WeightSource.h"
#include "dialects/QuantExt/Codec/Float16.h"
#include "dialects/QuantExt/Codec/GgufBlocks.h"
#include "dialects/QuantExt/Codec/Reference.h"
#include "frontends/Checkpoint/PackedLinear.h"
#include "frontends/Common/Error.h"
#include "frontends/LanguageModel/LanguageModel.h"
#include <numeric>

using namespace llvm;

namespace qcc {
namespace {

/// `count` elements of float type `dtype` at `bytes` as f32.
void toFloat(DType dtype, const uint8_t *bytes, int64_t count, float *out) {
  switch (dtype) {
  case DType::F32:
    std::memcpy(out, bytes, count * 4);
    return;
  case DType::F16:
  case DType::BF16:
    for (int64_t i = 0; i < count; ++i) {
      uint16_t half;
      std::memcpy(&half, bytes + 2 * i, 2);
      out[i] = dtype == DType::F16 ? halfToFloat(half) : bfloatToFloat(half);
    }
    return;
  case DType::F64:
    for (int64_t i = 0; i < count; ++i) {
      double wide;
      std::memcpy(&wide, bytes + 8 * i, 8);
      out[i] = static_cast<float>(wide);
    }
    return;
  default:
    llvm_unreachable("readers let only float types through");
  }
}

RowOrder rowOrder(nn::WeightOp weight) {
  if (weight.getOrder() != "interleaved")
    return {};
  return {RowOrder::Kind::InterleavedToHalfSplit, static_cast<int64_t>(*weight.getHeadDim())};
}

/// A tensor of floats, or of any type that the IR keeps.
class PlainSource final : public WeightSource {
public:
  PlainSource(const SourceTensor &tensor, nn::WeightOp weight, int64_t n, int64_t k)
      : WeightSource(tensor.name), tensor(tensor), order(rowOrder(weight)),
        natural(weight.getOrder() == "natural"), transposed(weight.getOrder() == "transposed"),
        n(n), k(k) {}

  void readFloat(int64_t first, int64_t count, float *out) const override {
    int64_t size = info(tensor.dtype).blockBytes;
    if (!transposed) {
      for (int64_t r = 0; r < count; ++r)
        toFloat(tensor.dtype, tensor.bytes.data() + order.sourceRow(first + r) * k * size, k,
                out + r * k);
      return;
    }
    std::vector<float> column(count);
    for (int64_t e = 0; e < k; ++e) {
      toFloat(tensor.dtype, tensor.bytes.data() + (e * n + first) * size, count, column.data());
      for (int64_t r = 0; r < count; ++r)
        out[r * k + e] = column[r];
    }
  }

  ArrayRef<uint8_t> bytes() const override { return natural ? tensor.bytes : ArrayRef<uint8_t>(); }
  void dropPages() const override { tensor.dropPages(); }

private:
  const SourceTensor &tensor;
  RowOrder order;
  bool natural, transposed;
  int64_t n, k;
};

/// A matrix in one of GGUF's block formats.
class BlockSource final : public WeightSource {
public:
  BlockSource(const SourceTensor &tensor, const GgufFormat &format, nn::WeightOp weight, int64_t k)
      : WeightSource(tensor.name), tensor(tensor), format(format), order(rowOrder(weight)), k(k) {}

  bool holdsExactly(const Scheme &scheme) const override { return format.scheme == scheme; }

  void readExact(int64_t first, int64_t count, QuantizedMatrix &rows) const override {
    for (int64_t r = 0; r < count; ++r)
      decodeGgufRow(format, rowBytes(first + r), k, rowOf(rows, r));
  }

  void readFloat(int64_t first, int64_t count, float *out) const override {
    QuantizedMatrix row = makeMatrix(format.scheme, 1, k);
    for (int64_t r = 0; r < count; ++r) {
      decodeGgufRow(format, rowBytes(first + r), k, rowOf(row, 0));
      dequantizeRow(row, 0, out + r * k);
    }
  }

  void dropPages() const override { tensor.dropPages(); }

private:
  const uint8_t *rowBytes(int64_t row) const {
    return tensor.bytes.data() + order.sourceRow(row) * ggufRowBytes(format, k);
  }

  const SourceTensor &tensor;
  const GgufFormat &format;
  RowOrder order;
  int64_t k;
};

/// A layer that another tool quantized, in the order of columns that it is stored in.
class PackedSource final : public WeightSource {
public:
  PackedSource(StringRef module, std::unique_ptr<PackedLinear> opened)
      : WeightSource(module), linear(std::move(opened)) {}

  bool holdsExactly(const Scheme &scheme) const override { return linear->scheme() == scheme; }

  void readExact(int64_t first, int64_t count, QuantizedMatrix &rows) const override {
    linear->readRows(first, count, rows);
  }

  void readFloat(int64_t first, int64_t count, float *out) const override {
    const std::vector<int32_t> &order = linear->columnOrder();
    int64_t k = linear->k();
    std::vector<float> logical(order.empty() ? 0 : k);
    for (int64_t r = 0; r < count; ++r) {
      float *stored = out + r * k;
      linear->readValues(first + r, order.empty() ? stored : logical.data());
      for (size_t p = 0; p < order.size(); ++p)
        stored[p] = logical[order[p]];
    }
  }

  void dropPages() const override { linear->dropPages(); }

private:
  std::unique_ptr<PackedLinear> linear;
};

/// The order of such a layer's columns, i32 [K].
class OrderSource final : public WeightSource {
public:
  OrderSource(StringRef module, const PackedLinear &linear)
      : WeightSource(module), order(linear.columnOrder()) {
    if (!order.empty())
      return;
    order.resize(linear.k());
    std::iota(order.begin(), order.end(), 0);
  }

  void readFloat(int64_t, int64_t, float *) const override {
    llvm_unreachable("an order is no matrix");
  }
  ArrayRef<uint8_t> bytes() const override {
    return {reinterpret_cast<const uint8_t *>(order.data()), order.size() * sizeof(int32_t)};
  }
  void dropPages() const override {}

private:
  std::vector<int32_t> order;
};

/// The GGUF type of a source, or null when it is no GGUF type.
const GgufFormat *blockFormat(DType dtype) {
  if (!isBlock(dtype))
    return nullptr;
  StringRef name = info(dtype).name;
  for (const GgufFormat &format : ggufFormats())
    if (name.equals_insensitive(format.name))
      return &format;
  return nullptr;
}

Error missing(nn::WeightOp weight, StringRef name) {
  return make_error<ModelError>(
      ExitCode::Internal, ("no tensor '" + name + "' for nn.weight @" + weight.getSymName()).str());
}

} // namespace

WeightSource::~WeightSource() = default;

void WeightSource::readExact(int64_t, int64_t, QuantizedMatrix &) const {
  llvm_unreachable("only sources that hold a scheme exactly are asked");
}

Expected<std::unique_ptr<WeightSource>> WeightSource::open(nn::WeightOp weight, size_t instance,
                                                           const WeightFiles &files) {
  StringRef name = cast<mlir::StringAttr>(weight.getSources()[instance]).getValue();
  auto type = cast<mlir::RankedTensorType>(weight.getSourceType());
  int64_t n = type.getRank() ? type.getDimSize(0) : 1;
  int64_t k = n ? type.getNumElements() / n : 0;
  bool isOrder = weight.getFormat() == "column_order";
  if (isOrder || weight.getSourceScheme()) {
    if (!files.quantization)
      return missing(weight, name);
    Expected<std::unique_ptr<PackedLinear>> linear =
        PackedLinear::open(*files.quantization, files.tensors, name);
    if (!linear)
      return linear.takeError();
    if (isOrder)
      return std::make_unique<OrderSource>(name, **linear);
    return std::make_unique<PackedSource>(name, std::move(*linear));
  }
  const SourceTensor *tensor = files.tensors.find(name);
  if (!tensor)
    return missing(weight, name);
  if (const GgufFormat *format = blockFormat(tensor->dtype))
    return std::make_unique<BlockSource>(*tensor, *format, weight, k);
  return std::make_unique<PlainSource>(*tensor, weight, n, k);
}

} // namespace qcc
