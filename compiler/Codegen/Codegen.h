//===- Codegen.h - From the LLVM dialect to machine code ----------------------------===//
#ifndef QCC_COMPILER_CODEGEN_CODEGEN_H
#define QCC_COMPILER_CODEGEN_CODEGEN_H

#include "compiler/Codegen/ModelDescriptor.h"
#include "compiler/Target/TargetSpec.h"

namespace qcc {

/// Translates a module in the LLVM dialect to LLVM IR for `target`, adds the descriptor and optimizes.
llvm::Expected<std::unique_ptr<llvm::Module>>
translateToLLVM(mlir::ModuleOp module, const ModelDescriptor &model, const TargetSpec &target,
                llvm::LLVMContext &context);

/// Object code or assembly of an optimized module.
llvm::Expected<llvm::SmallVector<char, 0>> emitCode(llvm::Module &module, const TargetSpec &target,
                                                    bool assembly);

} // namespace qcc

#endif // QCC_COMPILER_CODEGEN_CODEGEN_H
