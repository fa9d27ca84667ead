//===- GraphRunner.h - A tensor model, run on samples -------------------------------------===//
//
// The float graph compiled for this machine with what its observers see as further outputs. Its
// sizes are those of the samples, so samples of other shapes have programs of their own.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_CALIBRATION_GRAPHRUNNER_H
#define QCC_COMPILER_CALIBRATION_GRAPHRUNNER_H

#include "compiler/Calibration/ProgramWeights.h"
#include "compiler/Calibration/TensorSamples.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringSet.h"

namespace qcc {

class GraphRunner {
public:
  /// Programs that are alive at a time; each has its own float weights.
  static constexpr size_t kMaxShapes = 8;

  /// Compiles the graph for the shapes of all samples, which are `inputs`, and writes its float
  /// weights. Fails (WrongUse) for samples of more than kMaxShapes shapes, and (Unsupported) for
  /// graphs without observed weights.
  static llvm::Expected<std::unique_ptr<GraphRunner>>
  create(Model &model, llvm::StringRef path, mlir::MLIRContext &context,
         const CompilerOptions &options, llvm::ArrayRef<GraphInput> inputs,
         llvm::ArrayRef<TensorSample> samples, unsigned jobs);

  /// What is observed, in the graph's order.
  struct Observer {
    std::string name;
    int64_t channels;
  };
  llvm::ArrayRef<Observer> observers() const { return observed; }

  /// Keeps the weights as they are: run() then runs them, too. Before any replace().
  llvm::Error keepExact();

  /// What an observer saw of a sample: x[rows, channels], and what it sees with the weights that
  /// were kept (or null).
  using Tap = llvm::function_ref<void(llvm::StringRef observer, const float *exact, const float *x,
                                      int64_t rows)>;

  /// Runs all samples with the weights as they are; `tap` gets what all observers saw of each, then
  /// `done` is called before their values change.
  llvm::Error run(Tap tap, llvm::function_ref<void()> done);

  /// Replaces rows `firstRow` .. of a matrix in all programs.
  llvm::Error replace(llvm::StringRef symbol, int64_t firstRow, llvm::ArrayRef<float> values);

private:
  /// The graph for one choice of shapes.
  struct Variant {
    std::unique_ptr<CompiledProgram> program;
    std::optional<ProgramWeights> weights;
    std::vector<size_t> samples;
    std::vector<rt::Array> outputs, exactOutputs;
    std::shared_ptr<rt::Memory>
        exact; ///< weights that were kept; variants with equal ones share them
  };

  GraphRunner(llvm::ArrayRef<TensorSample> samples) : samples(samples) {}
  static llvm::ArrayRef<uint8_t> exactOf(const Variant &variant);
  static llvm::Expected<std::vector<rt::Array>> makeOutputs(const Variant &variant);

  llvm::ArrayRef<TensorSample> samples;
  std::vector<Observer> observed;
  std::vector<Variant> variants;
};

} // namespace qcc

#endif // QCC_COMPILER_CALIBRATION_GRAPHRUNNER_H
