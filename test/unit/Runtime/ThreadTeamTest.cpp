//===- ThreadTeamTest.cpp
//--------------------------------------------------===//
#include "runtime/src/ThreadTeam.h"
#include "TempFile.h"
#include "runtime/include/qcc/abi.h"

#include <unistd.h>

using namespace qcc::rt;

namespace {
struct Work {
  ThreadTeam *team;
  std::vector<int64_t> values, sums;
  int steps;
};
} // namespace

/// Each step every thread writes its own value and, behind a barrier, reads
/// all.
static void work(const void *argument, int64_t thread) {
  Work &w = *static_cast<Work *>(const_cast<void *>(argument));
  for (int step = 0; step < w.steps; ++step) {
    w.values[thread] = thread + step;
    qcc_barrier(w.team->barrier());
    int64_t sum = 0;
    for (int64_t value : w.values)
      sum += value;
    w.sums[thread] += sum;
    qcc_barrier(w.team->barrier());
  }
}

TEST(ThreadTeam, MeetsAtBarriers) {
  // More threads than processors, too: nobody may starve.
  for (unsigned threads : {1u, 2u, 3u, 4u, 7u, 16u}) {
    ThreadTeam team;
    ASSERT_FALSE(team.start(threads).failed());
    EXPECT_EQ(team.size(), threads);
    Work w{&team, std::vector<int64_t>(threads), std::vector<int64_t>(threads), 50};
    for (int call = 0; call < 20; ++call)
      team.run(work, &w);
    int64_t n = threads, want = 0;
    for (int step = 0; step < w.steps; ++step)
      want += n * (n - 1) / 2 + n * step;
    for (int64_t sum : w.sums)
      EXPECT_EQ(sum, want * 20);
  }
}

TEST(ThreadTeam, WakesSleepers) {
  ThreadTeam team;
  ASSERT_FALSE(team.start(3).failed());
  Work w{&team, std::vector<int64_t>(3), std::vector<int64_t>(3), 1};
  for (int call = 0; call < 5; ++call) {
    usleep(20000); // long enough for them to sleep
    team.run(work, &w);
  }
  EXPECT_EQ(w.sums[2], 5 * 3);
}

TEST(ThreadTeam, StartsAndEndsUnused) {
  for (int i = 0; i < 20; ++i) {
    ThreadTeam team;
    ASSERT_FALSE(team.start(4).failed());
  }
  ThreadTeam never;
  EXPECT_EQ(never.size(), 1u);
}

TEST(ThreadTeam, CountsProcessors) {
  EXPECT_GE(availableProcessors(), 1u);
  ThreadTeam team;
  ASSERT_FALSE(team.start(0).failed());
  EXPECT_EQ(team.size(), availableProcessors());
}

TEST(ThreadTeam, RefusesAbsurdNumbers) {
  ThreadTeam team;
  expectFailure(team.start(100000), kWrongUse, "100000 threads are too many: at most 1024");
}
