//===- ProgramWeights.cpp - The weights of a program that runs in the compiler -------------===//

#include "compiler/Calibration/ProgramWeights.h"
#include "compiler/Model.h"
#include "compiler/Weights/Materialize.h"
#include "dialects/QuantExt/Codec/Layout.h"
#include "dialects/QuantExt/Codec/Rtn.h"
#include "dialects/QuantExt/IR/QuantExt.h"
#include "frontends/Common/Error.h"
#include <cstring>

using namespace llvm;

namespace qcc {

ProgramWeights::ProgramWeights(CompiledProgram &program) : program(&program) {
  for (auto weight : program.module().getOps<nn::WeightOp>())
    weights[weight.getSymName()] = weight;
}

Expected<ProgramWeights> ProgramWeights::load(CompiledProgram &program, const Model &model,
                                              StringRef path, unsigned jobs) {
  MutableArrayRef<uint8_t> memory = program.weights();
  auto sink = [&](uint64_t offset, ArrayRef<uint8_t> bytes) {
    std::memcpy(memory.data() + offset, bytes.data(), bytes.size());
    return Error::success();
  };
  if (Error error = materializeWeights(program.module(), model.files(), path, sink, {}, jobs))
    return std::move(error);
  program.dropPages(0, memory.size());
  return ProgramWeights(program);
}

uint8_t *ProgramWeights::base(nn::WeightOp weight, int64_t instance) const {
  return program->weights().data() + *weight.getOffset() + instance * *weight.getStride();
}

std::vector<float> ProgramWeights::read(StringRef symbol, int64_t instance) const {
  nn::WeightOp weight = weights.find(symbol)->second;
  auto type = cast<mlir::RankedTensorType>(weight.getSourceType());
  Scheme scheme = cast<quant_ext::SchemeAttr>(*weight.getScheme()).toScheme();
  int64_t n = type.getDimSize(0), k = type.getDimSize(1), lanes = *weight.getLanes();
  const uint8_t *start = base(weight, instance);
  std::vector<std::vector<uint8_t>> components;
  ArrayRef<int64_t> offsets = *weight.getComponentOffsets();
  for (auto [offset, tile] : zip(offsets, tileBytes(scheme, k, lanes)))
    components.emplace_back(start + offset, start + offset + divideCeil(n, lanes) * tile);
  return unpack(scheme, n, k, lanes, components).values;
}

Error ProgramWeights::replace(StringRef symbol, int64_t instance, int64_t firstRow,
                              ArrayRef<float> values) const {
  nn::WeightOp weight = weights.find(symbol)->second;
  auto type = cast<mlir::RankedTensorType>(weight.getSourceType());
  uint8_t *start = base(weight, instance);
  if (!weight.getScheme()) {
    std::memcpy(start, values.data(), values.size() * sizeof(float));
    return Error::success();
  }
  Scheme scheme = cast<quant_ext::SchemeAttr>(*weight.getScheme()).toScheme();
  int64_t k = type.getDimSize(1), lanes = *weight.getLanes();
  int64_t rows = static_cast<int64_t>(values.size()) / k;
  QuantizedMatrix matrix = makeMatrix(scheme, rows, k);
  for (int64_t r = 0; r < rows; ++r) {
    RtnResult result = quantizeRow(values.data() + r * k, scheme, k, rowOf(matrix, r));
    if (result.fault != RtnResult::Fault::None)
      return make_error<ModelError>(
          ExitCode::Internal,
          ("calibration: @" + symbol + " row " + Twine(firstRow + r) + ": " + describe(result))
              .str());
  }
  std::vector<uint8_t *> places;
  ArrayRef<int64_t> offsets = *weight.getComponentOffsets();
  for (auto [offset, tile] : zip(offsets, tileBytes(scheme, k, lanes)))
    places.push_back(start + offset + firstRow / lanes * tile);
  packTiles(matrix, lanes, places);
  return Error::success();
}

void ProgramWeights::drop(StringRef symbol, int64_t instance) const {
  nn::WeightOp weight = weights.find(symbol)->second;
  program->dropPages(*weight.getOffset() + instance * *weight.getStride(), *weight.getStride());
}

} // namespace qcc
