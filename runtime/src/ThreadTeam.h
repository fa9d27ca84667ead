//===- ThreadTeam.h - Threads that all run the same function
//---------------===//
//
// Generated code is SPMD: every thread of a team calls the same entry point and
// meets the others at barriers. Threads are started once. Waiting spins for a
// short time, then yields, then sleeps, because machines are shared.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_RUNTIME_SRC_THREADTEAM_H
#define QCC_RUNTIME_SRC_THREADTEAM_H

#include "runtime/src/Support.h"

#include <atomic>
#include <pthread.h>

namespace qcc::rt {

/// A word that threads wait on until it changes.
class WaitWord {
public:
  uint32_t load() const { return word.load(std::memory_order_acquire); }
  /// Adds one and wakes who sleeps.
  void advance();
  /// Returns once the word is no longer `old`.
  void waitWhile(uint32_t old, unsigned spins);

private:
  alignas(64) std::atomic<uint32_t> word{0};
  std::atomic<uint32_t> sleepers{0};
};

/// Where a fixed number of threads meet, again and again.
class Barrier {
public:
  /// Before any thread waits.
  void reset(unsigned threads, unsigned spinsBeforeSleep) {
    count = threads;
    spins = spinsBeforeSleep;
  }
  /// Returns once all threads have called it. Everything written before is
  /// visible to all of them after.
  void wait();

private:
  alignas(64) std::atomic<uint32_t> arrived{0};
  WaitWord generation;
  unsigned count = 1, spins = 0;
};

/// Processors this process may use: affinity and the container's quota.
unsigned availableProcessors();

class ThreadTeam {
public:
  ThreadTeam() = default;
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam &) = delete;
  ThreadTeam &operator=(const ThreadTeam &) = delete;

  /// Starts threads - 1 workers; the caller of run is the first thread. 0 means
  /// availableProcessors(). Called once. Fails with kNoRoom.
  Status start(unsigned threads);

  using Function = void (*)(const void *argument, int64_t thread);
  /// All threads call function(argument, thread); returns when all have
  /// returned.
  void run(Function function, const void *argument);

  unsigned size() const { return threads; }
  Barrier *barrier() { return &meeting; }

private:
  struct Worker {
    ThreadTeam *team;
    int64_t thread;
    pthread_t handle;
  };
  static void *workerMain(void *worker);

  unsigned threads = 1, spins = 0;
  std::vector<Worker> workers;
  Barrier meeting;
  WaitWord calls;
  Function function = nullptr;
  const void *argument = nullptr;
};

} // namespace qcc::rt

#endif // QCC_RUNTIME_SRC_THREADTEAM_H
