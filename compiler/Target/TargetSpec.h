//===- TargetSpec.h - The machine that is compiled for --------------------------===//
//
// From -target, -mcpu and -mattr to a triple, a CPU and the full list of features: what the IR's
// target attribute, LLVM's code generator and the artifact's check at start all use.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_COMPILER_TARGET_TARGETSPEC_H
#define QCC_COMPILER_TARGET_TARGETSPEC_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"
#include <memory>

namespace qcc {

struct TargetSpec {
  std::string triple;
  std::string cpu;
  std::vector<std::string> features; ///< every feature the code may use, "avx2", sorted
};

/// Resolves a target: "native", "x86-64-v3", "x86-64-v4" or "arm64"; `cpu` replaces the target's
/// CPU, `attributes` ("+dotprod,-sve") are applied last. Fails with WrongUse and the names that
/// are known.
llvm::Expected<TargetSpec> resolveTarget(llvm::StringRef target, llvm::StringRef cpu,
                                         llvm::StringRef attributes);

/// Those of its features that generated code may depend on: what a program checks at start. The
/// rest (virtualization, AMX, prefetch hints ...) no schedule uses.
std::vector<std::string> neededFeatures(const TargetSpec &);

/// All its features as LLVM takes them: "+avx,+avx2".
std::string featureString(const TargetSpec &);

/// LLVM's code generator for it.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>> createTargetMachine(const TargetSpec &);

/// Marks the module as compiled for it (passes/Target/TargetInfo.h reads the mark).
void setTarget(mlir::ModuleOp, const TargetSpec &);

} // namespace qcc

#endif // QCC_COMPILER_TARGET_TARGETSPEC_H
