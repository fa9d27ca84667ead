//===- Passes.h - Passes of the Vectorize stage -----------------------------------===//
//
// Declared in Passes.td; one file for each pass.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_PASSES_VECTORIZE_PASSES_H
#define QCC_PASSES_VECTORIZE_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace qcc {
#define GEN_PASS_DECL
#include "passes/Vectorize/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "passes/Vectorize/Passes.h.inc"
} // namespace qcc

#endif // QCC_PASSES_VECTORIZE_PASSES_H
