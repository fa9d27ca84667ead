//===- TestMatrices.h - Schemes and matrices to test with -----------------===//
//
// All presets, and some schemes that have no preset, each with random contents
// that use the whole range of codes and scales.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_TEST_UNIT_CODEC_TESTMATRICES_H
#define QCC_TEST_UNIT_CODEC_TESTMATRICES_H

#include "dialects/QuantExt/Codec/Float16.h"
#include "dialects/QuantExt/Codec/GgufBlocks.h"

#include <random>

namespace qcc {

inline std::vector<Scheme> testSchemes() {
  std::vector<Scheme> list;
  for (const GgufFormat &format : ggufFormats())
    list.push_back(format.scheme);
  for (unsigned bits = 2; bits <= 8; ++bits)
    for (unsigned group : {0u, 16u, 48u, 128u})
      for (bool asymmetric : {false, true})
        list.push_back(integerScheme(bits, group, asymmetric));
  for (unsigned bits = 2; bits <= 5; ++bits)
    for (unsigned group : {16u, 32u, 96u})
      for (bool superScales : {false, true})
        list.push_back(codebookScheme(bits, group, superScales));
  list.push_back(codebookScheme(3, 0, false));
  for (unsigned bits = 2; bits <= 8; ++bits)
    list.push_back(withSuperScales(integerScheme(bits, bits % 2 ? 16 : 32, bits == 4)));
  Scheme wide = integerScheme(8, 64, false);
  wide.scale = ScaleKind::F32;
  list.push_back(wide);
  Scheme shifted = integerScheme(3, 32, false);
  shifted.offset = -2; // padding is clamped to 0
  list.push_back(shifted);
  shifted.offset = 9; // and to 7
  list.push_back(shifted);
  return list;
}

/// How a test's failure names a scheme.
inline std::string nameOf(const Scheme &s) {
  return "code " + std::to_string(static_cast<int>(s.code)) + " bits " +
         std::to_string(s.bits) + " group " + std::to_string(s.groupSize) +
         " scale " + std::to_string(static_cast<int>(s.scale)) + " min " +
         std::to_string(static_cast<int>(s.min));
}

inline QuantizedMatrix randomMatrix(const Scheme &scheme, int64_t n, int64_t k,
                                    unsigned seed = 1) {
  QuantizedMatrix m = makeMatrix(scheme, n, k);
  std::mt19937 random(seed);
  auto real = [&] {
    float f = std::uniform_real_distribution<float>(-2, 2)(random);
    if (scheme.scale == ScaleKind::F32 || scheme.code == CodeKind::F32)
      return f;
    return scheme.code == CodeKind::BF16 ? bfloatToFloat(floatToBfloat(f))
                                         : halfToFloat(floatToHalf(f));
  };
  for (auto *floats :
       {&m.values, &m.scales, &m.superScales, &m.mins, &m.superMins})
    for (float &f : *floats)
      f = real();
  for (uint8_t &code : m.codes)
    code = random() & ((1u << scheme.bits) - 1);
  for (int8_t &scale : m.subScales)
    scale = static_cast<int8_t>(random());
  for (uint8_t &min : m.subMins)
    min = random() & 63;
  for (uint8_t &zero : m.zeroPoints)
    zero = static_cast<uint8_t>(random());
  return m;
}

} // namespace qcc

#endif // QCC_TEST_UNIT_CODEC_TESTMATRICES_H
