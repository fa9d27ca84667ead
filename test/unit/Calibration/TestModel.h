//===- TestModel.h - A model of random weights, opened --------------------------------===//
//
// families/llama of test/data: two layers, no tokenizer, golden logits in data/llama-logits.npy.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_TEST_UNIT_CALIBRATION_TESTMODEL_H
#define QCC_TEST_UNIT_CALIBRATION_TESTMODEL_H

#include "compiler/Calibration/LayerRunner.h"
#include "compiler/Model.h"
#include "compiler/Pipeline.h"
#include "runtime/src/Npy.h"
#include "test/unit/Frontends/Support.h"
#include <fstream>
#include <nlohmann/json.hpp>

namespace qcc::test {

class TestModel : public testing::Test {
protected:
  TestModel() : context(registry()) { context.loadAllAvailableDialects(); }

  void SetUp() override {
    path = QCC_CALIBRATION_TEST_DATA "/../../../data/families/llama";
    llvm::Expected<std::unique_ptr<Model>> opened = openModel(path, CompilerOptions());
    ASSERT_TRUE(bool(opened)) << failureOf(opened.takeError()).text;
    model = std::move(*opened);
    std::ifstream file(QCC_CALIBRATION_TEST_DATA "/llama-tokens.json");
    tokens = nlohmann::json::parse(file, nullptr, false).get<std::vector<int32_t>>();
  }

  std::unique_ptr<LayerRunner> makeRunner(int64_t window, unsigned jobs = 2) {
    llvm::Expected<std::unique_ptr<LayerRunner>> runner =
        LayerRunner::create(*model, path, context, CompilerOptions(), window, jobs);
    if (runner)
      return std::move(*runner);
    ADD_FAILURE() << failureOf(runner.takeError()).text;
    return nullptr;
  }

  static std::vector<float> goldenLogits() {
    rt::Array array;
    EXPECT_FALSE(rt::readNpy(QCC_CALIBRATION_TEST_DATA "/llama-logits.npy", array).failed());
    const float *values = reinterpret_cast<const float *>(array.memory.data());
    return {values, values + array.bytes / sizeof(float)};
  }

  static mlir::DialectRegistry registry() {
    mlir::DialectRegistry registry;
    registerDialects(registry);
    return registry;
  }

  mlir::MLIRContext context;
  std::string path;
  std::unique_ptr<Model> model;
  std::vector<int32_t> tokens;
};

} // namespace qcc::test

#endif // QCC_TEST_UNIT_CALIBRATION_TESTMODEL_H
