//===- TensorModel.cpp - Named tensors in, named tensors out
//---------------===//
//
// See TensorModel.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/TensorModel.h"

#include <cinttypes>

namespace qcc::rt {

std::string describeTensor(const QccEntry &entry, const QccTensor &tensor) {
  std::string out = elementName(tensor.type);
  out += " [";
  for (int32_t i = 0; i < tensor.rank; ++i) {
    int64_t d = tensor.dims[i];
    out += i == 0 ? "" : ", ";
    if (d >= 0)
      out += format("%" PRId64, d);
    else
      out += d == INT64_MIN ? "?" : entry.dim_names[-1 - d];
  }
  return out + "]";
}

Status DimSolver::add(const QccTensor &tensor, const std::vector<int64_t> &shape) {
  auto wrong = [&](const std::string &why) {
    return fail(kWrongUse, "input %s has shape %s, and the model takes %s%s", tensor.name,
                describeArray(tensor.type, shape).c_str(), describeTensor(entry, tensor).c_str(),
                why.c_str());
  };
  if (static_cast<int64_t>(shape.size()) != tensor.rank)
    return wrong("");
  for (size_t i = 0; i < shape.size(); ++i) {
    int64_t want = tensor.dims[i], have = shape[i];
    if (want >= 0 && want != have)
      return wrong("");
    if (want >= 0 || want == INT64_MIN)
      continue;
    size_t symbol = static_cast<size_t>(-1 - want);
    if (dims[symbol] >= 0 && dims[symbol] != have)
      return wrong(format("; %s is %" PRId64 " in %s", entry.dim_names[symbol], dims[symbol],
                          origin[symbol].c_str()));
    if (have > entry.dim_max[symbol])
      return wrong(
          format("; %s is at most %" PRId64, entry.dim_names[symbol], entry.dim_max[symbol]));
    dims[symbol] = have;
    origin[symbol] = tensor.name;
  }
  return {};
}

Status DimSolver::finish() const {
  for (size_t i = 0; i < dims.size(); ++i)
    if (dims[i] < 0)
      return fail(kWrongUse, "no input says how large %s is; compile with -shape to fix it",
                  entry.dim_names[i]);
  return {};
}

Status outputShapes(const QccEntry &entry, const std::vector<int64_t> &sizes,
                    std::vector<std::vector<int64_t>> &out) {
  out.clear();
  size_t next = 1;
  for (int32_t i = 0; i < entry.num_outputs; ++i) {
    const QccTensor &tensor = entry.outputs[i];
    std::vector<int64_t> shape;
    for (int32_t d = 0; d < tensor.rank; ++d)
      shape.push_back(sizes[next++]);
    uint64_t bytes = 0;
    if (!arrayBytes(tensor.type, shape, bytes))
      return fail(kInternal, "output %s would have shape %s", tensor.name,
                  describeArray(tensor.type, shape).c_str());
    out.push_back(std::move(shape));
  }
  return {};
}

Status TensorModel::open(int64_t threads) {
  if (program.model.num_entries != 1)
    return fail(kInternal, "%s has %u entry points instead of one", program.model.name,
                program.model.num_entries);
  Status status = program.open(threads);
  if (!status.failed() && program.model.language_model != nullptr)
    status = state.reserve(static_cast<uint64_t>(program.model.language_model->state_bytes),
                           "state", false);
  return status;
}

Status TensorModel::prepare(const std::vector<Array> &inputs) {
  const QccEntry &e = entry();
  DimSolver solver(e);
  inputData.clear();
  for (size_t i = 0; i < inputs.size(); ++i) {
    const QccTensor &tensor = e.inputs[i];
    if (inputs[i].type != tensor.type)
      return fail(kWrongUse, "input %s is %s, and the model takes %s; convert it", tensor.name,
                  elementName(inputs[i].type), describeTensor(e, tensor).c_str());
    Status status = solver.add(tensor, inputs[i].shape);
    if (status.failed())
      return status;
    inputData.push_back(inputs[i].memory.data());
  }
  Status status = solver.finish();
  if (status.failed())
    return status;
  dims = solver.dims;
  std::vector<std::vector<int64_t>> shapes;
  status = outputShapes(e, program.sizes(e, dims.data()), shapes);
  if (status.failed())
    return status;
  outputs.clear();
  outputs.resize(shapes.size());
  outputData.clear();
  for (size_t i = 0; i < shapes.size(); ++i) {
    Array &out = outputs[i];
    out.type = e.outputs[i].type;
    out.shape = shapes[i];
    arrayBytes(out.type, out.shape, out.bytes);
    status = out.memory.reserve(out.bytes == 0 ? 1 : out.bytes, e.outputs[i].name, false);
    if (status.failed())
      return status;
    outputData.push_back(out.memory.data());
  }
  return program.reserveArena(e, dims.data());
}

Status TensorModel::run() {
  return program.call(entry(), dims.data(), inputData.data(), outputData.data(), state.data());
}

} // namespace qcc::rt
