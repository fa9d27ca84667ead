//===- Passes.h - Passes of the Quantize stage -----------------------------------===//
//
// Declared in Passes.td; one file for each pass.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_PASSES_QUANTIZE_PASSES_H
#define QCC_PASSES_QUANTIZE_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace qcc {
#define GEN_PASS_DECL
#include "passes/Quantize/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "passes/Quantize/Passes.h.inc"
} // namespace qcc

#endif // QCC_PASSES_QUANTIZE_PASSES_H
