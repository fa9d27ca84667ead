//===- CalibrationKey.cpp - A hash of what a calibration follows from ----------------------===//

#include "compiler/Calibration/CalibrationKey.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/xxhash.h"
#include "llvm/TargetParser/Host.h"
#include <map>

using namespace llvm;

namespace qcc {

void CalibrationKeyBuilder::add(StringRef name, ArrayRef<uint8_t> bytes) {
  // Lengths in front: no two sequences of calls give the same stream.
  hash.update((name + ":" + Twine(bytes.size()) + "\n").str());
  hash.update(bytes);
}

void CalibrationKeyBuilder::addCompiler(StringRef executable) {
  add("version", QCC_VERSION " " LLVM_VERSION_STRING);
  // A file that cannot be read leaves the version to tell compilers apart.
  if (auto bytes =
          MemoryBuffer::getFile(executable, /*IsText=*/false, /*RequiresNullTerminator=*/false)) {
    XXH128_hash_t digest = xxh3_128bits(arrayRefFromStringRef((*bytes)->getBuffer()));
    addArray<uint64_t>("compiler", {digest.low64, digest.high64});
  }
  std::string processor = sys::getHostCPUName().str();
  std::map<StringRef, bool> features;
  StringMap<bool> unordered = sys::getHostCPUFeatures();
  for (const auto &feature : unordered)
    features[feature.getKey()] = feature.getValue();
  for (auto [name, present] : features)
    if (present)
      processor += ("," + name).str();
  add("processor", processor);
}

void CalibrationKeyBuilder::addTensors(StringRef name, const TensorTable &tensors) {
  add(name, std::to_string(tensors.size()));
  for (const SourceTensor &tensor : tensors) {
    add("tensor", tensor.name);
    addArray<int64_t>("shape", tensor.shape);
    XXH128_hash_t digest = xxh3_128bits(tensor.bytes);
    addArray<uint64_t>(info(tensor.dtype).name, {digest.low64, digest.high64});
    tensor.dropPages();
  }
}

void CalibrationKeyBuilder::addFiles(const WeightFiles &files) {
  addTensors("tensors", files.tensors);
  if (files.quantization)
    if (auto text = MemoryBuffer::getFile(files.quantization->path))
      add("quantization", (*text)->getBuffer());
  if (files.adapter) {
    addTensors("adapter", files.adapter->tensors);
    addArray<float>("scale", files.adapter->scale);
  }
  if (files.calibrated)
    addTensors("calibrated", *files.calibrated);
}

void CalibrationKeyBuilder::addModule(mlir::ModuleOp module) {
  std::string text;
  raw_string_ostream os(text);
  module->print(os);
  add("module", text);
}

CalibrationKey keyOfWeights(mlir::ModuleOp module) {
  CalibrationKeyBuilder builder;
  for (auto weight : module.getOps<nn::WeightOp>()) {
    std::string text;
    raw_string_ostream os(text);
    weight->print(os);
    builder.add("weight", text);
  }
  return builder.finish();
}

} // namespace qcc
