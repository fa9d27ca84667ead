//===- qcc-opt.cpp - Runs passes and stage pipelines on MLIR files --------------===//

#include "compiler/Pipeline.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  qcc::registerDialects(registry);
  mlir::registerAllPasses();
  qcc::registerPassesAndPipelines();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "qcc's passes and stage pipelines\n", registry));
}
