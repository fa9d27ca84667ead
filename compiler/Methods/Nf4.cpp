//===- Nf4.cpp - The 4-bit grid for normally distributed weights -----------===//
//
// The levels as the paper prints them; float32 holds them to the last digit that matters.
//
//===----------------------------------------------------------------------===//
#include "compiler/Methods/Nf4.h"

namespace qcc {

Scheme nf4Scheme(unsigned groupSize, Nf4Scales scales) {
  Scheme s;
  s.code = CodeKind::FloatCodebook;
  s.bits = 4;
  s.groupSize = groupSize;
  s.scale = scales == Nf4Scales::F32   ? ScaleKind::F32
            : scales == Nf4Scales::F16 ? ScaleKind::F16
                                       : ScaleKind::Super;
  s.floatCodebook = {-1.0f,
                     -0.6961928009986877f,
                     -0.5250730514526367f,
                     -0.39491748809814453f,
                     -0.28444138169288635f,
                     -0.18477343022823334f,
                     -0.09105003625154495f,
                     0.0f,
                     0.07958029955625534f,
                     0.16093020141124725f,
                     0.24611230194568634f,
                     0.33791524171829224f,
                     0.44070982933044434f,
                     0.5626170039176941f,
                     0.7229568362236023f,
                     1.0f};
  return s;
}

} // namespace qcc
