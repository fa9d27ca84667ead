//===- TensorModelTest.cpp
//-------------------------------------------------===//
//
// Over FakeTensorModel.c: sum[b, n] = x[b, n] + y[n] + weight.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/TensorModel.h"
#include "TempFile.h"

#include <cstring>

using namespace qcc::rt;

static const float kWeight[] = {0.5f};

static QccModel fake() {
  QccModel model = qcc_model;
  model.weights = reinterpret_cast<const uint8_t *>(kWeight);
  return model;
}

/// An array whose element i is i.
static Array floats(std::vector<int64_t> shape, int32_t type = QCC_F32) {
  Array array;
  array.type = type;
  array.shape = std::move(shape);
  EXPECT_TRUE(arrayBytes(type, array.shape, array.bytes));
  EXPECT_FALSE(array.memory.reserve(array.bytes + 1, "test", false).failed());
  for (uint64_t i = 0; i < array.bytes / 4; ++i)
    reinterpret_cast<float *>(array.memory.data())[i] = static_cast<float>(i);
  return array;
}

static std::vector<Array> arrays(Array x, Array y) {
  std::vector<Array> out;
  out.push_back(std::move(x));
  out.push_back(std::move(y));
  return out;
}

TEST(TensorModel, RunsWithAnyThreads) {
  QccModel model = fake();
  for (int64_t threads : {1, 2, 5}) {
    TensorModel tensors(model);
    ASSERT_FALSE(tensors.open(threads).failed());
    for (int64_t batch : {3, 1, 8}) {
      // The inputs must live until the run.
      std::vector<Array> inputs = arrays(floats({batch, 4}), floats({4}));
      ASSERT_FALSE(tensors.prepare(inputs).failed());
      ASSERT_FALSE(tensors.run().failed());
      ASSERT_EQ(tensors.outputs[0].shape, (std::vector<int64_t>{batch, 4}));
      const float *sum = reinterpret_cast<const float *>(tensors.outputs[0].memory.data());
      for (int64_t i = 0; i < batch * 4; ++i)
        EXPECT_EQ(sum[i], static_cast<float>(i + i % 4) + 0.5f);
      int64_t count = 0;
      memcpy(&count, tensors.outputs[1].memory.data(), 8);
      EXPECT_EQ(count, batch * 4);
      EXPECT_TRUE(tensors.outputs[1].shape.empty());
    }
  }
}

TEST(TensorModel, EmptyTensors) {
  QccModel model = fake();
  TensorModel tensors(model);
  ASSERT_FALSE(tensors.open(2).failed());
  std::vector<Array> inputs = arrays(floats({0, 4}), floats({4}));
  ASSERT_FALSE(tensors.prepare(inputs).failed());
  ASSERT_FALSE(tensors.run().failed());
  EXPECT_EQ(tensors.outputs[0].bytes, 0u);
}

TEST(TensorModel, SaysWhatDoesNotFit) {
  QccModel model = fake();
  TensorModel tensors(model);
  ASSERT_FALSE(tensors.open(1).failed());
  struct {
    Array x, y;
    const char *part;
  } cases[] = {
      {floats({2, 4}, QCC_F64), floats({4}),
       "input x is float64, and the model takes float32 [batch, n]"},
      {floats({4}), floats({4}), "input x has shape float32 [4]"},
      {floats({2, 4}), floats({5}),
       "input y:0 has shape float32 [5], and the model takes float32 [n]; n is "
       "4 in x"},
      {floats({1, 1001}), floats({1001}), "n is at most 1000"},
  };
  for (auto &c : cases)
    expectFailure(tensors.prepare(arrays(std::move(c.x), std::move(c.y))), kWrongUse, c.part);
}

TEST(TensorModel, UnsolvedDimension) {
  QccEntry entry = qcc_model.entries[0];
  DimSolver solver(entry);
  ASSERT_FALSE(solver.add(entry.inputs[1], {4}).failed());
  expectFailure(solver.finish(), kWrongUse, "no input says how large batch is");
}

TEST(TensorModel, BadOutputShape) {
  std::vector<std::vector<int64_t>> shapes;
  expectFailure(outputShapes(qcc_model.entries[0], {0, 2, -1}, shapes), kInternal,
                "output sum/out:0 would have shape");
}

TEST(TensorModel, DescribesTensors) {
  static const int64_t dims[] = {2, -1, INT64_MIN};
  QccTensor tensor = {"t", QCC_I64, 3, dims};
  EXPECT_EQ(describeTensor(qcc_model.entries[0], tensor), "int64 [2, batch, ?]");
}
