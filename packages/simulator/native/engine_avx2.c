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

#define OP static inline __attribute__((always_inline)) TARGET
OP V v_zero(void) { return _mm256_setzero_ps(); }
OP V v_load(const float *p) { return _mm256_loadu_ps(p); }
OP V v_load_half(const uint8_t *p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)); }
OP V v_fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
OP void v_sums4(const V *v, float *out) {
  V four = _mm256_hadd_ps(_mm256_hadd_ps(v[0], v[1]), _mm256_hadd_ps(v[2], v[3])); /* each half: part of all four */
  _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(four), _mm256_extractf128_ps(four, 1)));
}
OP void floats_from_halves(const uint8_t *src, float *dst) { _mm256_storeu_ps(dst, v_load_half(src)); }
OP void halves_from_floats(const float *src, uint8_t *dst) {
  _mm_storeu_si128((__m128i *)dst, _mm256_cvtps_ph(v_load(src), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

#include "engine_kernels.h"
#else
typedef int not_this_architecture;
#endif
