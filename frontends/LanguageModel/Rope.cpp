//===- Rope.cpp - Frequencies of the rotary embedding
//-----------------------===//
//
// The formulas of transformers' modeling_rope_utils.py, in float32 where the
// reference has float32 tensors, so that the frequencies agree to the last
// bits.
//
//===----------------------------------------------------------------------===//
#include "frontends/LanguageModel/ModelConfig.h"

#include <algorithm>
#include <cmath>

namespace qcc {
namespace {

constexpr double kPi = 3.14159265358979323846;

/// Long wavelengths are stretched, short ones kept, those between are blended.
float scaleLlama3(const RopeConfig &rope, float frequency) {
  double wavelength = 2 * kPi / frequency;
  double old = double(rope.originalMaxPositions);
  if (wavelength < old / rope.highFreqFactor)
    return frequency;
  if (wavelength > old / rope.lowFreqFactor)
    return float(frequency / rope.factor);
  double smooth = (old / wavelength - rope.lowFreqFactor) /
                  (rope.highFreqFactor - rope.lowFreqFactor);
  return float((1 - smooth) * frequency / rope.factor + smooth * frequency);
}

/// The dimension whose frequency turns `rotations` times over the original
/// context.
double yarnDimension(const RopeConfig &rope, double rotations) {
  double turns = double(rope.originalMaxPositions) / (rotations * 2 * kPi);
  return double(rope.dims) * std::log(turns) / (2 * std::log(rope.theta));
}

void scaleYarn(const RopeConfig &rope, std::vector<float> &frequencies) {
  double low = yarnDimension(rope, rope.betaFast);
  double high = yarnDimension(rope, rope.betaSlow);
  if (rope.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, double(rope.dims - 1));
  if (low == high)
    high += 0.001;
  for (size_t j = 0; j < frequencies.size(); ++j) {
    double ramp = std::clamp((double(j) - low) / (high - low), 0.0, 1.0);
    double f = frequencies[j];
    frequencies[j] = float(ramp * f / rope.factor + (1 - ramp) * f);
  }
}

double yarnMagnitude(double scale, double mscale) {
  return scale <= 1 ? 1 : 0.1 * mscale * std::log(scale) + 1;
}

} // namespace

std::vector<float> RopeConfig::frequencies() const {
  std::vector<float> result(dims / 2);
  for (size_t j = 0; j < result.size(); ++j)
    result[j] = 1.0f / std::pow(float(theta), float(2 * j) / float(dims));
  switch (type) {
  case RopeType::None:
    break;
  case RopeType::Linear:
    for (float &f : result)
      f /= float(factor);
    break;
  case RopeType::Llama3:
    for (float &f : result)
      f = scaleLlama3(*this, f);
    break;
  case RopeType::Yarn:
    scaleYarn(*this, result);
    break;
  }
  for (size_t j = 0; j < divisors.size(); ++j)
    result[j] /= divisors[j];
  return result;
}

float RopeConfig::attentionScale() const {
  if (attentionFactor)
    return float(*attentionFactor);
  if (type != RopeType::Yarn)
    return 1;
  // As in the reference, a value of 0 counts as not given.
  if (mscale.value_or(0) != 0 && mscaleAllDim.value_or(0) != 0)
    return float(yarnMagnitude(factor, *mscale) /
                 yarnMagnitude(factor, *mscaleAllDim));
  return float(yarnMagnitude(factor, 1));
}

} // namespace qcc
