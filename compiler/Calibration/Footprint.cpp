//===- Footprint.cpp - The memory that a compiled model takes --------------------------------===//

#include "compiler/Calibration/Footprint.h"
#include "compiler/Calibration/CompiledProgram.h"
#include "compiler/Model.h"
#include "compiler/Target/TargetSpec.h"
#include "dialects/NN/IR/NN.h"

using namespace llvm;

namespace qcc {

Expected<Footprint> measureFootprint(mlir::ModuleOp module, const Model &model,
                                     const CompilerOptions &options, unsigned jobs) {
  CompilerOptions plain = options;
  plain.methods.clear();
  plain.calibration.clear();
  mlir::OwningOpRef<mlir::ModuleOp> copy = module.clone();
  Expected<TargetSpec> host = resolveTarget("native", "", "");
  if (!host)
    return host.takeError();
  setTarget(*copy, *host);
  Expected<std::unique_ptr<CompiledProgram>> compiled =
      CompiledProgram::create(std::move(copy), model, plain, jobs);
  if (!compiled)
    return compiled.takeError();
  CompiledProgram &program = **compiled;
  const ModelDescriptor &descriptor = program.descriptor();
  Footprint footprint;
  footprint.weights = descriptor.weightBytes;
  for (auto weight : program.module().getOps<nn::WeightOp>())
    if (weight.getScheme() && !weight.getRole())
      footprint.layers += *weight.getStride() * int64_t(weight.getSources().size());
  for (const EntryDescriptor &entry : descriptor.entries)
    footprint.scratch = std::max(footprint.scratch, program.scratchBytes(entry.name));
  if (descriptor.languageModel) {
    footprint.state = descriptor.languageModel->stateBytes;
    // The runtime's own: what a chunk leaves, and the logits of a position.
    footprint.scratch += 4 * (descriptor.languageModel->hidden * (plain.chunk + 1) +
                              descriptor.languageModel->vocabulary);
  }
  return footprint;
}

} // namespace qcc
