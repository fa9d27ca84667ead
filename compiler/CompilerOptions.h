//===- CompilerOptions.h - Everything a compilation depends on -----------------===//
//
// One struct, filled in one place (tools/qcc), passed by const reference.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_COMPILEROPTIONS_H
#define QCC_COMPILER_COMPILEROPTIONS_H

#include "dialects/QuantExt/Codec/Presets.h"
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace qcc {

/// Stages of the pipeline, in order; docs/Pipeline.md is their contract.
enum class Phase { Import, Quantize, Pack, Tile, Vectorize, Bufferize, LLVM };

/// Precision of activations in matmuls with integer weights.
enum class Activations { Default, F32, Int8, Static8 };

/// How the KV cache is held. Default: as the activations, f32 when those are kept in f32.
enum class KVCache { Default, F32, F16, Int8 };

/// How codes and scales of quantized weights are chosen; several are applied in this order.
enum class Method { Awq, SmoothQuant, LlmInt8, Mse, Importance, Gptaq, Gptq, Descent };

struct CompilerOptions {
  int64_t bits = 0;        ///< 32, 16, 2..8; 0 keeps the file's precision
  int64_t group = 32;      ///< weights that share a scale; 0 is a whole row
  bool asymmetric = false; ///< zero points
  GridKind gridKind = GridKind::Integer;
  bool superScales = false; ///< scales of groups as int8, with a binary16 for each row
  bool chooseGrids = false; ///< -bits=auto: the grid of each matrix by what it loses
  double bitsPerWeight = 0; ///< its budget for the layers' matrices; 0: what `memory` leaves
  int64_t memory = 0;       ///< its budget for all that the program holds, bytes; 0: none
  std::string recipe;       ///< a file that says the grid of each matrix; empty: none
  std::string recipeOutput; ///< where the choice is written; empty: nowhere
  std::vector<Method> methods; ///< in order, without repetition; none: round to nearest
  Activations activations = Activations::Default; ///< Default: int8 where the target has a dot product
  KVCache kv = KVCache::Default;
  int64_t context = 0; ///< positions of the KV cache; 0 is the model's, at most 4096
  int64_t chunk = 128; ///< tokens of a prefill step

  std::string calibration;          ///< a text file; empty: none
  int64_t calibrationWindows = 32;  ///< windows taken of it
  int64_t calibrationWindow = 512;  ///< tokens of a window

  std::string lora;              ///< directory of a PEFT adapter; empty: none
  std::optional<bool> loraMerge; ///< nothing: merged unless that would requantize the base

  /// Shapes that the user gave to inputs of an ONNX model; -1 keeps a dimension.
  std::map<std::string, std::vector<int64_t>> shapes;

  /// The grid that -bits, -group, -grid, -scales and -asym name.
  GridChoice grid() const {
    return {static_cast<unsigned>(bits), static_cast<unsigned>(group), asymmetric, gridKind,
            superScales};
  }

  bool floatCache() const {
    if (kv != KVCache::Default)
      return kv == KVCache::F32;
    return activations == Activations::F32 || (activations == Activations::Default && bits == 32);
  }
};

} // namespace qcc

#endif // QCC_COMPILER_COMPILEROPTIONS_H
