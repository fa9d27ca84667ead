//===- ProgramWeights.h - The weights of a program that runs in the compiler ---------------===//
//
// Written from the model file, read back as floats, and replaced by what their quantized form
// stands for.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_CALIBRATION_PROGRAMWEIGHTS_H
#define QCC_COMPILER_CALIBRATION_PROGRAMWEIGHTS_H

#include "compiler/Calibration/CompiledProgram.h"
#include "dialects/NN/IR/NN.h"
#include "llvm/ADT/StringMap.h"

namespace qcc {

class ProgramWeights {
public:
  /// Runs the recipes of all weights of `program` on the files of the model it came from.
  static llvm::Expected<ProgramWeights> load(CompiledProgram &program, const Model &model,
                                             llvm::StringRef path, unsigned jobs);

  bool contains(llvm::StringRef symbol) const { return weights.contains(symbol); }

  /// An instance of a matrix, [n, k].
  std::vector<float> read(llvm::StringRef symbol, int64_t instance) const;
  /// Replaces rows `firstRow` .. of a matrix, or all of a vector.
  llvm::Error replace(llvm::StringRef symbol, int64_t instance, int64_t firstRow,
                      llvm::ArrayRef<float> values) const;
  /// Gives back the memory of an instance.
  void drop(llvm::StringRef symbol, int64_t instance) const;

private:
  explicit ProgramWeights(CompiledProgram &program);
  uint8_t *base(nn::WeightOp weight, int64_t instance) const;

  CompiledProgram *program;
  llvm::StringMap<nn::WeightOp> weights;
};

} // namespace qcc

#endif // QCC_COMPILER_CALIBRATION_PROGRAMWEIGHTS_H
