//===- TensorSamplesTest.cpp - Inputs of a tensor model to calibrate on ----------------===//
//
// Which array is which input of which sample, and a message for everything that does not fit.
//
//===----------------------------------------------------------------------===//

#include "compiler/Calibration/TensorSamples.h"
#include "runtime/include/qcc/abi.h"
#include "test/unit/Frontends/Support.h"
#include <cmath>

using namespace qcc;
using namespace qcc::test;

namespace {

/// ids [batch, seq] and x/y [batch, 3].
const std::vector<GraphInput> kInputs = {{"ids", QCC_I64, {-1, -1}, {"batch", "seq"}},
                                         {"x/y", QCC_F32, {-1, 3}, {"batch", ""}}};

class TensorSamples : public testing::Test {
protected:
  void writeIds(const std::string &name, std::vector<int64_t> shape) {
    write(name, QCC_I64, shape, std::vector<int64_t>(count(shape), 7).data());
  }
  void writeFloats(const std::string &name, std::vector<int64_t> shape, float value = 1) {
    write(name, QCC_F32, shape, std::vector<float>(count(shape), value).data());
  }
  llvm::Expected<std::vector<TensorSample>> read() {
    return readSamples(directory.path(""), kInputs);
  }
  void expectWrong(const std::string &message) {
    expectFailure(failureOf(read()), ExitCode::WrongUse, message);
  }

  TempDir directory;

private:
  static size_t count(const std::vector<int64_t> &shape) {
    size_t product = 1;
    for (int64_t size : shape)
      product *= size;
    return product;
  }
  void write(const std::string &name, int32_t type, const std::vector<int64_t> &shape,
             const void *data) {
    ASSERT_FALSE(rt::writeNpy(directory.path(name + ".npy"), type, shape, data).failed());
  }
};

TEST_F(TensorSamples, OneSampleNeedsNoName) {
  writeIds("ids", {2, 5});
  writeFloats("x_y", {2, 3});
  llvm::Expected<std::vector<TensorSample>> samples = read();
  ASSERT_TRUE(bool(samples)) << failureOf(samples.takeError()).text;
  ASSERT_EQ(samples->size(), 1u);
  EXPECT_EQ((*samples)[0].name, "");
  EXPECT_EQ((*samples)[0].inputs[0].shape, (std::vector<int64_t>{2, 5}));
  EXPECT_EQ((*samples)[0].inputs[1].type, QCC_F32);
}

TEST_F(TensorSamples, SeveralComeInTheOrderOfTheirNumbers) {
  for (int i : {10, 2, 1}) {
    std::string name = "case" + std::to_string(i);
    writeIds(name + ".in.ids", {1, i == 2 ? 4 : 8});
    writeFloats(name + ".in.x_y", {1, 3});
    writeFloats(name + ".out.z", {9});
  }
  llvm::Expected<std::vector<TensorSample>> samples = read();
  ASSERT_TRUE(bool(samples)) << failureOf(samples.takeError()).text;
  ASSERT_EQ(samples->size(), 3u);
  EXPECT_EQ((*samples)[0].name, "case1");
  EXPECT_EQ((*samples)[2].name, "case10");
  EXPECT_EQ(groupByShapes(*samples), (std::vector<std::vector<size_t>>{{0, 2}, {1}}));
}

TEST_F(TensorSamples, RefusesAnEmptyDirectory) {
  expectWrong("holds no arrays; expected for each input of the model NAME.npy");
}

TEST_F(TensorSamples, RefusesWhatIsAbsent) {
  expectFailure(failureOf(readSamples(directory.path("absent"), kInputs)), ExitCode::WrongUse,
                "no such file or directory");
  expectFailure(failureOf(readSamples(directory.write("a.txt", "text"), kInputs)),
                ExitCode::WrongUse, "a directory of .npy files or a .npz file");
}

TEST_F(TensorSamples, RefusesAMissingInput) {
  writeIds("case0.in.ids", {1, 8});
  expectWrong("input 'x/y' of sample 'case0' is missing");
}

TEST_F(TensorSamples, RefusesAnUnknownInput) {
  writeIds("mask", {1, 8});
  expectWrong("the model has no input 'mask'");
}

TEST_F(TensorSamples, RefusesAnotherType) {
  writeFloats("ids", {1, 8});
  writeFloats("x_y", {1, 3});
  expectWrong("input 'ids' is float32 [1, 8], the model takes int64 [batch, seq]");
}

TEST_F(TensorSamples, RefusesAnotherShape) {
  writeIds("ids", {1, 8});
  writeFloats("x_y", {1, 4});
  expectWrong("input 'x/y' is float32 [1, 4], the model takes float32 [batch, 3]");
}

TEST_F(TensorSamples, RefusesSizesThatDisagree) {
  writeIds("ids", {2, 8});
  writeFloats("x_y", {1, 3});
  expectWrong("the model takes float32 [batch, 3], where batch is 2");
}

TEST_F(TensorSamples, RefusesEmptyInputs) {
  writeIds("ids", {1, 0});
  writeFloats("x_y", {1, 3});
  expectWrong("input 'ids' is empty");
}

TEST_F(TensorSamples, RefusesNotANumber) {
  writeIds("ids", {1, 8});
  writeFloats("x_y", {1, 3}, NAN);
  expectWrong("input 'x/y' has NaN or infinity");
  writeFloats("x_y", {1, 3}, INFINITY);
  expectWrong("input 'x/y' has NaN or infinity");
}

} // namespace
