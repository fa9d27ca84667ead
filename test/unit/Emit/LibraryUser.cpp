//===- LibraryUser.cpp - Uses a model library as its header says
//-----------===//
//
// Compiled by artifact_test.py. Runs two objects of the model, one with scratch
// memory of its own, and prints what comes out. std::vector is here on purpose:
// the library has functions of that name, too, and they must not meet.
//
//===----------------------------------------------------------------------===//
#include "adder.h"

#include <cstdio>
#include <cstdlib>
#include <vector>

int main(int argc, char **argv) {
  qcc_adder_options options = {2, 0, argc > 1 ? argv[1] : nullptr};
  qcc_adder *model = nullptr, *other = nullptr;
  char message[200];
  int code = qcc_adder_create(&options, &model, message, sizeof message);
  if (code != 0) {
    printf("%s\n", message);
    return code;
  }
  if (qcc_adder_create(&options, &other, nullptr, 0) != 0)
    return 100;

  std::vector<float> x = {0, 1, 2, 3}, y = {10, 20}, sum(4);
  int64_t count = 0, dims[qcc_adder_num_dims];
  dims[qcc_adder_dim_batch] = 2;
  dims[qcc_adder_dim_n] = 2;
  const void *inputs[qcc_adder_num_inputs];
  inputs[qcc_adder_input_x] = x.data();
  inputs[qcc_adder_input_y_0] = y.data();
  void *outputs[qcc_adder_num_outputs];
  outputs[qcc_adder_output_sum_out_0] = sum.data();
  outputs[qcc_adder_output_count] = &count;

  size_t arenaBytes = 0;
  int64_t outputDims[2];
  if (qcc_adder_sizes(model, dims, &arenaBytes, outputDims) != 0 || outputDims[0] != 2 ||
      outputDims[1] != 2)
    return 101;
  void *arena = aligned_alloc(64, (arenaBytes + 63) / 64 * 64);
  if (qcc_adder_run(model, inputs, outputs, dims, arena) != 0)
    return 102;
  std::vector<float> first = sum;
  if (qcc_adder_run(other, inputs, outputs, dims, nullptr) != 0 || first != sum)
    return 103;
  char *odd = static_cast<char *>(arena) + 1;
  if (qcc_adder_run(model, inputs, outputs, dims, odd) != 1 || qcc_adder_error(model)[0] == 0)
    return 104;
  dims[qcc_adder_dim_n] = 1001;
  if (qcc_adder_sizes(model, dims, nullptr, nullptr) != 1)
    return 105;
  printf("%d", static_cast<int>(count * 3));
  for (float value : sum)
    printf(" %g", static_cast<double>(value));
  printf("\n");
  free(arena);
  qcc_adder_destroy(model);
  qcc_adder_destroy(other);
  return 0;
}
