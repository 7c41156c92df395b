/* The kernels, once, for every instruction set. The including file defines
 *   TARGET, ENGINE, NAME_TEXT        function attribute, the struct engine to define, its name
 *   V, LANES                         a vector of that many floats (a power of two, at most 32)
 *   DOT1_ROWS, DOT4_ROWS             weight rows at a time against one feature row, against four: DOT1_ROWS or
 *                                    4 * DOT4_ROWS sums are held in registers
 *   v_zero() v_load(p) v_load_half(p) v_fma(a, b, c)
 *   v_sums4(v, out)                  the sums of each of four vectors: four floats
 *   floats_from_halves(src, dst), halves_from_floats(src, dst): eight values; the latter to nearest even
 *
 * FP16 is dot products along K, widened in registers. A group's weights are used for all rows of a strip while they are in
 * the cache, so memory gives each of them once: its speed bounds few rows, arithmetic bounds many. */

#include <string.h>

#include "engine.h"

#define INLINE static inline __attribute__((always_inline)) TARGET
#define UNROLL _Pragma("GCC unroll 16")

enum { GROUP = 16, BLOCK = 32, QUAD = 4 };
/* Of K at a time: 8 KiB of weights and 4 KiB of four rows' features stay in the first-level cache. */
enum { STEP = 256, STEP_BYTES = STEP * GROUP * 2 };
enum { STRIP_ROWS = 16 };

static size_t panel_bytes(const struct matmul *m) {
  return (size_t)m->rows * m->inputs * (m->in == PRECISION_INT8 ? sizeof(int8_t) : sizeof(float));
}

/* Features to f32, in the order the dot products read them: [M/quad][K/32][quad][32], of one row or of four. */
INLINE void widen_features(const struct matmul *m, uint32_t quad, float *panel) {
  for (uint32_t k = 0; k < m->inputs; k += 8) {
    const uint8_t *atoms = m->features + k / 8 * m->feature_surface_bytes;
    float *out = panel + k / BLOCK * quad * BLOCK + k % BLOCK;
    for (uint32_t row = 0; row < m->rows; row++)
      floats_from_halves(atoms + (size_t)row * SURFACE_ATOM_BYTES, out + (size_t)(row / quad) * quad * m->inputs + row % quad * BLOCK);
  }
}

static TARGET void prepare_f16(const struct matmul *m, float *panel) {
  if (m->rows == 1) widen_features(m, 1, panel);
  else widen_features(m, QUAD, panel);
}

/* R weight rows against F feature rows over `inputs` of K, added to totals[f * 16 + r]. Meanwhile the same rows of the step
 * after this one are fetched: groups follow each other in memory, so that is right at a group's end, too. */
#define DEFINE_DOT(name, R, F)                                                                                   \
  INLINE void name(const uint8_t *weights, const float *features, uint32_t inputs, V *totals) {                  \
    V total[F][R];                                                                                               \
    UNROLL for (unsigned f = 0; f < F; f++) UNROLL for (unsigned r = 0; r < R; r++) total[f][r] = totals[f * GROUP + r]; \
    for (uint32_t k = 0; k < inputs; k += BLOCK) {                                                               \
      const uint8_t *block = weights + (size_t)k * GROUP * 2;                                                    \
      const float *block_features = features + (size_t)k * F;                                                    \
      UNROLL for (unsigned r = 0; r < R; r++) __builtin_prefetch(block + STEP_BYTES + r * BLOCK * 2);            \
      UNROLL for (unsigned lane = 0; lane < BLOCK; lane += LANES) {                                              \
        V a[F];                                                                                                  \
        UNROLL for (unsigned f = 0; f < F; f++) a[f] = v_load(block_features + f * BLOCK + lane);                \
        UNROLL for (unsigned r = 0; r < R; r++) {                                                                \
          V b = v_load_half(block + (r * BLOCK + lane) * 2);                                                     \
          UNROLL for (unsigned f = 0; f < F; f++) total[f][r] = v_fma(b, a[f], total[f][r]);                     \
        }                                                                                                        \
      }                                                                                                          \
    }                                                                                                            \
    UNROLL for (unsigned f = 0; f < F; f++) UNROLL for (unsigned r = 0; r < R; r++) totals[f * GROUP + r] = total[f][r]; \
  }
DEFINE_DOT(dot1, DOT1_ROWS, 1)
DEFINE_DOT(dot4, DOT4_ROWS, QUAD)

/* A group of 16 channels against the rows of a strip: 1, or a multiple of 4. Steps along K outermost: weights are read
 * in the order they lie in memory. features: the strip's part of the panel. */
static TARGET void dot_strip(const uint8_t *weights, const float *features, uint32_t rows, uint32_t inputs, float (*sums)[GROUP]) {
  V totals[STRIP_ROWS * GROUP];
  for (uint32_t i = 0; i < rows * GROUP; i++) totals[i] = v_zero();
  for (uint32_t start = 0; start < inputs; start += STEP) {
    const uint8_t *step = weights + (size_t)start * GROUP * 2;
    uint32_t length = inputs - start < STEP ? inputs - start : STEP;
    if (rows == 1)
      for (unsigned r = 0; r < GROUP; r += DOT1_ROWS) dot1(step + r * BLOCK * 2, features + start, length, totals + r);
    else
      for (uint32_t row = 0; row < rows; row += QUAD)
        for (unsigned r = 0; r < GROUP; r += DOT4_ROWS)
          dot4(step + r * BLOCK * 2, features + (size_t)row * inputs + start * QUAD, length, totals + row * GROUP + r);
  }
  for (uint32_t row = 0; row < rows; row++)
    for (unsigned r = 0; r < GROUP; r += 4) v_sums4(totals + row * GROUP + r, &sums[row][r]);
}

/* One row of one surface: 4 floats or 8 halves, 16 bytes. */
INLINE void store_atom(const struct matmul *m, uint32_t channel, uint32_t row, const float *values) {
  uint32_t per_surface = m->out == PRECISION_FP16 ? 8 : 4;
  uint8_t *atom = m->result + channel / per_surface * m->result_surface_bytes + (size_t)row * SURFACE_ATOM_BYTES;
  if (m->out == PRECISION_FP16) halves_from_floats(values, atom);
  else memcpy(atom, values, SURFACE_ATOM_BYTES);
}

/* What a device that gets short heights wrong leaves: each channel holds its neighbour's value. */
static void shift_channels(float (*sums)[GROUP], uint32_t rows) {
  for (uint32_t row = 0; row < rows; row++) {
    float first = sums[row][0];
    memmove(&sums[row][0], &sums[row][1], (GROUP - 1) * sizeof(float));
    sums[row][GROUP - 1] = first;
  }
}

static TARGET void run_f16(const struct matmul *m, const float *panel, uint32_t first, uint32_t count) {
  uint32_t per_surface = m->out == PRECISION_FP16 ? 8 : 4;
  for (uint32_t group = first; group < first + count; group++) {
    const uint8_t *weights = m->weights + (size_t)group * GROUP * m->inputs * 2;
    for (uint32_t strip = 0; strip < m->rows; strip += STRIP_ROWS) {
      float sums[STRIP_ROWS][GROUP];
      uint32_t rows = m->rows - strip < STRIP_ROWS ? m->rows - strip : STRIP_ROWS;
      dot_strip(weights, panel + (size_t)strip * m->inputs, rows, m->inputs, sums);
      if (m->short_height_fault) shift_channels(sums, rows);
      for (uint32_t channel = 0; channel < GROUP; channel += per_surface)
        for (uint32_t row = 0; row < rows; row++) store_atom(m, group * GROUP + channel, strip + row, &sums[row][channel]);
    }
  }
}

/* Integers: [M][K] i8 rows; each weight row gathered from its blocks once for all feature rows. */
static void prepare_i8(const struct matmul *m, int8_t *panel) {
  for (uint32_t surface = 0; surface < m->inputs / 16; surface++)
    for (uint32_t row = 0; row < m->rows; row++)
      memcpy(panel + (size_t)row * m->inputs + surface * 16,
             m->features + surface * m->feature_surface_bytes + (size_t)row * SURFACE_ATOM_BYTES, 16);
}

/* What the task before in the chain left at this place: integer accumulators are not cleared between tasks. */
static int32_t accumulated(const struct matmul *before, uint32_t row, uint32_t channel) {
  if (!before || row >= before->rows || channel >= before->outputs) return 0;
  int32_t value;
  memcpy(&value, before->result + channel / 4 * before->result_surface_bytes + (size_t)row * SURFACE_ATOM_BYTES + channel % 4 * 4, 4);
  return value;
}

static TARGET int32_t dot_i8(const int8_t *restrict a, const int8_t *restrict b, uint32_t count) {
  int32_t total = 0;
  for (uint32_t i = 0; i < count; i++) total += (int32_t)a[i] * b[i];
  return total;
}

static TARGET void run_i8(const struct matmul *m, const int8_t *panel, uint32_t first, uint32_t count) {
  int8_t weights[32768];
  for (uint32_t channel = first * 32; channel < (first + count) * 32; channel++) {
    const uint8_t *blocks = m->weights + (size_t)(channel / 32) * 32 * m->inputs + channel % 32 * 32;
    for (uint32_t k = 0; k < m->inputs; k += 32) memcpy(weights + k, blocks + (size_t)k * 32, 32);
    uint32_t target = m->short_height_fault ? channel ^ 1 : channel;
    for (uint32_t row = 0; row < m->rows; row++) {
      /* Unsigned, because silicon wraps and C must not. */
      int32_t value = (int32_t)((uint32_t)dot_i8(panel + (size_t)row * m->inputs, weights, m->inputs) +
                                (uint32_t)accumulated(m->accumulate_onto, row, target));
      memcpy(m->result + target / 4 * m->result_surface_bytes + (size_t)row * SURFACE_ATOM_BYTES + target % 4 * 4, &value, 4);
    }
  }
}

static void prepare(const struct matmul *m, void *panel) {
  if (m->in == PRECISION_INT8) prepare_i8(m, panel);
  else prepare_f16(m, panel);
}

static void run(const struct matmul *m, const void *panel, uint32_t first, uint32_t count) {
  if (m->in == PRECISION_INT8) run_i8(m, panel, first, count);
  else run_f16(m, panel, first, count);
}

const struct engine ENGINE = {NAME_TEXT, panel_bytes, prepare, run};
