//===- Codegen.cpp - From the LLVM dialect to machine code ---------------------------===//

#include "compiler/Codegen/Codegen.h"
#include "dialects/NN/IR/NN.h"
#include "frontends/Common/Error.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace qcc {

static Error internalError(const Twine &what) {
  return make_error<ModelError>(ExitCode::Internal, what.str());
}

/// Every function may use all of the target, 512-bit registers included.
static void setAttributes(Module &module, const TargetSpec &target) {
  std::string features = featureString(target);
  for (Function &f : module) {
    if (f.isDeclaration())
      continue;
    f.addFnAttr("target-cpu", target.cpu);
    f.addFnAttr("target-features", features);
    f.addFnAttr("prefer-vector-width", "512");
    f.addFnAttr(Attribute::NoUnwind);
  }
}

static void optimize(Module &module, TargetMachine &machine) {
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = true;
  tuning.SLPVectorization = false; // schedules are vectorized already; it only costs time
  PassBuilder builder(&machine, tuning);
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager cgscc;
  ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(cgscc);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, cgscc, modules);
  builder.buildPerModuleDefaultPipeline(OptimizationLevel::O2).run(module, modules);
}

Expected<std::unique_ptr<Module>> translateToLLVM(mlir::ModuleOp module,
                                                  const ModelDescriptor &model,
                                                  const TargetSpec &target, LLVMContext &context) {
  mlir::registerBuiltinDialectTranslation(*module->getContext());
  mlir::registerLLVMDialectTranslation(*module->getContext());
  // Weights are not code.
  mlir::OwningOpRef<mlir::ModuleOp> code = module.clone();
  for (auto weight : make_early_inc_range(code->getOps<nn::WeightOp>()))
    weight.erase();
  std::unique_ptr<Module> result = mlir::translateModuleToLLVMIR(*code, context, model.name);
  if (!result)
    return internalError("translation to LLVM IR failed");
  Expected<std::unique_ptr<TargetMachine>> machine = createTargetMachine(target);
  if (!machine)
    return machine.takeError();
  result->setTargetTriple(Triple(target.triple));
  result->setDataLayout((*machine)->createDataLayout());
  result->setPICLevel(PICLevel::BigPIC);
  emitModelDescriptor(*result, model);
  setAttributes(*result, target);
  optimize(*result, **machine);
  return result;
}

Expected<SmallVector<char, 0>> emitCode(Module &module, const TargetSpec &target, bool assembly) {
  Expected<std::unique_ptr<TargetMachine>> machine = createTargetMachine(target);
  if (!machine)
    return machine.takeError();
  SmallVector<char, 0> code;
  raw_svector_ostream os(code);
  legacy::PassManager passes;
  if ((*machine)->addPassesToEmitFile(passes, os, nullptr,
                                      assembly ? CodeGenFileType::AssemblyFile
                                               : CodeGenFileType::ObjectFile))
    return internalError("the target cannot emit this kind of file");
  passes.run(module);
  return code;
}

} // namespace qcc
