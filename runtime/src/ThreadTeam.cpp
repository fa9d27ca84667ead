//===- ThreadTeam.cpp - Threads that all run the same function
//-------------===//
//
// See ThreadTeam.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/ThreadTeam.h"

#include "runtime/include/qcc/abi.h"

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace qcc::rt {

/// A few tens of microseconds: longer than the parts of a step between
/// barriers.
static constexpr unsigned kSpins = 2000;
/// Turns given away before sleeping.
static constexpr unsigned kYields = 32;
/// Stack of a worker: generated code keeps row buffers on it.
static constexpr size_t kStackBytes = size_t(8) << 20;
static constexpr unsigned kMaxThreads = 1024;

static void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
}

static long futex(std::atomic<uint32_t> *word, int operation, uint32_t value) {
  static_assert(sizeof(*word) == 4, "a futex is a 32-bit word");
  return syscall(SYS_futex, reinterpret_cast<uint32_t *>(word), operation | FUTEX_PRIVATE_FLAG,
                 value, nullptr, nullptr, 0);
}

void WaitWord::advance() {
  // Sequentially consistent against the order in waitWhile: either the waiter
  // sees the new word, or this thread sees the sleeper.
  word.fetch_add(1, std::memory_order_seq_cst);
  if (sleepers.load(std::memory_order_seq_cst) != 0)
    futex(&word, FUTEX_WAKE, INT_MAX);
}

void WaitWord::waitWhile(uint32_t old, unsigned spins) {
  for (unsigned i = 0; i < spins; ++i) {
    if (load() != old)
      return;
    relax();
  }
  for (unsigned i = 0; i < kYields; ++i) {
    if (load() != old)
      return;
    sched_yield();
  }
  sleepers.fetch_add(1, std::memory_order_seq_cst);
  while (word.load(std::memory_order_seq_cst) == old)
    futex(&word, FUTEX_WAIT, old);
  sleepers.fetch_sub(1, std::memory_order_relaxed);
}

void Barrier::wait() {
  if (count == 1)
    return;
  // Cannot change before this thread has arrived.
  uint32_t now = generation.load();
  if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == count) {
    arrived.store(0, std::memory_order_relaxed);
    generation.advance();
    return;
  }
  generation.waitWhile(now, spins);
}

/// Processors' worth of time that the container may use, or 0 for no limit.
static unsigned quota() {
  int fd = open("/sys/fs/cgroup/cpu.max", O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;
  char text[64];
  ssize_t size = read(fd, text, sizeof text - 1);
  close(fd);
  if (size <= 0)
    return 0;
  text[size] = 0;
  // "max 100000" is no limit: no number.
  char *rest = nullptr;
  long time = strtol(text, &rest, 10), period = strtol(rest, nullptr, 10);
  if (time <= 0 || period <= 0)
    return 0;
  return static_cast<unsigned>((time + period - 1) / period);
}

unsigned availableProcessors() {
  // Large enough for any kernel: the call fails when the mask does not fit.
  alignas(unsigned long) unsigned char mask[1024];
  memset(mask, 0, sizeof mask);
  unsigned count = 0;
  long size = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
  for (long i = 0; i < size; ++i)
    count += static_cast<unsigned>(__builtin_popcount(mask[i]));
  unsigned limit = quota();
  if (limit != 0 && limit < count)
    count = limit;
  return count == 0 ? 1 : count;
}

void *ThreadTeam::workerMain(void *opaque) {
  Worker *worker = static_cast<Worker *>(opaque);
  ThreadTeam *team = worker->team;
  for (uint32_t seen = 0;; ++seen) {
    team->calls.waitWhile(seen, team->spins);
    if (team->function == nullptr)
      return nullptr;
    team->function(team->argument, worker->thread);
    team->meeting.wait();
  }
}

Status ThreadTeam::start(unsigned wanted) {
  unsigned processors = availableProcessors();
  if (wanted == 0)
    wanted = processors < kMaxThreads ? processors : kMaxThreads;
  if (wanted > kMaxThreads)
    return fail(kWrongUse, "%u threads are too many: at most %u", wanted, kMaxThreads);
  threads = wanted;
  // With more threads than processors the one waited for needs this processor.
  spins = wanted <= processors ? kSpins : 0;
  meeting.reset(wanted, spins);
  workers.resize(wanted - 1);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  Status status;
  for (size_t i = 0; i < workers.size(); ++i) {
    workers[i].team = this;
    workers[i].thread = static_cast<int64_t>(i) + 1;
    int error = pthread_create(&workers[i].handle, &attributes, workerMain, &workers[i]);
    if (error == 0)
      continue;
    workers.resize(i);
    status =
        fail(kNoRoom, "cannot start %u threads: %s; use fewer with -t", wanted, strerror(error));
    break;
  }
  pthread_attr_destroy(&attributes);
  return status;
}

ThreadTeam::~ThreadTeam() {
  function = nullptr;
  calls.advance();
  for (Worker &worker : workers)
    pthread_join(worker.handle, nullptr);
}

void ThreadTeam::run(Function what, const void *with) {
  if (threads == 1)
    return what(with, 0);
  function = what;
  argument = with;
  calls.advance();
  what(with, 0);
  meeting.wait();
}

} // namespace qcc::rt

extern "C" void qcc_barrier(void *barrier) { static_cast<qcc::rt::Barrier *>(barrier)->wait(); }
