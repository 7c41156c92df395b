/* x86-64 with AVX-512: the AVX2 engine's structure on vectors twice as wide. */
#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>

#define TARGET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,f16c")))
#define ENGINE engine_avx512
#define NAME_TEXT "avx512"
typedef __m512 V;
#define LANES 16
#define DOT1_ROWS 16
#define DOT4_ROWS 4

#define OP static inline __attribute__((always_inline)) TARGET
OP V v_zero(void) { return _mm512_setzero_ps(); }
OP V v_load(const float *p) { return _mm512_loadu_ps(p); }
OP V v_load_half(const uint8_t *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)); }
OP V v_fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
OP void v_sums4(const V *v, float *out) {
  V even = _mm512_add_ps(_mm512_unpacklo_ps(v[0], v[2]), _mm512_unpackhi_ps(v[0], v[2]));
  V odd = _mm512_add_ps(_mm512_unpacklo_ps(v[1], v[3]), _mm512_unpackhi_ps(v[1], v[3]));
  V four = _mm512_add_ps(_mm512_unpacklo_ps(even, odd), _mm512_unpackhi_ps(even, odd)); /* each quarter: part of all four */
  __m256 half = _mm256_add_ps(_mm512_castps512_ps256(four), _mm512_extractf32x8_ps(four, 1));
  _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1)));
}
OP void floats_from_halves(const uint8_t *src, float *dst) {
  _mm256_storeu_ps(dst, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)src)));
}
OP void halves_from_floats(const float *src, uint8_t *dst) {
  _mm_storeu_si128((__m128i *)dst,
                   _mm256_cvtps_ph(_mm256_loadu_ps(src), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

#include "engine_kernels.h"
#else
typedef int not_this_architecture;
#endif
