//===- ResumableSteps.cpp - Steps that are remembered, and taken from memory ---------------===//

#include "compiler/Calibration/ResumableSteps.h"
#include "dialects/NN/IR/CalibratedWeights.h"
#include "dialects/QuantExt/Codec/Layout.h"
#include "frontends/Common/Error.h"

using namespace llvm;

namespace qcc {

void ResumableSteps::start(mlir::ModuleOp module) {
  if (!journal)
    return;
  journal->useSteps(keyOfWeights(module));
  for (auto weight : module.getOps<nn::WeightOp>())
    for (auto source : weight.getSources().getAsRange<mlir::StringAttr>())
      if (nn::parseCalibratedSource(source.getValue()))
        asked[source.getValue()] = cast<mlir::RankedTensorType>(weight.getSourceType());
}

Error ResumableSteps::misfit(const Twine &what) const {
  return badModel(journal->path(), "step " + Twine(current.step),
                  what + " does not fit the model; begin anew with -resume=false");
}

Error ResumableSteps::begin(int64_t step) {
  current = {};
  nextRows = 0;
  isReplay = journal && journal->hasStep(step);
  tensorsBefore = tensors.size();
  if (!isReplay) {
    current.step = step;
    return Error::success();
  }
  Expected<StepRecord> record = journal->readStep(step);
  if (!record)
    return record.takeError();
  current = std::move(*record);
  return addTensors();
}

Error ResumableSteps::addTensors() {
  for (SourceTensor &tensor : current.tensors) {
    auto type = asked.find(tensor.name);
    if (type == asked.end())
      return misfit("tensor '" + tensor.name + "'");
    // Element types may differ in how wide they are stored, but not in what they are.
    DTypeInfo of = info(tensor.dtype);
    mlir::Type element = type->second.getElementType();
    if (ArrayRef(tensor.shape) != type->second.getShape() || of.blockElements != 1 ||
        of.blockBytes * 8 != element.getIntOrFloatBitWidth() ||
        isFloat(tensor.dtype) != isa<mlir::FloatType>(element))
      return misfit("tensor '" + tensor.name + "'");
    tensors.add(std::move(tensor));
  }
  return Error::success();
}

Error ResumableSteps::replay(nn::WeightOp weight, int64_t instance, int64_t firstRow,
                             QuantizedMatrix &rows) {
  StringRef symbol = weight.getSymName();
  if (nextRows == current.rows.size())
    return misfit("the number of rows");
  PackedRows &packed = current.rows[nextRows++];
  if (packed.symbol != symbol || packed.instance != instance || packed.firstRow != firstRow ||
      packed.count != rows.n)
    return misfit("@" + symbol + " from row " + Twine(firstRow));
  int64_t lanes = *weight.getLanes();
  std::vector<int64_t> tile = tileBytes(rows.scheme, rows.k, lanes);
  bool fits = tile.size() == packed.components.size();
  for (size_t i = 0; fits && i < tile.size(); ++i)
    fits =
        packed.components[i].size() == static_cast<uint64_t>(divideCeil(rows.n, lanes) * tile[i]);
  if (!fits)
    return misfit("@" + symbol + " from row " + Twine(firstRow));
  rows = unpack(rows.scheme, rows.n, rows.k, lanes, packed.components);
  packed.components.clear();
  if (std::string wrong = checkMatrix(rows); !wrong.empty())
    return misfit("@" + symbol + " (" + wrong + ")");
  return Error::success();
}

void ResumableSteps::keep(nn::WeightOp weight, int64_t instance, int64_t firstRow,
                          const QuantizedMatrix &rows) {
  if (journal)
    current.rows.push_back({weight.getSymName().str(), instance, firstRow, rows.n,
                            pack(rows, static_cast<int64_t>(*weight.getLanes()))});
}

void ResumableSteps::end(ArrayRef<ArrayRef<float>> states) {
  if (journal && !isReplay) {
    current.tensors.assign(tensors.begin() + tensorsBefore, tensors.end());
    journal->addStep(current, states);
  }
  current = {};
}

int64_t ResumableSteps::restore(ArrayRef<MutableArrayRef<float>> states) const {
  int64_t count = journal ? journal->steps() : 0;
  for (int64_t step = 0; step < count; ++step)
    if (!journal->hasStep(step))
      return 0;
  return count && journal->readStates(states) ? count : 0;
}

} // namespace qcc
