//===- Passes.h - Passes of the Contract stage -----------------------------------===//
//
// Declared in Passes.td; one file for each pass.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_PASSES_CONTRACT_PASSES_H
#define QCC_PASSES_CONTRACT_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace qcc {
#define GEN_PASS_DECL
#include "passes/Contract/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "passes/Contract/Passes.h.inc"
} // namespace qcc

#endif // QCC_PASSES_CONTRACT_PASSES_H
