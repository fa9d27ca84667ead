//===- Knapsack.cpp - The best option for each item within a budget --------===//
//
// Bytes are counted above each item's smallest option, so the budget is what there is to spend.
// Two choices are made, by hulls and by dynamic programming on bytes rounded up, and the better one
// is filled up.
//
//===----------------------------------------------------------------------===//
#include "compiler/Methods/Knapsack.h"

#include "llvm/ADT/Twine.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <queue>

using namespace llvm;

namespace qcc {
namespace {

using Items = std::vector<std::vector<KnapsackOption>>;

/// Cells of the table of dynamic programming, in all and for each item.
constexpr int64_t kCells = 1 << 25, kBuckets = 1 << 16;

/// An option worth having: all with fewer bytes lose more.
struct Candidate {
  size_t option;
  int64_t extra; ///< bytes above the item's smallest
  double loss;
};
using Candidates = std::vector<std::vector<Candidate>>;

std::vector<Candidate> paretoFront(const std::vector<KnapsackOption> &options) {
  std::vector<size_t> order(options.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::make_tuple(options[a].bytes, options[a].loss, a) <
           std::make_tuple(options[b].bytes, options[b].loss, b);
  });
  std::vector<Candidate> front;
  for (size_t i : order)
    if (front.empty() || options[i].loss < front.back().loss)
      front.push_back({i, options[i].bytes - options[order[0]].bytes, options[i].loss});
  return front;
}

/// The index of a candidate for each item.
using Choice = std::vector<size_t>;

int64_t extraOf(const Candidates &items, const Choice &choice) {
  int64_t sum = 0;
  for (size_t i = 0; i < items.size(); ++i)
    sum += items[i][choice[i]].extra;
  return sum;
}

double lossOf(const Candidates &items, const Choice &choice) {
  double sum = 0;
  for (size_t i = 0; i < items.size(); ++i)
    sum += items[i][choice[i]].loss;
  return sum;
}

/// From candidate `from` of an item, the later one that saves most loss for each byte.
struct Step {
  double rate = 0;
  size_t item = 0, to = 0;
  bool operator<(const Step &o) const {
    return std::make_tuple(rate, o.item) < std::make_tuple(o.rate, item);
  }
};

Step steepest(const std::vector<Candidate> &candidates, size_t item, size_t from, int64_t limit) {
  Step best;
  best.item = item;
  for (size_t to = from + 1; to < candidates.size(); ++to) {
    int64_t bytes = candidates[to].extra - candidates[from].extra;
    double rate = (candidates[from].loss - candidates[to].loss) / static_cast<double>(bytes);
    if (bytes <= limit && rate > best.rate) {
      best.rate = rate;
      best.to = to;
    }
  }
  return best;
}

/// Spends what is left of the budget, the steepest step that fits first.
void spend(const Candidates &items, int64_t budget, Choice &choice) {
  int64_t left = budget - extraOf(items, choice);
  std::priority_queue<Step> queue;
  auto push = [&](size_t item) {
    Step step = steepest(items[item], item, choice[item], left);
    if (step.rate > 0)
      queue.push(step);
  };
  for (size_t i = 0; i < items.size(); ++i)
    push(i);
  while (!queue.empty()) {
    Step step = queue.top();
    queue.pop();
    const std::vector<Candidate> &item = items[step.item];
    int64_t bytes = item[step.to].extra - item[choice[step.item]].extra;
    if (bytes <= left) {
      left -= bytes;
      choice[step.item] = step.to;
    }
    push(step.item);
  }
}

/// Exact for bytes rounded up to units so large that the table is of bounded size.
Choice dynamicProgram(const Candidates &items, int64_t budget) {
  int64_t common = 0, largest = 0;
  for (const std::vector<Candidate> &item : items) {
    for (const Candidate &c : item)
      common = std::gcd(common, c.extra);
    largest += item.back().extra;
  }
  Choice choice(items.size(), 0);
  if (common == 0 || items.empty())
    return choice;
  int64_t spendable = std::min(budget, largest);
  int64_t buckets =
      std::max<int64_t>(1, std::min(kBuckets, kCells / static_cast<int64_t>(items.size())));
  int64_t unit = std::max(common, spendable / buckets + 1), size = spendable / unit + 1;
  if (unit % common != 0)
    unit += common - unit % common;

  std::vector<double> best(size, 0), next(size);
  std::vector<uint16_t> taken(items.size() * size);
  for (size_t i = 0; i < items.size(); ++i) {
    std::fill(next.begin(), next.end(), std::numeric_limits<double>::infinity());
    for (size_t c = 0; c < items[i].size() && c < 0xffff; ++c) {
      int64_t cost = (items[i][c].extra + unit - 1) / unit;
      for (int64_t b = cost; b < size; ++b) {
        double loss = best[b - cost] + items[i][c].loss;
        if (loss < next[b]) {
          next[b] = loss;
          taken[i * size + b] = static_cast<uint16_t>(c);
        }
      }
    }
    best.swap(next);
  }
  int64_t b = size - 1;
  for (size_t i = items.size(); i-- > 0;) {
    choice[i] = taken[i * size + b];
    b -= (items[i][choice[i]].extra + unit - 1) / unit;
  }
  return choice;
}

Error checkItems(const Items &items) {
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i].empty())
      return createStringError("item " + Twine(i) + " has no option to choose from");
    for (const KnapsackOption &option : items[i])
      if (option.bytes < 0 || option.bytes > (int64_t(1) << 50) || !std::isfinite(option.loss))
        return createStringError("item " + Twine(i) + " has an option of " + Twine(option.bytes) +
                                 " bytes and loss " + std::to_string(option.loss));
  }
  return Error::success();
}

} // namespace

Expected<KnapsackChoice> solveKnapsack(const Items &items, int64_t budget) {
  if (Error error = checkItems(items))
    return error;
  Candidates candidates;
  int64_t least = 0;
  for (const std::vector<KnapsackOption> &options : items) {
    candidates.push_back(paretoFront(options));
    least += options[candidates.back()[0].option].bytes;
  }
  if (budget < least)
    return createStringError("the smallest choice takes " + Twine(least) +
                             " bytes, more than the budget of " + Twine(budget) +
                             "; allow more bytes, or fewer bits for a weight");
  int64_t spendable = budget - least;
  Choice hulls(items.size(), 0), table = dynamicProgram(candidates, spendable);
  spend(candidates, spendable, hulls);
  spend(candidates, spendable, table);
  const Choice &best = lossOf(candidates, table) < lossOf(candidates, hulls) ? table : hulls;
  KnapsackChoice out;
  for (size_t i = 0; i < items.size(); ++i)
    out.option.push_back(candidates[i][best[i]].option);
  out.bytes = least + extraOf(candidates, best);
  out.loss = lossOf(candidates, best);
  return out;
}

} // namespace qcc
