//===- LayerRunner.h - A language model, run layer by layer -------------------------------===//
//
// The float model compiled for this machine with its layers exposed (qcc-expose-layers). Hidden states of all
// windows of a text are kept between layers, so each layer runs once over the whole text, with the weights that
// it has at that time: what calibration measures comes from the float weights, and what the next
// layer sees comes from the quantized ones that replaced them.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_CALIBRATION_LAYERRUNNER_H
#define QCC_COMPILER_CALIBRATION_LAYERRUNNER_H

#include "compiler/Calibration/ProgramWeights.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace qcc {

/// Hidden states [windows, window, hidden] of a text as they are before some layer.
struct HiddenStates {
  int64_t windows = 0, window = 0, width = 0;
  std::vector<float> values;
  float *of(int64_t w) { return values.data() + w * window * width; }
  const float *of(int64_t w) const { return values.data() + w * window * width; }
};

class LayerRunner {
public:
  /// Compiles `model` for this machine and writes its float weights (16 bits where the file has no
  /// more). Windows may have up to `window` tokens. Fails (Unsupported) for models whose layers are of several kinds.
  static llvm::Expected<std::unique_ptr<LayerRunner>>
  create(Model &model, llvm::StringRef path, mlir::MLIRContext &context,
         const CompilerOptions &options, int64_t window, unsigned jobs);
  ~LayerRunner();

  int64_t layers() const { return numLayers; }
  int64_t hidden() const;
  int64_t vocabulary() const;
  /// Where the weight that is made from a tensor of the model file belongs: the layer, and the
  /// symbol of the float model (the compiled one may have split it). Null for what is no layer's.
  struct Place {
    std::string symbol;
    int64_t layer;
  };
  const Place *placeOf(llvm::StringRef source) const;
  /// Input channels of every observer, by name.
  const llvm::StringMap<int64_t> &observers() const { return observerWidths; }

  /// An observed matrix W[n, k] of a layer.
  struct Matrix {
    std::string source, observer;
    Place place;
    int64_t n, k;
  };
  std::vector<Matrix> matrices(int64_t layer) const;
  /// Weights of all those of all layers.
  int64_t elements() const;
  /// Tables of token embeddings and of the output, once when they are one. They have no observer.
  std::vector<Matrix> tables() const;
  /// Its values as the program has them, [n, k].
  std::vector<float> read(const Place &place) const;

  /// tokens[windows, window] -> hidden states before layer 0.
  llvm::Error embed(llvm::ArrayRef<int32_t> tokens, int64_t window, HiddenStates &out);

  /// What an observer saw of a window: x[rows, K], valid until the next run.
  using Tap = llvm::function_ref<void(llvm::StringRef observer, const float *x, int64_t rows)>;

  /// Runs layers first .. last - 1 on window `w` of `in`. Window `w` of `out`, if there is one (it may
  /// be `in`), gets the result; `tap`, if there is one, what every observer of the last layer saw.
  llvm::Error run(int64_t first, int64_t last, const HiddenStates &in, int64_t w,
                  HiddenStates *out, Tap tap);

  /// Logits [rows, vocabulary] of `rows` hidden states; at most kHeadRows.
  static constexpr int64_t kHeadRows = 128;
  llvm::Error head(const float *hidden, int64_t rows, float *logits);

  /// Replaces rows `firstRow` .. of a layer's matrix, or all of a vector.
  llvm::Error replace(const Place &place, int64_t firstRow, llvm::ArrayRef<float> values);
  /// Gives back the memory of a layer's weights.
  void dropLayer(int64_t layer);

private:
  LayerRunner() = default;
  llvm::Error findTaps();

  std::unique_ptr<CompiledProgram> program;
  std::optional<ProgramWeights> memory;
  llvm::StringSet<> layerWeights; ///< symbols
  llvm::StringMap<Place> places;  ///< by source
  llvm::StringMap<int64_t> observerWidths;
  std::vector<std::string> tapNames;
  std::vector<std::vector<float>> tapBuffers;
  std::vector<float> result;
  int64_t numLayers = 0, window = 0;
};

} // namespace qcc

#endif // QCC_COMPILER_CALIBRATION_LAYERRUNNER_H
