//===- Library.cpp - A tensor model as a C library
//-------------------------===//
//
// The functions that a generated header declares. They are written once, as
// qcc_library_*; the linker step gives them this model's name and makes
// everything else local (compiler/Emit/Linker.cpp). All state is in the object
// that create returns.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/Program.h"

#include <cstring>
#include <new>

using namespace qcc::rt;

namespace {
/// One instance of the model.
struct Instance {
  Instance() : program(qcc_model) {}
  Program program;
  Memory state;
  std::string message;
};

/// As in the generated header.
struct CreateOptions {
  int32_t threads;
  int32_t reserved;
  const char *weightsFile;
};
} // namespace

#define QCC_LIBRARY extern "C" __attribute__((visibility("default"), used))

static Status openInstance(Instance &instance, const CreateOptions *options) {
  const QccModel &model = qcc_model;
  Program &program = instance.program;
  if (model.num_entries != 1)
    return fail(kInternal, "%s has %u entry points instead of one", model.name, model.num_entries);
  Status status = program.check();
  if (status.failed())
    return status;
  if (options != nullptr && options->weightsFile != nullptr)
    status = program.file.openFile(model, options->weightsFile);
  else if (model.weights != nullptr || model.weight_bytes == 0)
    program.file.weights = {model.weights, static_cast<size_t>(model.weight_bytes)};
  else
    status = program.file.openLibrary(model, reinterpret_cast<const void *>(&openInstance));
  if (status.failed())
    return status;
  int32_t threads = options == nullptr ? 0 : options->threads;
  if (threads < 0)
    return fail(kWrongUse, "%d: no such number of threads", threads);
  return program.team.start(static_cast<unsigned>(threads));
}

/// Copies a message, cut to the room there is.
static int answer(const Status &status, char *message, size_t size) {
  if (message != nullptr && size != 0) {
    size_t length = status.message.size() < size ? status.message.size() : size - 1;
    memcpy(message, status.message.data(), length);
    message[length] = 0;
  }
  return status.code;
}

QCC_LIBRARY int qcc_library_create(const CreateOptions *options, void **out, char *message,
                                   size_t size) {
  *out = nullptr;
  Instance *instance = new (std::nothrow) Instance;
  if (instance == nullptr)
    return answer(fail(kNoRoom, "no memory"), message, size);
  Status status = openInstance(*instance, options);
  if (status.failed())
    delete instance;
  else
    *out = instance;
  return answer(status, message, size);
}

QCC_LIBRARY void qcc_library_destroy(void *instance) { delete static_cast<Instance *>(instance); }

static Status checkDims(const QccEntry &entry, const int64_t *dims) {
  for (int32_t i = 0; i < entry.num_dims; ++i)
    if (dims[i] < 0 || dims[i] > entry.dim_max[i])
      return fail(kWrongUse, "%s is %lld; it may be 0 to %lld", entry.dim_names[i],
                  static_cast<long long>(dims[i]), static_cast<long long>(entry.dim_max[i]));
  return {};
}

QCC_LIBRARY int qcc_library_sizes(void *opaque, const int64_t *dims, size_t *arenaBytes,
                                  int64_t *outputDims) {
  Instance *instance = static_cast<Instance *>(opaque);
  const QccEntry &entry = qcc_model.entries[0];
  Status status = checkDims(entry, dims);
  if (!status.failed()) {
    std::vector<int64_t> sizes = instance->program.sizes(entry, dims);
    if (arenaBytes != nullptr)
      *arenaBytes = static_cast<size_t>(sizes[0]);
    if (outputDims != nullptr && sizes.size() > 1)
      memcpy(outputDims, sizes.data() + 1, (sizes.size() - 1) * sizeof(int64_t));
  }
  instance->message = status.message;
  return status.code;
}

QCC_LIBRARY int qcc_library_run(void *opaque, const void *const *inputs, void *const *outputs,
                                const int64_t *dims, void *arena) {
  Instance *instance = static_cast<Instance *>(opaque);
  const QccEntry &entry = qcc_model.entries[0];
  Status status = checkDims(entry, dims);
  if (!status.failed() && reinterpret_cast<uintptr_t>(arena) % 64 != 0)
    status = fail(kWrongUse, "the arena is not aligned to 64 bytes");
  if (!status.failed())
    status = instance->program.call(entry, dims, inputs, outputs, nullptr,
                                    static_cast<uint8_t *>(arena));
  instance->message = status.message;
  return status.code;
}

QCC_LIBRARY const char *qcc_library_error(const void *instance) {
  return static_cast<const Instance *>(instance)->message.c_str();
}
