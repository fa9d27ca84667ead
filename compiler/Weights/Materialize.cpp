//===- Materialize.cpp - Runs the weights' recipes ---------------------------------===//

#include "compiler/Weights/Materialize.h"
#include "dialects/QuantExt/Codec/Float16.h"
#include "dialects/QuantExt/Codec/GgufBlocks.h"
#include "dialects/QuantExt/Codec/Layout.h"
#include "dialects/QuantExt/Codec/Reference.h"
#include "dialects/QuantExt/Codec/Rtn.h"
#include "dialects/QuantExt/IR/QuantExt.h"
#include "frontends/Common/Error.h"
#include "frontends/LanguageModel/LanguageModel.h"
#include "llvm/Support/ThreadPool.h"
#include <mutex>

using namespace llvm;

namespace qcc {
namespace {

/// The GGUF type of a source, or nothing when it is no GGUF type.
const GgufFormat *blockFormat(DType dtype) {
  StringRef name = info(dtype).name;
  for (const GgufFormat &format : ggufFormats())
    if (name.equals_insensitive(format.name))
      return &format;
  return nullptr;
}

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

/// Rows of a source matrix in the order and orientation of the IR.
class SourceRows {
public:
  SourceRows(const SourceTensor &tensor, nn::WeightOp weight, int64_t n, int64_t k)
      : tensor(tensor), format(isBlock(tensor.dtype) ? blockFormat(tensor.dtype) : nullptr),
        transposed(weight.getOrder() == "transposed"), n(n), k(k) {
    if (weight.getOrder() == "interleaved")
      order = {RowOrder::Kind::InterleavedToHalfSplit, static_cast<int64_t>(*weight.getHeadDim())};
  }

  /// Whether rows can be taken as they are, into a matrix of `scheme`.
  bool holdsExactly(const Scheme &scheme) const { return format && format->scheme == scheme; }

  void readExact(int64_t row, const RowView &out) const {
    decodeGgufRow(*format, rowBytes(row), k, out);
  }

  /// `rows` rows from `first` on, as f32 [rows, K].
  void readFloat(int64_t first, int64_t rows, std::vector<float> &out) const {
    out.resize(rows * k);
    if (format) {
      QuantizedMatrix row = makeMatrix(format->scheme, 1, k);
      for (int64_t r = 0; r < rows; ++r) {
        decodeGgufRow(*format, rowBytes(first + r), k, rowOf(row, 0));
        std::vector<float> values = dequantize(row);
        copy(values, out.begin() + r * k);
      }
    } else if (transposed) {
      int64_t size = info(tensor.dtype).blockBytes;
      std::vector<float> column(rows);
      for (int64_t e = 0; e < k; ++e) {
        toFloat(tensor.dtype, tensor.bytes.data() + (e * n + first) * size, rows, column.data());
        for (int64_t r = 0; r < rows; ++r)
          out[r * k + e] = column[r];
      }
    } else {
      for (int64_t r = 0; r < rows; ++r)
        toFloat(tensor.dtype, rowBytes(first + r), k, out.data() + r * k);
    }
  }

private:
  const uint8_t *rowBytes(int64_t row) const {
    int64_t bytes = format ? ggufRowBytes(*format, k) : k * info(tensor.dtype).blockBytes;
    return tensor.bytes.data() + order.sourceRow(row) * bytes;
  }

  const SourceTensor &tensor;
  const GgufFormat *format; ///< null for float types
  bool transposed;
  int64_t n, k;
  RowOrder order;
};

class Materializer {
public:
  Materializer(mlir::ModuleOp module, const TensorTable &sources, StringRef path,
               const WeightSink &sink, const WeightProgress &progress, unsigned jobs,
               const TensorTable *calibrated)
      : module(module), sources(sources), calibrated(calibrated), path(path), sink(sink),
        progress(progress), total(weightBytes(module)), pool(hardware_concurrency(jobs)) {}

  Error run() {
    for (auto weight : module.getOps<nn::WeightOp>())
      for (auto [instance, name] : enumerate(weight.getSources().getAsRange<mlir::StringAttr>())) {
        const SourceTensor *tensor = sources.find(name.getValue());
        if (!tensor && calibrated)
          tensor = calibrated->find(name.getValue());
        if (!tensor)
          return make_error<ModelError>(ExitCode::Internal,
                                        ("no tensor '" + name.getValue() + "' for nn.weight @" +
                                         weight.getSymName())
                                            .str());
        uint64_t base = *weight.getOffset() + instance * *weight.getStride();
        if (Error error = weight.getScheme() ? matrix(weight, *tensor, base)
                                             : plain(weight, *tensor, base))
          return error;
        tensor->dropPages();
      }
    return Error::success();
  }

private:
  Error put(uint64_t offset, ArrayRef<uint8_t> bytes) {
    {
      std::lock_guard<std::mutex> lock(progressMutex);
      done += bytes.size();
      if (progress)
        progress(done, total);
    }
    return sink(offset, bytes);
  }

  /// A weight without a scheme: its elements as f32, or as they are where the IR keeps their type.
  Error plain(nn::WeightOp weight, const SourceTensor &tensor, uint64_t base) {
    auto type = cast<mlir::RankedTensorType>(weight.getSourceType());
    if (!type.getElementType().isF32() && weight.getOrder() == "natural")
      return put(base, tensor.bytes);
    int64_t count = type.getNumElements();
    int64_t rows = type.getRank() ? type.getDimSize(0) : 1, width = rows ? count / rows : 0;
    std::vector<float> values;
    SourceRows(tensor, weight, rows, width).readFloat(0, rows, values);
    return put(base, bytesOf(values));
  }

  static ArrayRef<uint8_t> bytesOf(const std::vector<float> &values) {
    return {reinterpret_cast<const uint8_t *>(values.data()), values.size() * 4};
  }

  /// A matrix of one instance of a weight, and what is needed to do any part of it.
  struct Matrix {
    const SourceTensor &tensor;
    SourceRows rows;
    Scheme scheme;
    int64_t n, k, lanes;
    bool exact; ///< the file's own codes are taken over
    uint64_t base;
    ArrayRef<int64_t> componentOffsets;
    std::vector<int64_t> tile; ///< bytes of a tile of each component
  };

  Error matrix(nn::WeightOp weight, const SourceTensor &tensor, uint64_t base) {
    auto type = cast<mlir::RankedTensorType>(weight.getSourceType());
    int64_t n = type.getDimSize(0), k = type.getDimSize(1), lanes = *weight.getLanes();
    Scheme scheme = cast<quant_ext::SchemeAttr>(*weight.getScheme()).toScheme();
    SourceRows rows(tensor, weight, n, k);
    bool exact = weight.getMethod() == "keep" && rows.holdsExactly(scheme);
    Matrix m{tensor, rows,  scheme, n,    k,
             lanes,  exact, base,   *weight.getComponentOffsets(), tileBytes(scheme, k, lanes)};

    // Whole tiles, about a million elements at a time; the first failure, by row, is reported.
    int64_t batch = std::max<int64_t>(1, (1 << 20) / std::max<int64_t>(1, k * lanes)) * lanes;
    std::vector<Error> errors;
    for (int64_t first = 0; first < n; first += batch)
      errors.push_back(Error::success());
    for (int64_t b = 0; b < static_cast<int64_t>(errors.size()); ++b)
      pool.async([this, &m, &errors, b, batch] {
        errors[b] = rowsOfMatrix(m, b * batch, std::min(batch, m.n - b * batch));
      });
    pool.wait();
    Error result = Error::success();
    for (Error &error : errors) {
      if (result)
        consumeError(std::move(error));
      else
        result = std::move(error);
    }
    return result;
  }

  /// Rows `first` .. `first` + `count`, packed and put in their places.
  Error rowsOfMatrix(const Matrix &m, int64_t first, int64_t count) {
    std::vector<float> values;
    QuantizedMatrix block = makeMatrix(m.scheme, count, m.k);
    if (!m.exact)
      m.rows.readFloat(first, count, values);
    for (int64_t r = 0; r < count; ++r) {
      if (m.exact) {
        m.rows.readExact(first + r, rowOf(block, r));
        continue;
      }
      RtnResult result = quantizeRow(values.data() + r * m.k, m.scheme, m.k, rowOf(block, r));
      if (result.fault != RtnResult::Fault::None)
        return badModel(path, m.tensor.name, "row " + Twine(first + r) + ": " + describe(result));
    }
    if (m.exact)
      if (std::string wrong = checkMatrix(block); !wrong.empty())
        return badModel(path, m.tensor.name, "rows from " + Twine(first) + ": " + wrong);

    int64_t tiles = divideCeil(count, m.lanes), firstTile = first / m.lanes;
    std::vector<std::vector<uint8_t>> packed;
    std::vector<uint8_t *> places;
    for (int64_t bytes : m.tile)
      places.push_back(packed.emplace_back(tiles * bytes).data());
    packTiles(block, m.lanes, places);
    for (auto [offset, bytes, buffer] : zip(m.componentOffsets, m.tile, packed))
      if (Error error = put(m.base + offset + firstTile * bytes, buffer))
        return error;
    return Error::success();
  }

  mlir::ModuleOp module;
  const TensorTable &sources;
  const TensorTable *calibrated;
  StringRef path;
  const WeightSink &sink;
  const WeightProgress &progress;
  uint64_t total, done = 0;
  std::mutex progressMutex;
  DefaultThreadPool pool;
};

} // namespace

uint64_t weightBytes(mlir::ModuleOp module) {
  auto bytes = module->getAttrOfType<mlir::IntegerAttr>("nn.weight_bytes");
  return bytes ? bytes.getInt() : 0;
}

Error materializeWeights(mlir::ModuleOp module, const TensorTable &sources, StringRef path,
                         const WeightSink &sink, const WeightProgress &progress, unsigned jobs,
                         const TensorTable *calibrated) {
  return Materializer(module, sources, path, sink, progress, jobs, calibrated).run();
}

} // namespace qcc
