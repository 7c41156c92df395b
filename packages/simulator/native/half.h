/* IEEE 754 binary16 in plain C: the bits of a half to a float and back. */
#ifndef NPU_SIM_HALF_H
#define NPU_SIM_HALF_H

#include <stdint.h>
#include <string.h>

static inline float float_from_half(uint16_t half) {
  /* The exponent is rebased by a multiplication, which is exact and turns subnormal halves into normal floats. */
  uint32_t magnitude = (uint32_t)(half & 0x7fff) << 13, sign = (uint32_t)(half & 0x8000) << 16, bits;
  float value;
  if ((half & 0x7c00) == 0x7c00) bits = magnitude | 0x7f800000u;
  else {
    memcpy(&value, &magnitude, 4);
    value *= 0x1p112f;
    memcpy(&bits, &value, 4);
  }
  bits |= sign;
  memcpy(&value, &bits, 4);
  return value;
}

/* To nearest, ties to even; beyond 65504 + half a step to infinity. */
static inline uint16_t half_from_float(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
  bits &= 0x7fffffff;
  if (bits > 0x7f800000) return sign | 0x7e00;
  if (bits >= 0x477ff000) return sign | 0x7c00;
  if (bits < 0x38800000) {
    /* Subnormal: adding 0.5 makes the float's last bit weigh 2^-24, a subnormal half's, rounding on the way. */
    float magnitude;
    memcpy(&magnitude, &bits, 4);
    magnitude += 0.5f;
    memcpy(&bits, &magnitude, 4);
    return sign | (uint16_t)(bits - 0x3f000000);
  }
  bits += 0xfff + (bits >> 13 & 1);
  return sign | (uint16_t)((bits - 0x38000000) >> 13);
}

#endif
