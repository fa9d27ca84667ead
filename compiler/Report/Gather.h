//===- Gather.h - What a compiled module's weights take -------------------------------===//
//
// Fills in the parts of a report that the weights' recipes tell: grids, methods, bytes by kind.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_REPORT_GATHER_H
#define QCC_COMPILER_REPORT_GATHER_H

#include "compiler/Report/Report.h"
#include "dialects/QuantExt/Codec/Scheme.h"
#include "mlir/IR/BuiltinOps.h"

namespace qcc {

/// "int4 in groups of 32", "codebook4 in groups of 32, int8 scales", "bf16".
std::string describeGrid(const Scheme &scheme);

/// Adds the weights of `module` (after the Pack stage). Weights that are no part of the model file
/// (static scales) count as "scales".
void addWeights(mlir::ModuleOp module, CompileReport &report);

/// The most memory that this process has had.
uint64_t peakMemory();

} // namespace qcc

#endif // QCC_COMPILER_REPORT_GATHER_H
