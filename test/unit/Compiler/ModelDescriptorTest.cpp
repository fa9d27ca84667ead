//===- ModelDescriptorTest.cpp - What the runtime is told -------------------------===//
//
// Entry points of a bufferized module, and the constant `qcc_model` made of them.
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/ModelDescriptor.h"
#include "compiler/Pipeline.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"
#include "runtime/include/qcc/abi.h"
#include "test/unit/Frontends/Support.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Verifier.h"

using namespace qcc;
using namespace qcc::test;

namespace {

class ModelDescriptorTest : public testing::Test {
protected:
  ModelDescriptorTest() : context(registry()) { context.loadAllAvailableDialects(); }

  static mlir::DialectRegistry registry() {
    mlir::DialectRegistry registry;
    registerDialects(registry);
    return registry;
  }

  llvm::Expected<std::vector<EntryDescriptor>> collect(llvm::StringRef text) {
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(bool(module)) << text.str();
    return collectEntries(*module);
  }

  /// The one input of an entry point that takes `type`.
  llvm::Expected<std::vector<EntryDescriptor>> withType(const std::string &type) {
    return collect("func.func @run(%x: memref<4x" + type +
                   "> {nn.input = \"x\"}) attributes {nn.entry, nn.dim_names = []} { return }");
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

TEST_F(ModelDescriptorTest, CollectsInputsOutputsAndDimensions) {
  auto entries = collect(R"(
    func.func @run(%ids: memref<?x?xi64> {nn.dims = ["batch", "seq"], nn.input = "input_ids"},
                   %y: memref<?x?x384xf32> {nn.dims = ["batch", "seq"], nn.output = "last hidden"},
                   %pooled: memref<?x8xf16> {nn.dims = ["batch"], nn.output = "pooled"},
                   %arena: memref<?xi8> {nn.arena})
        attributes {nn.entry, nn.dim_names = ["batch", "seq"]} { return }
    func.func @helper(%x: memref<4xf32>) { return })");
  ASSERT_TRUE(bool(entries)) << failureOf(entries.takeError()).text;
  ASSERT_EQ(entries->size(), 1u);
  const EntryDescriptor &e = entries->front();
  EXPECT_EQ(e.name, "run");
  EXPECT_EQ(e.dimNames, (std::vector<std::string>{"batch", "seq"}));
  ASSERT_EQ(e.inputs.size(), 1u);
  EXPECT_EQ(e.inputs[0].name, "input_ids");
  EXPECT_EQ(e.inputs[0].type, QCC_I64);
  EXPECT_EQ(e.inputs[0].dims, (std::vector<int64_t>{-1, -2}));
  ASSERT_EQ(e.outputs.size(), 2u);
  EXPECT_EQ(e.outputs[0].name, "last hidden");
  EXPECT_EQ(e.outputs[0].dims, (std::vector<int64_t>{-1, -2, 384}));
  EXPECT_EQ(e.outputs[1].type, QCC_F16);
  EXPECT_EQ(e.outputs[1].dims, (std::vector<int64_t>{-1, 8}));
}

TEST_F(ModelDescriptorTest, ElementTypes) {
  struct {
    const char *type;
    int32_t expected;
  } cases[] = {{"f32", QCC_F32}, {"f16", QCC_F16}, {"f64", QCC_F64}, {"i64", QCC_I64},
               {"i32", QCC_I32}, {"i8", QCC_I8},   {"ui8", QCC_U8},  {"i1", QCC_BOOL}};
  for (const auto &c : cases) {
    auto entries = withType(c.type);
    ASSERT_TRUE(bool(entries)) << c.type;
    EXPECT_EQ(entries->front().inputs.front().type, c.expected) << c.type;
  }
}

TEST_F(ModelDescriptorTest, OtherElementTypesAreUnsupported) {
  for (const char *type : {"bf16", "i16", "f8E4M3FN"})
    expectFailure(failureOf(withType(type)), ExitCode::Unsupported,
                  std::string("tensors of type ") + type + " at the boundary");
}

TEST_F(ModelDescriptorTest, EmitsTheConstant) {
  ModelDescriptor model;
  model.name = "tiny";
  model.features = "avx2,fma";
  model.info = "bits: 4\n";
  model.weightBytes = 4096;
  model.entries.resize(1);
  model.entries[0].name = "run";
  model.entries[0].inputs.push_back({"x", QCC_F32, {-1, 8}});
  model.entries[0].dimNames = {"T"};
  model.entries[0].dimMax = {64};
  model.languageModel = LanguageModelDescriptor{384, 64, 256, 128, 131072};

  llvm::LLVMContext llvmContext;
  llvm::Module llvmModule("test", llvmContext);
  // What a compiled module defines.
  auto *type = llvm::FunctionType::get(llvm::Type::getVoidTy(llvmContext), false);
  for (const char *name : {"qcc_run", "qcc_run_sizes"})
    llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, name, llvmModule);
  emitModelDescriptor(llvmModule, model);
  EXPECT_FALSE(llvm::verifyModule(llvmModule, &llvm::errs()));

  llvm::GlobalVariable *root = llvmModule.getNamedGlobal("qcc_model");
  ASSERT_NE(root, nullptr);
  EXPECT_TRUE(root->isConstant());
  auto *version =
      llvm::dyn_cast<llvm::ConstantInt>(root->getInitializer()->getAggregateElement(0u));
  ASSERT_NE(version, nullptr);
  EXPECT_EQ(version->getSExtValue(), QCC_ABI_VERSION);
  std::string text;
  llvm::raw_string_ostream(text) << llvmModule;
  for (const char *part : {"tiny\\00", "avx2,fma\\00", "bits: 4\\0A\\00", "x\\00", "T\\00",
                           "i64 131072", "ptr @qcc_run,", "ptr @qcc_run_sizes"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
}

} // namespace
