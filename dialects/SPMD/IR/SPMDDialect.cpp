//===- SPMDDialect.cpp - The spmd dialect -----------------------------------===//

#include "dialects/SPMD/IR/SPMD.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace qcc::spmd;

#include "dialects/SPMD/IR/SPMDDialect.cpp.inc"

void SPMDDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/SPMD/IR/SPMDOps.cpp.inc"
      >();
}

#define GET_OP_CLASSES
#include "dialects/SPMD/IR/SPMDOps.cpp.inc"
