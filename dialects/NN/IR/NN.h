//===- NN.h - The nn dialect -------------------------------------------------===//
//
// Weights as symbols, and the operations of models that linalg has no name for.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_DIALECTS_NN_IR_NN_H
#define QCC_DIALECTS_NN_IR_NN_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/NN/IR/NNDialect.h.inc"

#define GET_OP_CLASSES
#include "dialects/NN/IR/NNOps.h.inc"

#endif // QCC_DIALECTS_NN_IR_NN_H
