/*===- FakeTensorModel.c - A model that can be checked by hand
--------------===*\
|*
|* Stands for generated code in tests: sum[b, n] = x[b, n] + y[n] + weight, and
count,
|* an int64 scalar that is b * n. Threads split rows and meet at a barrier.
|*
\*===----------------------------------------------------------------------===*/
#include "runtime/include/qcc/abi.h"

static void run(const QccFrame *f, int64_t thread) {
  int64_t batch = f->dims[0], size = f->dims[1];
  const float *x = (const float *)f->inputs[0], *y = (const float *)f->inputs[1];
  float weight = *(const float *)f->weights, *scratch = (float *)f->arena;
  for (int64_t b = thread; b < batch; b += f->num_threads)
    for (int64_t i = 0; i < size; ++i)
      scratch[b * size + i] = x[b * size + i] + y[i];
  qcc_barrier(f->barrier);
  for (int64_t i = thread; i < batch * size; i += f->num_threads)
    ((float *)f->outputs[0])[i] = scratch[i] + weight;
  if (thread == 0)
    *(int64_t *)f->outputs[1] = batch * size;
}

static void sizes(const int64_t *dims, int64_t threads, int64_t *out) {
  out[0] = dims[0] * dims[1] * 4;
  out[1] = dims[0];
  out[2] = dims[1];
}

static const int64_t xDims[] = {-1, -2}, yDims[] = {-2};
static const QccTensor inputs[] = {{"x", QCC_F32, 2, xDims}, {"y:0", QCC_F32, 1, yDims}};
static const QccTensor outputs[] = {{"sum/out:0", QCC_F32, 2, xDims}, {"count", QCC_I64, 0, 0}};
static const char *const names[] = {"batch", "n"};
static const int64_t maxima[] = {INT64_MAX, 1000};
static const QccEntry entry = {"main", run, sizes, 2, 2, 2, inputs, outputs, names, maxima};

const QccModel qcc_model = {QCC_ABI_VERSION, 1, &entry, 0, "adder", "", "source: test\n", 4, 0};
