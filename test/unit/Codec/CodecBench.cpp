//===- CodecBench.cpp - How long rounding, packing and decoding take ------===//
//
// A stand-in for the materializer's inner loop: rows of a 2048-wide weight go
// through a buffer of a few tiles. Prints nanoseconds for each element.
//
//===----------------------------------------------------------------------===//
#include "dialects/QuantExt/Codec/Float16.h"
#include "dialects/QuantExt/Codec/GgufBlocks.h"
#include "dialects/QuantExt/Codec/Layout.h"
#include "dialects/QuantExt/Codec/Rtn.h"

#include <chrono>
#include <cstdio>
#include <random>

using namespace qcc;

namespace {

constexpr int64_t rows = 64, width = 2048, lanes = 16;

/// Nanoseconds for each of rows * width elements, the best of some runs.
template <typename Work> double measure(Work work) {
  double best = 1e30;
  for (int run = 0; run < 20; ++run) {
    auto begin = std::chrono::steady_clock::now();
    work();
    std::chrono::duration<double, std::nano> time =
        std::chrono::steady_clock::now() - begin;
    best = std::min(best, time.count() / (rows * width));
  }
  return best;
}

std::vector<std::vector<uint8_t>> components(const Scheme &s,
                                             std::vector<uint8_t *> *out) {
  std::vector<std::vector<uint8_t>> bytes;
  for (const Component &c : packedComponents(s, rows, width, lanes))
    bytes.emplace_back(c.bytes());
  for (std::vector<uint8_t> &component : bytes)
    out->push_back(component.data());
  return bytes;
}

void benchRounding(const char *name, const Scheme &s,
                   const std::vector<uint16_t> &weights) {
  QuantizedMatrix m = makeMatrix(s, rows, width);
  std::vector<uint8_t *> out;
  std::vector<std::vector<uint8_t>> bytes = components(s, &out);
  std::vector<float> row(width);
  int64_t faults = 0;
  double widen = measure([&] {
    for (int64_t r = 0; r < rows; ++r)
      halfToFloat(weights.data() + r * width, row.data(), width);
  });
  double rounding = measure([&] {
    for (int64_t r = 0; r < rows; ++r)
      faults += quantizeRow(row.data(), s, width, rowOf(m, r)).coarseGroups;
  });
  double packing = measure([&] { packTiles(m, lanes, out); });
  std::printf("%-16s f16 -> f32 %5.2f  round %5.2f  pack %5.2f ns/element\n",
              name, widen, rounding, packing);
}

void benchDecoding(const GgufFormat &f) {
  QuantizedMatrix m = makeMatrix(f.scheme, rows, width);
  std::vector<uint8_t *> out;
  std::vector<std::vector<uint8_t>> bytes = components(f.scheme, &out);
  int64_t size = ggufRowBytes(f, width);
  std::vector<uint8_t> data(rows * size, 0x35);
  double decoding = measure([&] {
    for (int64_t r = 0; r < rows; ++r)
      decodeGgufRow(f, data.data() + r * size, width, rowOf(m, r));
  });
  double packing = measure([&] { packTiles(m, lanes, out); });
  std::printf("%-16s decode %5.2f  pack %5.2f ns/element\n", f.name, decoding,
              packing);
}

} // namespace

int main() {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 0.02f);
  std::vector<uint16_t> weights(rows * width);
  for (uint16_t &w : weights)
    w = floatToHalf(normal(random));
  benchRounding("4 bits, g32", integerScheme(4, 32, false), weights);
  benchRounding("4 bits, g128", integerScheme(4, 128, false), weights);
  benchRounding("4 bits, row", integerScheme(4, 0, false), weights);
  benchRounding("4 bits, g32 asym", integerScheme(4, 32, true), weights);
  benchRounding("3 bits, g32", integerScheme(3, 32, false), weights);
  benchRounding("8 bits, g32", integerScheme(8, 32, false), weights);
  benchRounding("f16", floatScheme(CodeKind::F16), weights);
  for (const GgufFormat &f : ggufFormats())
    benchDecoding(f);
  return 0;
}
