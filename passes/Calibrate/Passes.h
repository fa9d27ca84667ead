//===- Passes.h - Passes of the Calibrate stage -----------------------------------===//
//
// Declared in Passes.td; one file for each pass.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_PASSES_CALIBRATE_PASSES_H
#define QCC_PASSES_CALIBRATE_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace qcc {
#define GEN_PASS_DECL
#include "passes/Calibrate/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "passes/Calibrate/Passes.h.inc"
} // namespace qcc

#endif // QCC_PASSES_CALIBRATE_PASSES_H
