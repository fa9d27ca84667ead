//===- Materialize.cpp - Runs the weights' recipes ---------------------------------===//

#include "compiler/Weights/Materialize.h"
#include "dialects/QuantExt/Codec/Layout.h"
#include "dialects/QuantExt/Codec/Rtn.h"
#include "dialects/QuantExt/IR/QuantExt.h"
#include "frontends/Common/Error.h"
#include "llvm/Support/ThreadPool.h"
#include <mutex>

using namespace llvm;

namespace qcc {
namespace {

class Materializer {
public:
  Materializer(mlir::ModuleOp module, const WeightFiles &files, StringRef path,
               const WeightSink &sink, const WeightProgress &progress, unsigned jobs,
               WeightQuantizer *quantizer)
      : module(module), files(files), path(path), sink(sink), progress(progress),
        quantizer(quantizer), total(weightBytes(module)), pool(hardware_concurrency(jobs)) {}

  Error run() {
    std::vector<Job> jobs = order();
    for (size_t i = 0; i < jobs.size(); ++i) {
      const Job &job = jobs[i];
      bool first = i == 0 || jobs[i - 1].step != job.step;
      bool last = i + 1 == jobs.size() || jobs[i + 1].step != job.step;
      if (job.step && first)
        if (Error error = quantizer->begin(*job.step))
          return error;
      if (Error error = materialize(job.weight, job.instance))
        return error;
      if (job.step && last)
        if (Error error = quantizer->end(*job.step))
          return error;
    }
    return Error::success();
  }

private:
  /// An instance of a weight, and the step of the quantizer that it belongs to.
  struct Job {
    nn::WeightOp weight;
    int64_t instance;
    std::optional<int64_t> step;
    size_t number; ///< as the IR has them
  };

  /// Everything there is to do, by steps.
  std::vector<Job> order() {
    std::vector<Job> jobs;
    for (auto weight : module.getOps<nn::WeightOp>())
      for (int64_t i = 0, e = weight.getSources().size(); i < e; ++i)
        jobs.push_back(
            {weight, i, quantizer ? quantizer->stepOf(weight, i) : std::nullopt, jobs.size()});
    sort(jobs, [](const Job &x, const Job &y) {
      return std::tie(x.step, x.number) < std::tie(y.step, y.number);
    });
    return jobs;
  }

  Error materialize(nn::WeightOp weight, int64_t instance) {
    Expected<std::unique_ptr<WeightSource>> source = WeightSource::open(weight, instance, files);
    if (!source)
      return source.takeError();
    uint64_t base = *weight.getOffset() + instance * *weight.getStride();
    if (Error error = weight.getScheme() ? matrix(weight, instance, **source, base)
                                         : plain(weight, instance, **source, base))
      return error;
    (*source)->dropPages();
    return Error::success();
  }

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
  Error plain(nn::WeightOp weight, int64_t instance, const WeightSource &source, uint64_t base) {
    auto type = cast<mlir::RankedTensorType>(weight.getSourceType());
    if (!type.getElementType().isF32() && !source.bytes().empty())
      return put(base, source.bytes());
    std::vector<float> values(type.getNumElements());
    source.readFloat(0, type.getRank() ? type.getDimSize(0) : 1, values.data());
    if (quantizer)
      if (Error error = quantizer->fold(weight, instance, 0, 1, values))
        return error;
    return put(base, bytesOf(values));
  }

  static ArrayRef<uint8_t> bytesOf(const std::vector<float> &values) {
    return {reinterpret_cast<const uint8_t *>(values.data()), values.size() * 4};
  }

  /// A matrix of one instance of a weight, and what is needed to do any part of it.
  struct Matrix {
    nn::WeightOp weight;
    int64_t instance;
    const WeightSource &source;
    Scheme scheme;
    int64_t n, k, lanes;
    bool exact; ///< the file's own codes are taken over
    uint64_t base;
    ArrayRef<int64_t> componentOffsets;
    std::vector<int64_t> tile; ///< bytes of a tile of each component
  };

  Error matrix(nn::WeightOp weight, int64_t instance, const WeightSource &source, uint64_t base) {
    auto type = cast<mlir::RankedTensorType>(weight.getSourceType());
    int64_t n = type.getDimSize(0), k = type.getDimSize(1), lanes = *weight.getLanes();
    Scheme scheme = cast<quant_ext::SchemeAttr>(*weight.getScheme()).toScheme();
    bool exact = weight.getMethod() == "keep" && source.holdsExactly(scheme);
    Matrix m{weight,
             instance,
             source,
             scheme,
             n,
             k,
             lanes,
             exact,
             base,
             *weight.getComponentOffsets(),
             tileBytes(scheme, k, lanes)};
    // A method that needs the data takes large parts, and deals them out to threads itself.
    if (quantizer && !exact && !scheme.isFloat()) {
      int64_t most = std::max<int64_t>(1, (1 << 24) / std::max<int64_t>(1, k * lanes)) * lanes;
      for (int64_t first = 0; first < n; first += most)
        if (Error error = rowsOfMatrix(m, first, std::min(most, n - first), quantizer))
          return error;
      return Error::success();
    }

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
  Error rowsOfMatrix(const Matrix &m, int64_t first, int64_t count,
                     WeightQuantizer *method = nullptr) {
    QuantizedMatrix block = makeMatrix(m.scheme, count, m.k);
    if (m.exact) {
      m.source.readExact(first, count, block);
      if (std::string wrong = checkMatrix(block); !wrong.empty())
        return badModel(path, m.source.name(), "rows from " + Twine(first) + ": " + wrong);
    } else {
      std::vector<float> values(count * m.k);
      m.source.readFloat(first, count, values.data());
      if (quantizer)
        if (Error error = quantizer->fold(m.weight, m.instance, first, m.k, values))
          return error;
      if (!method) {
        if (Error error = roundRows(m, first, values, block))
          return error;
      } else if (Error error = method->quantize(m.weight, m.instance, first, values, block)) {
        return badModel(path, m.source.name(), toString(std::move(error)));
      }
    }
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

  Error roundRows(const Matrix &m, int64_t first, ArrayRef<float> values, QuantizedMatrix &block) {
    for (int64_t r = 0; r < block.n; ++r) {
      RtnResult result = quantizeRow(values.data() + r * m.k, m.scheme, m.k, rowOf(block, r));
      if (result.fault != RtnResult::Fault::None)
        return badModel(path, m.source.name(), "row " + Twine(first + r) + ": " + describe(result));
    }
    return Error::success();
  }

  mlir::ModuleOp module;
  const WeightFiles &files;
  StringRef path;
  const WeightSink &sink;
  const WeightProgress &progress;
  WeightQuantizer *quantizer;
  uint64_t total, done = 0;
  std::mutex progressMutex;
  DefaultThreadPool pool;
};

} // namespace

uint64_t weightBytes(mlir::ModuleOp module) {
  auto bytes = module->getAttrOfType<mlir::IntegerAttr>("nn.weight_bytes");
  return bytes ? bytes.getInt() : 0;
}

Error materializeWeights(mlir::ModuleOp module, const WeightFiles &files, StringRef path,
                         const WeightSink &sink, const WeightProgress &progress, unsigned jobs,
                         WeightQuantizer *quantizer) {
  return Materializer(module, files, path, sink, progress, jobs, quantizer).run();
}

} // namespace qcc
