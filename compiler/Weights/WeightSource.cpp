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

  ArrayRef<int32_t> columnOrder() const override { return linear->columnOrder(); }
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

/// Another source with an adapter's product added: W + scale * B A, in float32.
class MergedSource final : public WeightSource {
public:
  MergedSource(std::unique_ptr<WeightSource> opened, const LoraFactors &factors, float scale)
      : WeightSource(opened->name()), base(std::move(opened)), up(*factors.b), scale(scale),
        rank(factors.a->shape[0]), k(factors.a->shape[1]), down(rank * k) {
    ArrayRef<int32_t> order = base->columnOrder();
    std::vector<float> row(k);
    for (int64_t j = 0; j < rank; ++j) {
      toFloat(factors.a->dtype, factors.a->bytes.data() + j * k * info(factors.a->dtype).blockBytes,
              k, row.data());
      for (int64_t p = 0; p < k; ++p)
        down[j * k + p] = row[order.empty() ? p : order[p]];
    }
  }

  void readFloat(int64_t first, int64_t count, float *out) const override {
    base->readFloat(first, count, out);
    std::vector<float> factors(rank), change(k);
    for (int64_t r = 0; r < count; ++r) {
      toFloat(up.dtype, up.bytes.data() + (first + r) * rank * info(up.dtype).blockBytes, rank,
              factors.data());
      std::fill(change.begin(), change.end(), 0.0f);
      for (int64_t j = 0; j < rank; ++j)
        for (int64_t p = 0; p < k; ++p)
          change[p] += factors[j] * down[j * k + p];
      for (int64_t p = 0; p < k; ++p)
        out[r * k + p] += scale * change[p];
    }
  }

  ArrayRef<int32_t> columnOrder() const override { return base->columnOrder(); }
  void dropPages() const override { base->dropPages(); }

private:
  std::unique_ptr<WeightSource> base;
  const SourceTensor &up; ///< B [N, r]
  float scale;
  int64_t rank, k;
  std::vector<float> down; ///< A [r, K], columns in the base's order
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

static Expected<std::unique_ptr<WeightSource>> openBase(nn::WeightOp weight, StringRef name,
                                                        const WeightFiles &files) {
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
  bool ofAdapter = weight.getRole() == "adapter";
  if (ofAdapter && !files.adapter)
    return missing(weight, name);
  const SourceTensor *tensor = (ofAdapter ? files.adapter->tensors : files.tensors).find(name);
  if (!tensor && files.calibrated)
    tensor = files.calibrated->find(name);
  if (!tensor)
    return missing(weight, name);
  if (const GgufFormat *format = blockFormat(tensor->dtype))
    return std::make_unique<BlockSource>(*tensor, *format, weight, k);
  return std::make_unique<PlainSource>(*tensor, weight, n, k);
}

Expected<std::unique_ptr<WeightSource>> WeightSource::open(nn::WeightOp weight, size_t instance,
                                                           const WeightFiles &files) {
  auto nameIn = [&](mlir::ArrayAttr names) {
    return cast<mlir::StringAttr>(names[instance]).getValue();
  };
  Expected<std::unique_ptr<WeightSource>> base =
      openBase(weight, nameIn(weight.getSources()), files);
  if (!base || !weight.getMerged())
    return base;
  StringRef module = nameIn(*weight.getMerged());
  const LoraFactors *factors = files.adapter ? files.adapter->find(module) : nullptr;
  if (!factors)
    return missing(weight, module);
  return std::make_unique<MergedSource>(std::move(*base), *factors, files.adapter->scale);
}

Error readRows(nn::WeightOp weight, size_t instance, const WeightFiles &files, int64_t firstRow,
               MutableArrayRef<float> rows) {
  Expected<std::unique_ptr<WeightSource>> source = WeightSource::open(weight, instance, files);
  if (!source)
    return source.takeError();
  int64_t k = cast<mlir::RankedTensorType>(weight.getSourceType()).getDimSize(1);
  (*source)->readFloat(firstRow, static_cast<int64_t>(rows.size()) / k, rows.data());
  return Error::success();
}

} // namespace qcc
