/* x86-64 with AVX2, FMA and F16C. The attribute is on each function, so that one compiler command builds
 * every engine and the processor is asked at run time. */
#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>

#define TARGET __attribute__((target("avx2,fma,f16c")))
#define ENGINE engine_avx2
#define NAME_TEXT "avx2"
typedef __m256 V;
#define LANES 8
#define DOT1_ROWS 8
#define DOT4_ROWS 2
#define TILE_VECTORS 2

#define OP static inline __attribute__((always_inline)) TARGET
OP V v_zero(void) { return _mm256_setzero_ps(); }
OP V v_set(float x) { return _mm256_set1_ps(x); }
OP V v_load(const float *p) { return _mm256_loadu_ps(p); }
OP void v_store(float *p, V v) { _mm256_storeu_ps(p, v); }
OP V v_load_half(const uint8_t *p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)); }
OP V v_fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
OP float v_sum(V v) {
  __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
OP void floats_from_halves(const uint8_t *src, float *dst) { v_store(dst, v_load_half(src)); }
OP void halves_from_floats(const float *src, uint8_t *dst) {
  _mm_storeu_si128((__m128i *)dst, _mm256_cvtps_ph(v_load(src), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

#include "engine_kernels.h"
#else
typedef int not_this_architecture;
#endif
