/* Any processor: four floats at a time, which compilers turn into whatever vectors they may assume. */
#include "half.h"

typedef float V __attribute__((vector_size(16)));
#define TARGET
#define ENGINE engine_portable
#define NAME_TEXT "portable"
#define LANES 4
#define DOT1_ROWS 4
#define DOT4_ROWS 1
#define TILE_VECTORS 2

static inline V v_zero(void) { return (V){0}; }
static inline V v_set(float x) { return (V){x, x, x, x}; }
static inline V v_load(const float *p) {
  V v;
  memcpy(&v, p, sizeof v);
  return v;
}
static inline void v_store(float *p, V v) { memcpy(p, &v, sizeof v); }
static inline V v_fma(V a, V b, V c) { return a * b + c; }
static inline float v_sum(V v) { return (v[0] + v[2]) + (v[1] + v[3]); }
static inline V v_load_half(const uint8_t *p) {
  uint16_t h[4];
  memcpy(h, p, sizeof h);
  return (V){float_from_half(h[0]), float_from_half(h[1]), float_from_half(h[2]), float_from_half(h[3])};
}
static inline void floats_from_halves(const uint8_t *src, float *dst) {
  v_store(dst, v_load_half(src));
  v_store(dst + 4, v_load_half(src + 8));
}
static inline void halves_from_floats(const float *src, uint8_t *dst) {
  uint16_t h[8];
  for (unsigned i = 0; i < 8; i++) h[i] = half_from_float(src[i]);
  memcpy(dst, h, sizeof h);
}

#include "engine_kernels.h"
