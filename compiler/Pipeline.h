//===- Pipeline.h - The stages from tensor-level IR to LLVM --------------------===//
//
// One function for each stage. Each ends with a check of its contract.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_PIPELINE_H
#define QCC_COMPILER_PIPELINE_H

#include "compiler/CompilerOptions.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"

namespace qcc {

/// A stage's name (as -compile-to takes it), and what it does in a line.
struct PhaseInfo {
  Phase phase;
  llvm::StringLiteral name;
  llvm::StringLiteral summary;
};
llvm::ArrayRef<PhaseInfo> phases();
const PhaseInfo &info(Phase);

void buildQuantizePipeline(mlir::OpPassManager &, const CompilerOptions &);
void buildPackPipeline(mlir::OpPassManager &, const CompilerOptions &);
void buildTilePipeline(mlir::OpPassManager &, const CompilerOptions &);
void buildVectorizePipeline(mlir::OpPassManager &, const CompilerOptions &);
void buildBufferizePipeline(mlir::OpPassManager &, const CompilerOptions &);
void buildLLVMPipeline(mlir::OpPassManager &, const CompilerOptions &);

/// The pipeline of one phase (Import has none), ending with the check of its contract.
void buildPipeline(mlir::OpPassManager &, Phase, const CompilerOptions &);

/// Every dialect, extension and interface the pipeline needs.
void registerDialects(mlir::DialectRegistry &);

/// Every pass of qcc and every stage pipeline (`qcc-<stage>-pipeline`), for qcc-opt.
void registerPassesAndPipelines();

} // namespace qcc

#endif // QCC_COMPILER_PIPELINE_H
