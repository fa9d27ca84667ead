//===- GgufBlocks.cpp - Decoding GGUF's block formats ---------------------===//
//
// One small function for each format, bytes to codes and scales, and the table
// of them. A decoder trusts the caller for the size of its block alone: every
// byte is a valid block, so nothing else can be wrong.
//
//===----------------------------------------------------------------------===//
#include "dialects/QuantExt/Codec/GgufBlocks.h"

#include "dialects/QuantExt/Codec/Float16.h"

#include <algorithm>
#include <cassert>
#include <cstring>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "floats in files are little-endian");

namespace qcc {
namespace {

uint16_t readU16(const uint8_t *p) {
  return static_cast<uint16_t>(p[0] | p[1] << 8);
}

uint32_t readU32(const uint8_t *p) {
  return readU16(p) | static_cast<uint32_t>(readU16(p + 2)) << 16;
}

float readHalf(const uint8_t *p) { return halfToFloat(readU16(p)); }

/// Widens k floats; the bytes need not be aligned.
void decodeFloats(CodeKind kind, const uint8_t *bytes, int64_t k, float *out) {
  if (kind == CodeKind::F32) {
    std::memcpy(out, bytes, k * sizeof(float));
    return;
  }
  uint16_t some[64];
  for (int64_t begin = 0; begin < k; begin += 64) {
    int64_t count = std::min<int64_t>(64, k - begin);
    std::memcpy(some, bytes + 2 * begin, 2 * count);
    if (kind == CodeKind::F16)
      halfToFloat(some, out + begin, count);
    else
      bfloatToFloat(some, out + begin, count);
  }
}

/// Low nibbles of `count` bytes, then their high nibbles.
void splitNibbles(const uint8_t *bytes, int count, uint8_t *codes) {
  for (int i = 0; i < count; ++i) {
    codes[i] = bytes[i] & 15;
    codes[i + count] = bytes[i] >> 4;
  }
}

/// Adds bit i of `bits` to code i as its fifth bit.
void addFifthBits(uint32_t bits, uint8_t *codes) {
  for (int i = 0; i < 32; ++i)
    codes[i] |= (bits >> i & 1) << 4;
}

// d f16 | 16 bytes of nibbles. Q4_0 and IQ4_NL.
void decodeNibbles(const uint8_t *b, const RowView &out) {
  out.scales[0] = readHalf(b);
  splitNibbles(b + 2, 16, out.codes);
}

// d f16 | m f16 | 16 bytes of nibbles
void decodeQ4_1(const uint8_t *b, const RowView &out) {
  out.scales[0] = readHalf(b);
  out.mins[0] = readHalf(b + 2);
  splitNibbles(b + 4, 16, out.codes);
}

// d f16 | fifth bits u32 | 16 bytes of nibbles
void decodeQ5_0(const uint8_t *b, const RowView &out) {
  out.scales[0] = readHalf(b);
  splitNibbles(b + 6, 16, out.codes);
  addFifthBits(readU32(b + 2), out.codes);
}

// d f16 | m f16 | fifth bits u32 | 16 bytes of nibbles
void decodeQ5_1(const uint8_t *b, const RowView &out) {
  out.scales[0] = readHalf(b);
  out.mins[0] = readHalf(b + 2);
  splitNibbles(b + 8, 16, out.codes);
  addFifthBits(readU32(b + 4), out.codes);
}

// d f16 | 32 int8
void decodeQ8_0(const uint8_t *b, const RowView &out) {
  out.scales[0] = readHalf(b);
  for (int i = 0; i < 32; ++i)
    out.codes[i] = b[2 + i] ^ 0x80; // q + 128
}

/// The 2-bit codes of Q2_K and Q3_K: halves of 128, quarters of 32 in bit
/// pairs.
void splitPairs(const uint8_t *bytes, uint8_t *codes) {
  for (int e = 0; e < 256; ++e)
    codes[e] = bytes[e / 128 * 32 + e % 32] >> (e % 128 / 32 * 2) & 3;
}

// scale and minimum nibbles 16 | codes 64 | d f16 | dmin f16
void decodeQ2_K(const uint8_t *b, const RowView &out) {
  out.superScales[0] = readHalf(b + 80);
  out.superMins[0] = readHalf(b + 82);
  for (int g = 0; g < 16; ++g) {
    out.subScales[g] = static_cast<int8_t>(b[g] & 15);
    out.subMins[g] = b[g] >> 4;
  }
  splitPairs(b + 16, out.codes);
}

// high bits 32 | low bits 64 | 16 scales of 6 bits in 12 bytes | d f16
void decodeQ3_K(const uint8_t *b, const RowView &out) {
  const uint8_t *scales = b + 96;
  out.superScales[0] = readHalf(b + 108);
  for (int g = 0; g < 16; ++g) {
    int low = scales[g % 8] >> (g / 8 * 4) & 15;
    int high = scales[8 + g % 4] >> (g / 4 * 2) & 3;
    out.subScales[g] = static_cast<int8_t>((low | high << 4) - 32);
  }
  splitPairs(b + 32, out.codes);
  for (int e = 0; e < 256; ++e)
    out.codes[e] |= (b[e % 32] >> (e / 32) & 1) << 2;
}

/// The 8 scales and minima of 6 bits that Q4_K and Q5_K hold in 12 bytes.
void splitScales(const uint8_t *s, const RowView &out) {
  for (int g = 0; g < 4; ++g) {
    out.subScales[g] = static_cast<int8_t>(s[g] & 63);
    out.subMins[g] = s[g + 4] & 63;
    out.subScales[g + 4] =
        static_cast<int8_t>((s[g + 8] & 15) | s[g] >> 6 << 4);
    out.subMins[g + 4] =
        static_cast<uint8_t>(s[g + 8] >> 4 | s[g + 4] >> 6 << 4);
  }
}

// d f16 | dmin f16 | scales 12 | nibbles 128, 32 bytes for each 64 codes
void decodeQ4_K(const uint8_t *b, const RowView &out) {
  out.superScales[0] = readHalf(b);
  out.superMins[0] = readHalf(b + 2);
  splitScales(b + 4, out);
  for (int part = 0; part < 4; ++part)
    splitNibbles(b + 16 + 32 * part, 32, out.codes + 64 * part);
}

// d f16 | dmin f16 | scales 12 | fifth bits 32 | nibbles 128
void decodeQ5_K(const uint8_t *b, const RowView &out) {
  out.superScales[0] = readHalf(b);
  out.superMins[0] = readHalf(b + 2);
  splitScales(b + 4, out);
  for (int part = 0; part < 4; ++part)
    splitNibbles(b + 48 + 32 * part, 32, out.codes + 64 * part);
  for (int e = 0; e < 256; ++e)
    out.codes[e] |= (b[16 + e % 32] >> (e / 32) & 1) << 4;
}

// low nibbles 128 | high pairs 64 | 16 int8 scales | d f16
void decodeQ6_K(const uint8_t *b, const RowView &out) {
  out.superScales[0] = readHalf(b + 208);
  for (int g = 0; g < 16; ++g)
    out.subScales[g] = static_cast<int8_t>(b[192 + g]);
  splitPairs(b + 128, out.codes);
  for (int half = 0; half < 2; ++half) {
    for (int i = 0; i < 64; ++i) {
      uint8_t *code = out.codes + 128 * half + i;
      uint8_t nibbles = b[64 * half + i];
      code[0] = static_cast<uint8_t>(code[0] << 4 | (nibbles & 15));
      code[64] = static_cast<uint8_t>(code[64] << 4 | nibbles >> 4);
    }
  }
}

// d f16 | high pairs of the scales u16 | low nibbles of the scales 4 | nibbles
// 128
void decodeIQ4_XS(const uint8_t *b, const RowView &out) {
  out.superScales[0] = readHalf(b);
  uint16_t high = readU16(b + 2);
  for (int g = 0; g < 8; ++g) {
    int low = b[4 + g / 2] >> (g % 2 * 4) & 15;
    out.subScales[g] =
        static_cast<int8_t>((low | (high >> (2 * g) & 3) << 4) - 32);
    splitNibbles(b + 8 + 16 * g, 16, out.codes + 32 * g);
  }
}

/// The view `elements` further on; a whole number of blocks.
RowView advance(RowView v, const Scheme &s, int64_t elements) {
  int64_t groups = s.groupSize ? elements / s.groupSize : 0;
  int64_t supers = s.superSize ? elements / s.superSize : 0;
  auto move = [](auto *&pointer, int64_t by) {
    if (pointer)
      pointer += by;
  };
  move(v.codes, elements);
  move(v.values, elements);
  move(v.scales, groups);
  move(v.superScales, supers);
  move(v.subScales, groups);
  move(v.mins, groups);
  move(v.superMins, supers);
  move(v.subMins, groups);
  move(v.zeroPoints, groups);
  return v;
}

} // namespace

const std::vector<GgufFormat> &ggufFormats() {
  using T = GgufType;
  static const std::vector<GgufFormat> formats = {
      {"F32", T::F32, 1, 4, ggufScheme(T::F32), nullptr},
      {"F16", T::F16, 1, 2, ggufScheme(T::F16), nullptr},
      {"Q4_0", T::Q4_0, 32, 18, ggufScheme(T::Q4_0), decodeNibbles},
      {"Q4_1", T::Q4_1, 32, 20, ggufScheme(T::Q4_1), decodeQ4_1},
      {"Q5_0", T::Q5_0, 32, 22, ggufScheme(T::Q5_0), decodeQ5_0},
      {"Q5_1", T::Q5_1, 32, 24, ggufScheme(T::Q5_1), decodeQ5_1},
      {"Q8_0", T::Q8_0, 32, 34, ggufScheme(T::Q8_0), decodeQ8_0},
      {"Q2_K", T::Q2_K, 256, 84, ggufScheme(T::Q2_K), decodeQ2_K},
      {"Q3_K", T::Q3_K, 256, 110, ggufScheme(T::Q3_K), decodeQ3_K},
      {"Q4_K", T::Q4_K, 256, 144, ggufScheme(T::Q4_K), decodeQ4_K},
      {"Q5_K", T::Q5_K, 256, 176, ggufScheme(T::Q5_K), decodeQ5_K},
      {"Q6_K", T::Q6_K, 256, 210, ggufScheme(T::Q6_K), decodeQ6_K},
      {"IQ4_NL", T::IQ4_NL, 32, 18, ggufScheme(T::IQ4_NL), decodeNibbles},
      {"IQ4_XS", T::IQ4_XS, 256, 136, ggufScheme(T::IQ4_XS), decodeIQ4_XS},
      {"BF16", T::BF16, 1, 2, ggufScheme(T::BF16), nullptr},
  };
  return formats;
}

const GgufFormat *findGgufFormat(uint32_t typeId) {
  for (const GgufFormat &format : ggufFormats())
    if (static_cast<uint32_t>(format.type) == typeId)
      return &format;
  return nullptr;
}

int64_t ggufRowBytes(const GgufFormat &format, int64_t k) {
  int64_t bytes;
  if (k < 0 || k % format.blockElements != 0 ||
      __builtin_mul_overflow(k / format.blockElements, format.blockBytes,
                             &bytes))
    return -1;
  return bytes;
}

void decodeGgufRow(const GgufFormat &format, const uint8_t *rowBytes, int64_t k,
                   const RowView &out) {
  assert(k % format.blockElements == 0 && "not a whole number of blocks");
  if (!format.decodeBlock)
    return decodeFloats(format.scheme.code, rowBytes, k, out.values);
  for (int64_t e = 0; e < k; e += format.blockElements) {
    format.decodeBlock(rowBytes, advance(out, format.scheme, e));
    rowBytes += format.blockBytes;
  }
}

bool decodeGguf(const GgufFormat &format, const uint8_t *bytes, int64_t size,
                int64_t n, int64_t k, QuantizedMatrix *matrix) {
  int64_t rowBytes = ggufRowBytes(format, k), total;
  if (n < 0 || rowBytes < 0 || __builtin_mul_overflow(n, rowBytes, &total) ||
      total != size)
    return false;
  QuantizedMatrix result = makeMatrix(format.scheme, n, k);
  for (int64_t row = 0; row < n; ++row)
    decodeGgufRow(format, bytes + row * rowBytes, k, rowOf(result, row));
  *matrix = std::move(result);
  return true;
}

} // namespace qcc
