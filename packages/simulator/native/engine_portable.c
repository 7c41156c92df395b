/* Any processor: four floats at a time, which compilers turn into whatever vectors they may assume. */
#include "half.h"

typedef float V __attribute__((vector_size(16)));
typedef uint32_t Bits __attribute__((vector_size(16)));
typedef uint16_t Halves __attribute__((vector_size(8)));
#define TARGET
#define ENGINE engine_portable
#define NAME_TEXT "portable"
#define LANES 4
#define DOT1_ROWS 4
#define DOT4_ROWS 2

static inline V v_zero(void) { return (V){0}; }
static inline V v_load(const float *p) {
  V v;
  memcpy(&v, p, sizeof v);
  return v;
}
static inline V v_fma(V a, V b, V c) { return a * b + c; }
static inline void v_sums4(const V *v, float *out) {
  for (unsigned i = 0; i < 4; i++) out[i] = (v[i][0] + v[i][2]) + (v[i][1] + v[i][3]);
}
/* float_from_half() of four at once. */
static inline V v_load_half(const uint8_t *p) {
  Halves halves;
  memcpy(&halves, p, sizeof halves);
  Bits bits = __builtin_convertvector(halves, Bits), magnitude = (bits & 0x7fff) << 13;
  Bits special = (Bits)(magnitude >= 0x7c00u << 13) & 0x7f800000u; /* infinities and NaNs */
  return (V)((Bits)((V)magnitude * 0x1p112f) | special | (bits & 0x8000) << 16);
}
static inline void floats_from_halves(const uint8_t *src, float *dst) {
  V low = v_load_half(src), high = v_load_half(src + 8);
  memcpy(dst, &low, sizeof low);
  memcpy(dst + 4, &high, sizeof high);
}
static inline void halves_from_floats(const float *src, uint8_t *dst) {
  uint16_t h[8];
  for (unsigned i = 0; i < 8; i++) h[i] = half_from_float(src[i]);
  memcpy(dst, h, sizeof h);
}

#include "engine_kernels.h"
