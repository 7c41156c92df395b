/* arm64: NEON and its half to float conversion are part of every such processor. */
#if defined(__aarch64__)
#include <arm_neon.h>
#include <string.h>

#define TARGET
#define ENGINE engine_neon
#define NAME_TEXT "neon"
typedef float32x4_t V;
#define LANES 4
#define DOT1_ROWS 8
#define DOT4_ROWS 4

static inline V v_zero(void) { return vdupq_n_f32(0); }
static inline V v_load(const float *p) { return vld1q_f32(p); }
static inline V v_load_half(const uint8_t *p) { return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p))); }
static inline V v_fma(V a, V b, V c) { return vfmaq_f32(c, a, b); }
static inline void v_sums4(const V *v, float *out) { vst1q_f32(out, vpaddq_f32(vpaddq_f32(v[0], v[1]), vpaddq_f32(v[2], v[3]))); }
static inline void floats_from_halves(const uint8_t *src, float *dst) {
  vst1q_f32(dst, v_load_half(src));
  vst1q_f32(dst + 4, v_load_half(src + 8));
}
static inline void halves_from_floats(const float *src, uint8_t *dst) {
  vst1_u8(dst, vreinterpret_u8_f16(vcvt_f16_f32(v_load(src))));
  vst1_u8(dst + 8, vreinterpret_u8_f16(vcvt_f16_f32(v_load(src + 4))));
}

#include "engine_kernels.h"
#else
typedef int not_this_architecture;
#endif
