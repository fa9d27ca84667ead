//===- Methods.h - Choosing the codes and scales of one weight matrix ------===//
//
// The entry of the quantization methods: a float matrix W[N, K], a scheme and what calibration
// knows of the matrix's inputs go in, a QuantizedMatrix comes out. The methods differ in how they
// choose, never in what they produce, so everything after this (packing, kernels) is the same.
// No MLIR here. Errors do not name the tensor; the caller, who knows it, does.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_METHODS_METHODS_H
#define QCC_COMPILER_METHODS_METHODS_H

#include "compiler/Methods/InputStatistics.h"
#include "dialects/QuantExt/Codec/Matrix.h"

#include "llvm/Support/Error.h"

#include <memory>

namespace qcc {

class HessianFactor;

/// How the scales of groups are chosen before the codes.
enum class ScaleMethod : uint8_t {
  Rtn,        ///< from the largest magnitude (Rtn.h; for codebooks and super-blocks the like)
  Mse,        ///< the least sum of (w - q)^2
  Importance, ///< the least sum of E[x_k^2] (w - q)^2
};

/// What quantizeMatrix does. The default is round to nearest.
struct MethodOptions {
  ScaleMethod scales = ScaleMethod::Rtn;

  /// GPTQ: the rounding error of a column is made up for by those not yet rounded. Needs
  /// InputStatistics::hessian, as does everything below.
  bool gptq = false;
  /// Added to the diagonal of the Hessian: this share of its mean.
  double damping = 0.01;
  /// Columns by descending diagonal instead of from left to right.
  bool activationOrder = true;
  /// Scales of a group are searched again, on the weights as changed so far, when GPTQ comes to its
  /// first column. Only without activationOrder, and for schemes without super-blocks.
  bool dynamicScales = false;

  /// Rounds of changing single codes where that lowers the output error, each after a refit of the
  /// scales when refitScales is set.
  int descentSweeps = 0;
  bool refitScales = false;

  /// Whether MethodReport::relativeError is wanted; with a Hessian that takes as long as GPTQ.
  bool measureError = false;

  /// Rows are dealt out to this many threads; the result does not depend on it. 0: all cores.
  unsigned threads = 1;
};

/// What is worth telling the user, and the errors that were reached.
struct MethodReport {
  int64_t deadChannels = 0; ///< input channels that calibration never saw active
  int64_t coarseGroups = 0; ///< groups whose scale is hardly held (RtnResult::coarseGroups)
  bool fewTokens = false;   ///< fewer calibration tokens than input channels
  int64_t changedCodes = 0; ///< by coordinate descent, all sweeps together
  /// With MethodOptions::measureError:
  /// sqrt(tr(E H E^T) / tr(W H W^T)), E = W - Q; with E[x^2] as a diagonal H when there is no
  /// Hessian, and H = 1 without statistics. (Metrics.h)
  double relativeError = 0;
};

/// Empty when `scheme` can be quantized to with `options`, else why not.
std::string checkMethod(const Scheme &scheme, const MethodOptions &options);

/// Quantizes w[n, k] (row-major, finite) to `scheme`. `statistics` describes the k inputs and may
/// be null for methods that need none. `out` is reshaped and filled. Matrices with the same inputs
/// can share a HessianFactor (Hessian.h), made from the same statistics and options; when `factor`
/// is null and GPTQ needs one, it is made here.
///
/// Errors: what checkMethod says; a weight that is not finite (row, column); a scale beyond
/// binary16; damaged statistics; a singular Hessian.
llvm::Error quantizeMatrix(const float *w, int64_t n, int64_t k, const Scheme &scheme,
                           const InputStatistics *statistics, const MethodOptions &options,
                           QuantizedMatrix &out, MethodReport *report = nullptr,
                           const HessianFactor *factor = nullptr);

} // namespace qcc

#endif // QCC_COMPILER_METHODS_METHODS_H
