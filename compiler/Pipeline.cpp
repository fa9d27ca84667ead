//===- Pipeline.cpp - The stages from tensor-level IR to LLVM ------------------===//

#include "compiler/Pipeline.h"
#include "dialects/NN/IR/NN.h"
#include "dialects/QuantExt/IR/QuantExt.h"
#include "dialects/SPMD/IR/SPMD.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/FuncBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Linalg/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Linalg/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Dialect/Linalg/Transforms/TilingInterfaceImpl.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/Quant/Transforms/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/IR/TensorInferTypeOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/IR/TensorTilingInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/Vector/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Vector/Transforms/SubsetOpInterfaceImpl.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Bufferize/Passes.h"
#include "passes/Calibrate/Passes.h"
#include "passes/Contract/Passes.h"
#include "passes/LowerToLLVM/Passes.h"
#include "passes/Pack/Passes.h"
#include "passes/Quantize/Passes.h"
#include "passes/Tile/Passes.h"
#include "passes/Vectorize/Passes.h"

using namespace mlir;

namespace qcc {

static constexpr PhaseInfo kPhases[] = {
    {Phase::Import, "import", "the model as nn, linalg and tensor operations"},
    {Phase::Quantize, "quantize", "schemes of weights and activations chosen"},
    {Phase::Pack, "pack", "weights have recipes and places"},
    {Phase::Tile, "tile", "work split into pieces that threads do in any order"},
    {Phase::Vectorize, "vectorize", "pieces as vector code for the target"},
    {Phase::Bufferize, "bufferize", "one arena, barriers, each thread's share"},
    {Phase::LLVM, "llvm", "LLVM dialect with the runtime's entry points"},
};

ArrayRef<PhaseInfo> phases() { return kPhases; }
const PhaseInfo &info(Phase phase) { return kPhases[static_cast<size_t>(phase)]; }

static void cleanUp(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

/// Sizes of intermediate tensors as those of the arguments, which the arena is planned from.
static void resolveSizes(OpPassManager &pm) {
  pm.addPass(memref::createResolveRankedShapeTypeResultDimsPass());
  cleanUp(pm);
}

static void addMethods(OpPassManager &pm, const CompilerOptions &options) {
  for (Method method : options.methods)
    switch (method) {
    case Method::Awq:
      pm.addPass(createFoldScales({/*method=*/"awq"}));
      break;
    case Method::SmoothQuant:
      pm.addPass(createFoldScales({/*method=*/"smoothquant"}));
      break;
    case Method::LlmInt8:
      pm.addPass(createKeepOutliers());
      break;
    case Method::Mse:
      pm.addPass(createSearchScales());
      break;
    case Method::Importance:
      pm.addPass(createSearchScales({/*importance=*/true}));
      break;
    case Method::Gptaq:
      pm.addPass(createApplyGptaq());
      break;
    case Method::Gptq:
      pm.addPass(createApplyGptq());
      break;
    case Method::Descent:
      pm.addPass(createApplyDescent());
      break;
    }
}

void buildQuantizePipeline(OpPassManager &pm, const CompilerOptions &options) {
  if (!options.calibration.empty())
    pm.addPass(createInsertObservers());
  pm.addPass(createSplitWeights());
  // Upstream's quantized types are taken at the boundary and become arithmetic on storage types.
  pm.addNestedPass<func::FuncOp>(quant::createLowerQuantOps());
  pm.addPass(quant::createStripFuncQuantTypes());
  pm.addPass(createQuantizeWeights(
      {options.bits, options.group, options.asymmetric, std::string(gridName(options.gridKind)),
       options.superScales}));
  addMethods(pm, options);
  pm.addPass(createCSEPass());
  bool calibrated = !options.calibration.empty(), groups = calibrated && options.group != 0;
  if (options.activations == Activations::Static8)
    pm.addPass(createQuantizeActivationsStatic(
        {groups, /*observed=*/calibrated, /*dynamicProducts=*/groups}));
  else if (options.activations != Activations::F32)
    pm.addPass(createQuantizeActivations());
  pm.addPass(createRemoveObservers());
  cleanUp(pm);
}

void buildPackPipeline(OpPassManager &pm, const CompilerOptions &options) {
  pm.addPass(createPackWeights());
  pm.addPass(createCSEPass());
  pm.addPass(createFoldWeightRecipes());
  pm.addPass(createCSEPass());
  pm.addPass(createPlaceWeights());
}

void buildTilePipeline(OpPassManager &pm, const CompilerOptions &options) {
  pm.addNestedPass<func::FuncOp>(createTileToThreads());
  cleanUp(pm);
  resolveSizes(pm);
  pm.addNestedPass<func::FuncOp>(createHoistDestinations());
}

void buildVectorizePipeline(OpPassManager &pm, const CompilerOptions &options) {
  OpPassManager &f = pm.nest<func::FuncOp>();
  f.addPass(createVectorizeMatmul());
  f.addPass(createVectorizeRowOps());
  f.addPass(createVectorizeRope());
  f.addPass(createVectorizeAttention());
  f.addPass(createVectorizeElementwise());
  f.addPass(createExpandMath());
  cleanUp(pm);
  resolveSizes(pm);
  f.addPass(createLoopInvariantCodeMotionPass());
}

void buildBufferizePipeline(OpPassManager &pm, const CompilerOptions &options) {
  pm.addNestedPass<func::FuncOp>(createOutputsToDestinations());
  pm.addPass(createLowerWeights());
  pm.addPass(bufferization::createEmptyTensorEliminationPass());
  bufferization::OneShotBufferizePassOptions oneShot;
  oneShot.bufferizeFunctionBoundaries = true;
  oneShot.functionBoundaryTypeConversion = bufferization::LayoutMapOption::IdentityLayoutMap;
  oneShot.bufferAlignment = 64;
  pm.addPass(bufferization::createOneShotBufferizePass(oneShot));
  pm.addPass(bufferization::createDropEquivalentBufferResultsPass());
  cleanUp(pm);
  pm.addNestedPass<func::FuncOp>(createLowerCopies());
  pm.addPass(createPlanArena());
  pm.addNestedPass<func::FuncOp>(createInsertBarriers());
  pm.addNestedPass<func::FuncOp>(createSplitForalls());
  // Only now: barriers are placed by what the views say of pieces.
  pm.addPass(memref::createFoldMemRefAliasOpsPass());
  pm.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
  cleanUp(pm);
  pm.addPass(createOutlineKernels());
}

void buildLLVMPipeline(OpPassManager &pm, const CompilerOptions &options) {
  pm.addPass(createLowerSPMD());
  pm.addPass(createEmitEntryPoints());
  pm.addNestedPass<func::FuncOp>(createConvertVectorToSCFPass());
  pm.addNestedPass<func::FuncOp>(createLowerExpandShape());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createSCFToControlFlowPass());
  ConvertVectorToLLVMPassOptions vector;
  vector.reassociateFPReductions = true;
  pm.addPass(createConvertVectorToLLVMPass(vector));
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  pm.addPass(createConvertFuncToLLVMPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createUBToLLVMConversionPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  cleanUp(pm);
}

static void buildStage(OpPassManager &pm, Phase phase, const CompilerOptions &options) {
  switch (phase) {
  case Phase::Import:
    return;
  case Phase::Quantize:
    return buildQuantizePipeline(pm, options);
  case Phase::Pack:
    return buildPackPipeline(pm, options);
  case Phase::Tile:
    return buildTilePipeline(pm, options);
  case Phase::Vectorize:
    return buildVectorizePipeline(pm, options);
  case Phase::Bufferize:
    return buildBufferizePipeline(pm, options);
  case Phase::LLVM:
    return buildLLVMPipeline(pm, options);
  }
}

void buildPipeline(OpPassManager &pm, Phase phase, const CompilerOptions &options) {
  buildStage(pm, phase, options);
  pm.addPass(createVerifyContract({info(phase).name.str()}));
}

void registerDialects(DialectRegistry &registry) {
  registry.insert<affine::AffineDialect, arith::ArithDialect, bufferization::BufferizationDialect,
                  cf::ControlFlowDialect, func::FuncDialect, LLVM::LLVMDialect,
                  linalg::LinalgDialect, math::MathDialect, memref::MemRefDialect, nn::NNDialect,
                  quant::QuantDialect, quant_ext::QuantExtDialect, scf::SCFDialect,
                  spmd::SPMDDialect, tensor::TensorDialect, ub::UBDialect,
                  vector::VectorDialect>();
  arith::registerBufferizableOpInterfaceExternalModels(registry);
  bufferization::func_ext::registerBufferizableOpInterfaceExternalModels(registry);
  linalg::registerBufferizableOpInterfaceExternalModels(registry);
  linalg::registerSubsetOpInterfaceExternalModels(registry);
  linalg::registerTilingInterfaceExternalModels(registry);
  scf::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerInferTypeOpInterfaceExternalModels(registry);
  tensor::registerSubsetOpInterfaceExternalModels(registry);
  tensor::registerTilingInterfaceExternalModels(registry);
  vector::registerBufferizableOpInterfaceExternalModels(registry);
  vector::registerSubsetOpInterfaceExternalModels(registry);
}

void registerPassesAndPipelines() {
  registerCalibratePasses();
  registerQuantizePasses();
  registerPackPasses();
  registerTilePasses();
  registerVectorizePasses();
  registerBufferizePasses();
  registerLowerToLLVMPasses();
  registerContractPasses();
  for (const PhaseInfo &phase : ArrayRef(kPhases).drop_front())
    PassPipelineRegistration<>(("qcc-" + phase.name + "-pipeline").str(), phase.summary,
                               [&phase](OpPassManager &pm) {
                                 buildPipeline(pm, phase.phase, CompilerOptions());
                               });
}

} // namespace qcc
