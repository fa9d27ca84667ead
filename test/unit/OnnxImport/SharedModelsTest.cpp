//===- SharedModelsTest.cpp - Real models import ----------------------------------------===//

#include "TestModel.h"

#include "llvm/Support/FileSystem.h"

using namespace qcc;
using namespace qcc::test;

namespace {

class SharedModels : public testing::TestWithParam<const char *> {};

TEST_P(SharedModels, Import) {
  const char *shared = std::getenv("QCC_SHARED");
  std::string path = std::string(shared ? shared : QCC_SHARED_DEFAULT) + "/data/onnx/" +
                     GetParam() + "/model.onnx";
  if (!llvm::sys::fs::exists(path))
    GTEST_SKIP() << path << " is not there";
  llvm::Expected<std::unique_ptr<OnnxModel>> model = OnnxModel::open(path);
  ASSERT_TRUE(static_cast<bool>(model)) << TestModel::message(model.takeError());
  mlir::MLIRContext context;
  auto module = importOnnx(&context, **model);
  ASSERT_TRUE(static_cast<bool>(module)) << TestModel::message(module.takeError());
}

INSTANTIATE_TEST_SUITE_P(All, SharedModels,
                         testing::Values("mnist", "resnet20", "mobilenet_v1", "ppocr_cls"),
                         [](const auto &info) { return std::string(info.param); });

} // namespace
