//===- Outliers.cpp - Which input channels stay in float -------------------===//

#include "compiler/Methods/Outliers.h"
#include "llvm/ADT/STLExtras.h"
#include <numeric>

using namespace llvm;

namespace qcc {
namespace {

/// Channels first .. first + length by descending magnitude, of equal ones the first first.
std::vector<int32_t> byMagnitude(ArrayRef<float> absMax, int64_t first, int64_t length) {
  std::vector<int32_t> order(length);
  std::iota(order.begin(), order.end(), static_cast<int32_t>(first));
  sort(order, [&](int32_t a, int32_t b) {
    return absMax[a] != absMax[b] ? absMax[a] > absMax[b] : a < b;
  });
  return order;
}

/// A group, and how many of its channels were taken.
struct Group {
  std::vector<int32_t> order;
  int64_t taken = 0;

  double square(ArrayRef<float> absMax, int64_t number) const {
    if (number == static_cast<int64_t>(order.size()))
      return 0;
    double largest = absMax[order[number]];
    return largest * largest;
  }
};

/// A step that takes `channels` more of a group.
struct Step {
  double saving = 0; ///< for each of them
  int64_t channels = 0;
};

Step bestStep(const Group &group, ArrayRef<float> absMax, int64_t most) {
  Step best;
  double length = group.order.size(), now = group.square(absMax, group.taken);
  most = std::min(most, static_cast<int64_t>(group.order.size()) - group.taken);
  for (int64_t m = 1; m <= most; ++m) {
    double saving = length * (now - group.square(absMax, group.taken + m)) / m;
    if (saving > best.saving)
      best = {saving, m};
  }
  return best;
}

} // namespace

std::vector<int32_t> outliersAbove(ArrayRef<float> absMax, int64_t count, float threshold) {
  std::vector<int32_t> chosen = byMagnitude(absMax, 0, absMax.size());
  chosen.resize(std::min<int64_t>(count, chosen.size()));
  erase_if(chosen, [&](int32_t channel) { return absMax[channel] < threshold; });
  sort(chosen);
  return chosen;
}

std::vector<int32_t> outliersOfGroups(ArrayRef<float> absMax, int64_t count, int64_t group) {
  int64_t k = absMax.size();
  std::vector<Group> groups;
  for (int64_t first = 0; first < k; first += group)
    groups.push_back({byMagnitude(absMax, first, std::min(group, k - first))});
  std::vector<int32_t> chosen;
  while (count > 0) {
    Group *from = nullptr;
    Step best;
    for (Group &candidate : groups)
      if (Step step = bestStep(candidate, absMax, count); step.saving > best.saving)
        best = step, from = &candidate;
    if (!from)
      break;
    chosen.insert(chosen.end(), from->order.begin() + from->taken,
                  from->order.begin() + from->taken + best.channels);
    from->taken += best.channels;
    count -= best.channels;
  }
  sort(chosen);
  return chosen;
}

} // namespace qcc
