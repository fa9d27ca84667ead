//===- TensorModel.h - Named tensors in, named tensors out
//-----------------===//
//
// Matches input arrays with what an entry point wants, solves its symbolic
// dimensions from their shapes, and runs it.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_RUNTIME_SRC_TENSORMODEL_H
#define QCC_RUNTIME_SRC_TENSORMODEL_H

#include "runtime/src/Npy.h"
#include "runtime/src/Program.h"

namespace qcc::rt {

/// "float32 [1, batch]".
std::string describeTensor(const QccEntry &entry, const QccTensor &tensor);

/// Values of an entry's symbolic dimensions; -1: not known.
class DimSolver {
public:
  explicit DimSolver(const QccEntry &entry)
      : entry(entry), dims(static_cast<size_t>(entry.num_dims), -1), origin(dims.size()) {}

  /// Takes dimensions from the shape of a tensor. Fails with kWrongUse, naming
  /// the tensor, when the shape does not fit it or contradicts another tensor.
  Status add(const QccTensor &tensor, const std::vector<int64_t> &shape);
  /// Fails unless every dimension is known.
  Status finish() const;

  const QccEntry &entry;
  std::vector<int64_t> dims;

private:
  std::vector<std::string> origin; ///< of each value: a tensor's name
};

/// The shapes of all outputs, from what QccEntry::sizes wrote. Fails with
/// kInternal when one is negative.
Status outputShapes(const QccEntry &entry, const std::vector<int64_t> &sizes,
                    std::vector<std::vector<int64_t>> &out);

class TensorModel {
public:
  explicit TensorModel(const QccModel &model) : program(model) {}

  /// Opens the program; its only entry point is the model.
  Status open(int64_t threads);
  const QccEntry &entry() const { return program.model.entries[0]; }

  /// Checks the inputs, in the entry's order, and makes room for the outputs.
  Status prepare(const std::vector<Array> &inputs);
  /// Runs what was prepared; outputs are in `outputs`.
  Status run();

  Program program;
  std::vector<Array> outputs;
  std::vector<int64_t> dims;

private:
  Memory state;
  std::vector<const void *> inputData;
  std::vector<void *> outputData;
};

} // namespace qcc::rt

#endif // QCC_RUNTIME_SRC_TENSORMODEL_H
