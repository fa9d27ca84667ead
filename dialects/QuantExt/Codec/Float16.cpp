//===- Float16.cpp - Conversions of many numbers --------------------------===//
//
// Loops apart from the header so that they are compiled, and vectorized, once.
//
//===----------------------------------------------------------------------===//
#include "dialects/QuantExt/Codec/Float16.h"

namespace qcc {

void halfToFloat(const uint16_t *__restrict from, float *__restrict to,
                 int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    to[i] = halfToFloat(from[i]);
}

void floatToHalf(const float *__restrict from, uint16_t *__restrict to,
                 int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    to[i] = floatToHalf(from[i]);
}

void bfloatToFloat(const uint16_t *__restrict from, float *__restrict to,
                   int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    to[i] = bfloatToFloat(from[i]);
}

void floatToBfloat(const float *__restrict from, uint16_t *__restrict to,
                   int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    to[i] = floatToBfloat(from[i]);
}

} // namespace qcc
