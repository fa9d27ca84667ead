//===- SPMD.h - The spmd dialect --------------------------------------------===//
//
// Threads that run the same function, and barriers between them.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_DIALECTS_SPMD_IR_SPMD_H
#define QCC_DIALECTS_SPMD_IR_SPMD_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/SPMD/IR/SPMDDialect.h.inc"

#define GET_OP_CLASSES
#include "dialects/SPMD/IR/SPMDOps.h.inc"

#endif // QCC_DIALECTS_SPMD_IR_SPMD_H
