//===- Float16.h - binary16 and bfloat16 conversions ----------------------===//
//
// Portable conversions that do not depend on the compiler's or the processor's
// half type, branch-free so that loops over them vectorize. Narrowing rounds to
// nearest even; values beyond the largest finite one become infinite; NaNs stay
// NaNs and become quiet.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_DIALECTS_QUANTEXT_CODEC_FLOAT16_H
#define QCC_DIALECTS_QUANTEXT_CODEC_FLOAT16_H

#include <cstdint>
#include <cstring>

namespace qcc {

/// Largest finite, smallest normal and smallest positive binary16.
constexpr float kHalfMax = 65504.0f, kHalfMinNormal = 0x1p-14f,
                kHalfMin = 0x1p-24f;

inline uint32_t bitsOfFloat(float f) {
  uint32_t u;
  std::memcpy(&u, &f, sizeof u);
  return u;
}

inline float floatOfBits(uint32_t u) {
  float f;
  std::memcpy(&f, &u, sizeof f);
  return f;
}

/// The value of a binary16.
inline float halfToFloat(uint16_t h) {
  uint32_t magnitude = h & 0x7fffu;
  // The exponent's bias grows by 112; the all-ones exponent stays all ones.
  uint32_t normal = (magnitude << 13) + (112u << 23);
  uint32_t special =
      (normal + (112u << 23)) | (magnitude > 0x7c00u ? 0x400000u : 0u);
  uint32_t subnormal = bitsOfFloat(
      static_cast<float>(static_cast<int32_t>(magnitude)) * kHalfMin);
  uint32_t u = magnitude < 0x0400u ? subnormal : normal;
  u = magnitude >= 0x7c00u ? special : u;
  return floatOfBits(u | (static_cast<uint32_t>(h & 0x8000u) << 16));
}

/// The nearest binary16.
inline uint16_t floatToHalf(float f) {
  uint32_t u = bitsOfFloat(f);
  uint32_t magnitude = u & 0x7fffffffu;
  uint32_t normal =
      ((magnitude + 0xfffu + ((magnitude >> 13) & 1)) >> 13) - (112u << 10);
  // The unit in the last place of 0.5 is 2^-24, so the addition does the
  // rounding.
  uint32_t subnormal = bitsOfFloat(floatOfBits(magnitude) + 0.5f) - 0x3f000000u;
  uint32_t nan = 0x7e00u | ((magnitude >> 13) & 0x3ffu);
  uint32_t h = magnitude < 0x38800000u ? subnormal : normal;
  h = magnitude >= 0x47800000u ? 0x7c00u : h;
  h = magnitude > 0x7f800000u ? nan : h;
  return static_cast<uint16_t>(h | ((u >> 16) & 0x8000u));
}

/// The value of a bfloat16.
inline float bfloatToFloat(uint16_t b) {
  uint32_t u = static_cast<uint32_t>(b) << 16;
  return floatOfBits((u & 0x7fffffffu) > 0x7f800000u ? u | 0x400000u : u);
}

/// The nearest bfloat16.
inline uint16_t floatToBfloat(float f) {
  uint32_t u = bitsOfFloat(f);
  uint32_t rounded = (u + 0x7fffu + ((u >> 16) & 1)) >> 16;
  uint32_t nan = (u >> 16) | 0x40u;
  return static_cast<uint16_t>((u & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
}

/// The same for `count` numbers; source and destination do not overlap.
void halfToFloat(const uint16_t *from, float *to, int64_t count);
void floatToHalf(const float *from, uint16_t *to, int64_t count);
void bfloatToFloat(const uint16_t *from, float *to, int64_t count);
void floatToBfloat(const float *from, uint16_t *to, int64_t count);

} // namespace qcc

#endif // QCC_DIALECTS_QUANTEXT_CODEC_FLOAT16_H
