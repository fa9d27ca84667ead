//===- Sampler.cpp - From logits to a token
//--------------------------------===//
//
// See Sampler.h. Random numbers: xoshiro256** seeded by splitmix64 (Blackman
// and Vigna, "Scrambled linear pseudorandom number generators", 2018).
//
//===----------------------------------------------------------------------===//
#include "runtime/src/Sampler.h"

#include <algorithm>
#include <cmath>

namespace qcc::rt {

Status checkOptions(const SamplerOptions &o) {
  if (o.temperature < 0)
    return fail(kWrongUse, "--temp must be 0 (greedy) or larger");
  if (o.topK < 0)
    return fail(kWrongUse, "--top-k must be 0 (all) or larger");
  if (o.topP <= 0 || o.topP > 1)
    return fail(kWrongUse, "--top-p must be above 0 and at most 1 (all)");
  if (o.minP < 0 || o.minP > 1)
    return fail(kWrongUse, "--min-p must be from 0 (all) to 1");
  if (o.repeatPenalty <= 0)
    return fail(kWrongUse, "--repeat-penalty must be above 0; 1 is none");
  if (o.repeatLast < 0 || o.repeatLast > (1 << 24))
    return fail(kWrongUse, "--repeat-last must be from 0 to 16777216");
  return {};
}

Sampler::Sampler(const SamplerOptions &o) : options(o) {
  uint64_t seed = o.seed;
  for (uint64_t &word : state) {
    uint64_t z = seed += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    word = z ^ (z >> 31);
  }
}

double Sampler::uniform() {
  auto rotate = [](uint64_t x, int k) { return (x << k) | (x >> (64 - k)); };
  uint64_t result = rotate(state[1] * 5, 7) * 9, t = state[1] << 17;
  state[2] ^= state[0];
  state[3] ^= state[1];
  state[1] ^= state[2];
  state[0] ^= state[3];
  state[2] ^= t;
  state[3] = rotate(state[3], 45);
  return static_cast<double>(result >> 11) * 0x1p-53;
}

void Sampler::accept(int32_t token) {
  size_t size = static_cast<size_t>(options.repeatLast);
  if (size == 0 || options.repeatPenalty == 1)
    return;
  if (recent.size() < size)
    recent.push_back(token);
  else
    recent[next] = token;
  next = (next + 1) % size;
}

float Sampler::penalized(float logit, int32_t id) const {
  for (int32_t seen : recent)
    if (seen == id) {
      float penalty = static_cast<float>(options.repeatPenalty);
      return logit > 0 ? logit / penalty : logit * penalty;
    }
  return logit;
}

int32_t Sampler::greedy(const float *logits, int64_t size) const {
  int32_t best = -1;
  float top = 0;
  for (int64_t i = 0; i < size; ++i) {
    // A penalty above 1 only lowers: nearly all need no look at the recent
    // ones.
    float logit = logits[i];
    if (!(best < 0 || logit > top) && options.repeatPenalty >= 1)
      continue;
    if (!recent.empty())
      logit = penalized(logit, static_cast<int32_t>(i));
    if (std::isnan(logit) || !(best < 0 || logit > top))
      continue;
    top = logit;
    best = static_cast<int32_t>(i);
  }
  return best;
}

/// Cuts the candidates, most likely first, to those of top-p and min-p.
void Sampler::keepLikely() {
  float top = candidates[0].logit;
  double sum = 0;
  for (const Candidate &c : candidates)
    sum += std::exp(static_cast<double>(c.logit) - top);
  size_t keep = candidates.size();
  double reached = 0;
  for (size_t i = 0; i < candidates.size(); ++i) {
    double weight = std::exp(static_cast<double>(candidates[i].logit) - top);
    if (i != 0 && weight < options.minP) {
      keep = i;
      break;
    }
    reached += weight;
    if (options.topP < 1 && reached >= options.topP * sum) {
      keep = i + 1;
      break;
    }
  }
  candidates.resize(keep);
}

int32_t Sampler::sample(const float *logits, int64_t size) {
  if (options.temperature == 0)
    return greedy(logits, size);
  candidates.clear();
  for (int64_t i = 0; i < size; ++i)
    if (!std::isnan(logits[i]))
      candidates.push_back({logits[i], static_cast<int32_t>(i)});
  if (candidates.empty())
    return -1;
  if (!recent.empty())
    for (Candidate &c : candidates)
      c.logit = penalized(c.logit, c.id);
  auto before = [](const Candidate &a, const Candidate &b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  };
  size_t keep = options.topK > 0 && static_cast<size_t>(options.topK) < candidates.size()
                    ? static_cast<size_t>(options.topK)
                    : candidates.size();
  if (keep < candidates.size()) {
    std::nth_element(candidates.begin(), candidates.begin() + static_cast<ptrdiff_t>(keep),
                     candidates.end(), before);
    candidates.resize(keep);
  }
  std::sort(candidates.begin(), candidates.end(), before);
  // An infinite logit leaves no probability for others.
  if (std::isinf(candidates[0].logit))
    return candidates[0].id;
  keepLikely();
  double sum = 0;
  float top = candidates[0].logit;
  auto weightOf = [&](const Candidate &c) {
    return std::exp((static_cast<double>(c.logit) - top) / options.temperature);
  };
  for (const Candidate &c : candidates)
    sum += weightOf(c);
  double left = uniform() * sum;
  for (const Candidate &c : candidates) {
    left -= weightOf(c);
    if (left < 0)
      return c.id;
  }
  return candidates.back().id;
}

} // namespace qcc::rt
