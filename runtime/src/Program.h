//===- Program.h - A compiled model, ready to be called
//--------------------===//
//
// Checks that generated code and machine fit together, maps the weights, starts
// the threads and calls entry points. Language models, tensor models and
// libraries all stand on it.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_RUNTIME_SRC_PROGRAM_H
#define QCC_RUNTIME_SRC_PROGRAM_H

#include "runtime/include/qcc/abi.h"
#include "runtime/src/Memory.h"
#include "runtime/src/ThreadTeam.h"
#include "runtime/src/WeightsMap.h"

namespace qcc::rt {

class Program {
public:
  explicit Program(const QccModel &model) : model(model) {}

  /// Checks the ABI version and the processor.
  Status check() const;

  /// check(), then maps the program's own file and starts the threads (0: as
  /// many as there are processors).
  Status open(int64_t threads);

  /// The entry point of that name, or null.
  const QccEntry *entry(const char *name) const;

  /// What QccEntry::sizes says: arena bytes, then the outputs' dimensions.
  std::vector<int64_t> sizes(const QccEntry &entry, const int64_t *dims) const;

  /// Makes room for the arena of a call.
  Status reserveArena(const QccEntry &entry, const int64_t *dims);

  /// Runs an entry on all threads, in the caller's `scratch` or, when that is
  /// null, in the arena, which grows when it must.
  Status call(const QccEntry &entry, const int64_t *dims, const void *const *inputs,
              void *const *outputs, uint8_t *state, uint8_t *scratch = nullptr);

  const QccModel &model;
  WeightsMap file;
  ThreadTeam team;
  Memory arena;
};

/// Number of values that QccEntry::sizes writes.
size_t sizesCount(const QccEntry &entry);

/// The lines of the `info` verb that all models have: what the compiler said of
/// it, its file, weights, processor features and threads.
std::string describeProgram(const Program &program);

/// "key: value" lines as one JSON object; numbers stay numbers.
std::string linesToJson(const std::string &lines);

} // namespace qcc::rt

#endif // QCC_RUNTIME_SRC_PROGRAM_H
