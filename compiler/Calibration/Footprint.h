//===- Footprint.h - The memory that a compiled model takes ----------------------------------===//
//
// Budgets are given in bytes of memory, but grids are chosen before there is code. So the module is
// compiled once for this machine, with any grid, and asked: what is not weights of the layers is
// the same for all grids.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_CALIBRATION_FOOTPRINT_H
#define QCC_COMPILER_CALIBRATION_FOOTPRINT_H

#include "compiler/CompilerOptions.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

namespace qcc {

class Model;

/// Bytes at the largest context and chunk.
struct Footprint {
  int64_t weights = 0; ///< all of the file's
  int64_t layers = 0;  ///< the layers' matrices among them
  int64_t state = 0;   ///< the KV cache
  int64_t scratch = 0; ///< intermediate results, logits included

  int64_t besideWeights() const { return state + scratch; }
  int64_t withoutLayers() const { return weights - layers + besideWeights(); }
};

/// Compiles a copy of `module` (after Import) by `options`, without calibration, for this machine.
/// Scratch memory grows with threads: `jobs` are assumed, 0 being all.
llvm::Expected<Footprint> measureFootprint(mlir::ModuleOp module, const Model &model,
                                           const CompilerOptions &options, unsigned jobs);

} // namespace qcc

#endif // QCC_COMPILER_CALIBRATION_FOOTPRINT_H
