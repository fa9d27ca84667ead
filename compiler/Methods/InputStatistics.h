//===- InputStatistics.h - What calibration knows of a matrix's inputs -----===//
//
// Moments of the activations x[t, k] that a linear operation saw while calibration ran. All methods
// read this one struct; who fills it is no concern of theirs.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_METHODS_INPUTSTATISTICS_H
#define QCC_COMPILER_METHODS_INPUTSTATISTICS_H

#include "llvm/Support/Error.h"

#include <cstdint>
#include <vector>

namespace qcc {

/// Of `tokens` activations of k channels. Each vector is empty when it was not collected.
struct InputStatistics {
  int64_t k = 0, tokens = 0;
  std::vector<float> absMax;     ///< [K] max |x|
  std::vector<float> meanAbs;    ///< [K] mean |x|
  std::vector<float> meanSquare; ///< [K] mean x^2
  std::vector<float> hessian;    ///< [K, K] mean x x^T, both triangles
};

/// Whether the statistics are of k channels and sound: right sizes, finite, and nothing negative
/// that cannot be. The error says which channel is wrong, and what to do.
llvm::Error checkStatistics(const InputStatistics &statistics, int64_t k);

/// E[x_k^2]: meanSquare, or else the diagonal of the Hessian; empty when there is neither.
std::vector<float> importanceOf(const InputStatistics &statistics);

} // namespace qcc

#endif // QCC_COMPILER_METHODS_INPUTSTATISTICS_H
