/* The kernels, once, for every instruction set. The including file defines
 *   TARGET, ENGINE, NAME_TEXT        function attribute, the struct engine to define, its name
 *   V, LANES                         a vector of that many floats (a power of two, at most 16)
 *   DOT1_ROWS, DOT4_ROWS             weight rows at a time against one feature row, against four
 *   TILE_VECTORS                     vectors of feature rows at a time against four weight rows (at most 4)
 *   v_zero() v_set(x) v_load(p) v_store(p, v) v_load_half(p) v_fma(a, b, c) v_sum(v)
 *   floats_from_halves(src, dst), halves_from_floats(src, dst): eight values; the latter to nearest even
 *
 * Two ways to multiply. Up to 8 feature rows: dot products along K, each weight read once; the speed of memory
 * bounds this. More rows: a group's weights are widened once and rows lie across the lanes; arithmetic bounds this. */

#include <string.h>

#include "engine.h"

#define INLINE static inline __attribute__((always_inline)) TARGET
#define UNROLL _Pragma("GCC unroll 16")

enum { DOT_MAX_ROWS = 8, GROUP = 16, BLOCK = 32, STRIP_ROWS = 64, K_STEP = 128 };

static uint32_t whole_vectors(uint32_t rows) { return (rows + LANES - 1) / LANES * LANES; }

static uint32_t strip_width(const struct matmul *m, uint32_t strip) {
  return whole_vectors(m->rows - strip < STRIP_ROWS ? m->rows - strip : STRIP_ROWS);
}

/* Only the last strip is padded, because strips are whole vectors. */
_Static_assert(STRIP_ROWS % LANES == 0, "a strip is whole vectors");
static size_t panel_bytes(const struct matmul *m) {
  if (m->in == PRECISION_INT8) return (size_t)m->rows * m->inputs;
  uint32_t rows = m->rows > DOT_MAX_ROWS ? whole_vectors(m->rows) : m->rows;
  return (size_t)rows * m->inputs * sizeof(float);
}

/* Features to f32: [M][K] for dot products; for tiles strips of 64 rows, each [K][64] (the last narrower, its
 * rows padded with zeros to whole vectors). */
static TARGET void prepare_strip(const struct matmul *m, uint32_t strip, float *panel) {
  uint32_t width = strip_width(m, strip);
  for (uint32_t surface = 0; surface < m->inputs / 8; surface++) {
    const uint8_t *atoms = m->features + surface * m->feature_surface_bytes;
    float *out = panel + (size_t)strip * m->inputs + (size_t)surface * 8 * width;
    for (uint32_t row = 0; row < width; row += 4) {
      float four[4][8] = {{0}};
      UNROLL for (unsigned r = 0; r < 4; r++)
        if (strip + row + r < m->rows) floats_from_halves(atoms + (strip + row + r) * (size_t)SURFACE_ATOM_BYTES, four[r]);
      UNROLL for (unsigned k = 0; k < 8; k++)
        UNROLL for (unsigned r = 0; r < 4; r++) out[k * width + row + r] = four[r][k];
    }
  }
}

static TARGET void prepare_f16(const struct matmul *m, float *panel) {
  if (m->rows > DOT_MAX_ROWS) {
    for (uint32_t strip = 0; strip < m->rows; strip += STRIP_ROWS) prepare_strip(m, strip, panel);
    return;
  }
  for (uint32_t surface = 0; surface < m->inputs / 8; surface++)
    for (uint32_t row = 0; row < m->rows; row++)
      floats_from_halves(m->features + surface * m->feature_surface_bytes + (size_t)row * SURFACE_ATOM_BYTES,
                         panel + (size_t)row * m->inputs + surface * 8);
}

/* R weight rows against F feature rows: sums[f][r]. weights: the first row of the first block. */
#define DEFINE_DOT(name, R, F)                                                                               \
  INLINE void name(const uint8_t *weights, const float *features, uint32_t inputs, float (*sums)[GROUP]) {   \
    V total[R][F];                                                                                           \
    UNROLL for (unsigned r = 0; r < R; r++) UNROLL for (unsigned f = 0; f < F; f++) total[r][f] = v_zero();  \
    for (uint32_t k = 0; k < inputs; k += BLOCK) {                                                           \
      const uint8_t *block = weights + (size_t)k * GROUP * 2;                                                \
      /* A group takes several passes of R rows: each fetches its part of the same block one group ahead. */ \
      UNROLL for (unsigned r = 0; r < R; r++) __builtin_prefetch(block + (size_t)inputs * GROUP * 2 + r * BLOCK * 2, 0, 2); \
      UNROLL for (unsigned lane = 0; lane < BLOCK; lane += LANES) {                                          \
        V a[F];                                                                                              \
        UNROLL for (unsigned f = 0; f < F; f++) a[f] = v_load(features + (size_t)f * inputs + k + lane);     \
        UNROLL for (unsigned r = 0; r < R; r++) {                                                            \
          V b = v_load_half(block + (r * BLOCK + lane) * 2);                                                 \
          UNROLL for (unsigned f = 0; f < F; f++) total[r][f] = v_fma(b, a[f], total[r][f]);                 \
        }                                                                                                    \
      }                                                                                                      \
    }                                                                                                        \
    UNROLL for (unsigned r = 0; r < R; r++) UNROLL for (unsigned f = 0; f < F; f++) sums[f][r] = v_sum(total[r][f]); \
  }
DEFINE_DOT(dot1, DOT1_ROWS, 1)
DEFINE_DOT(dot4, DOT4_ROWS, 4)

static TARGET void dot_group(const struct matmul *m, const uint8_t *weights, const float *panel, float (*sums)[GROUP]) {
  if (m->rows == 1) {
    for (unsigned r = 0; r < GROUP; r += DOT1_ROWS) {
      float part[1][GROUP];
      dot1(weights + r * BLOCK * 2, panel, m->inputs, part);
      memcpy(&sums[0][r], part[0], DOT1_ROWS * sizeof(float));
    }
    return;
  }
  for (uint32_t row = 0; row < m->rows; row += 4)
    for (unsigned r = 0; r < GROUP; r += DOT4_ROWS) {
      float part[4][GROUP];
      dot4(weights + r * BLOCK * 2, panel + (size_t)row * m->inputs, m->inputs, part);
      for (unsigned f = 0; f < 4; f++) memcpy(&sums[row + f][r], part[f], DOT4_ROWS * sizeof(float));
    }
}

/* Four weight rows against VECTORS vectors of feature rows, over `steps` of K. */
#define DEFINE_TILE(name, VECTORS)                                                                              \
  INLINE void name(const float *weights, const float *features, uint32_t width, uint32_t steps, float *sums) {  \
    V total[4][VECTORS];                                                                                        \
    UNROLL for (unsigned r = 0; r < 4; r++)                                                                     \
      UNROLL for (unsigned v = 0; v < VECTORS; v++) total[r][v] = v_load(sums + r * STRIP_ROWS + v * LANES);    \
    for (uint32_t k = 0; k < steps; k++) {                                                                      \
      V a[VECTORS];                                                                                             \
      UNROLL for (unsigned v = 0; v < VECTORS; v++) a[v] = v_load(features + (size_t)k * width + v * LANES);    \
      UNROLL for (unsigned r = 0; r < 4; r++) {                                                                 \
        V b = v_set(weights[r * K_STEP + k]);                                                                   \
        UNROLL for (unsigned v = 0; v < VECTORS; v++) total[r][v] = v_fma(b, a[v], total[r][v]);                \
      }                                                                                                         \
    }                                                                                                           \
    UNROLL for (unsigned r = 0; r < 4; r++)                                                                     \
      UNROLL for (unsigned v = 0; v < VECTORS; v++) v_store(sums + r * STRIP_ROWS + v * LANES, total[r][v]);    \
  }
DEFINE_TILE(tile1, 1)
DEFINE_TILE(tile2, 2)
DEFINE_TILE(tile3, 3)
DEFINE_TILE(tile4, 4)

static TARGET void tile_group(const struct matmul *m, const uint8_t *weights, const float *panel, uint32_t strip,
                              float (*sums)[STRIP_ROWS]) {
  float wide[GROUP][K_STEP];
  uint32_t width = strip_width(m, strip), vectors = width / LANES;
  const float *features = panel + (size_t)strip * m->inputs;
  memset(sums, 0, sizeof(float[GROUP][STRIP_ROWS]));
  for (uint32_t start = 0; start < m->inputs; start += K_STEP) {
    uint32_t steps = m->inputs - start < K_STEP ? m->inputs - start : K_STEP;
    for (uint32_t k = 0; k < steps; k += BLOCK)
      for (unsigned r = 0; r < GROUP; r++)
        UNROLL for (unsigned lane = 0; lane < BLOCK; lane += LANES)
          v_store(&wide[r][k + lane], v_load_half(weights + ((size_t)(start + k) * GROUP + r * BLOCK + lane) * 2));
    for (uint32_t v = 0; v < vectors; v += TILE_VECTORS)
      for (unsigned r = 0; r < GROUP; r += 4) {
        const float *a = features + (size_t)start * width + v * LANES;
        float *out = &sums[r][v * LANES];
        switch (vectors - v < TILE_VECTORS ? vectors - v : TILE_VECTORS) {
          case 1: tile1(wide[r], a, width, steps, out); break;
          case 2: tile2(wide[r], a, width, steps, out); break;
          case 3: tile3(wide[r], a, width, steps, out); break;
          default: tile4(wide[r], a, width, steps, out); break;
        }
      }
  }
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
    if (m->rows <= DOT_MAX_ROWS) {
      float sums[DOT_MAX_ROWS][GROUP];
      dot_group(m, weights, panel, sums);
      if (m->short_height_fault) shift_channels(sums, m->rows);
      for (uint32_t channel = 0; channel < GROUP; channel += per_surface)
        for (uint32_t row = 0; row < m->rows; row++) store_atom(m, group * GROUP + channel, row, &sums[row][channel]);
      continue;
    }
    for (uint32_t strip = 0; strip < m->rows; strip += STRIP_ROWS) {
      float sums[GROUP][STRIP_ROWS];
      tile_group(m, weights, panel, strip, sums);
      uint32_t rows = m->rows - strip < STRIP_ROWS ? m->rows - strip : STRIP_ROWS;
      for (uint32_t channel = 0; channel < GROUP; channel += per_surface)
        for (uint32_t row = 0; row < rows; row++) {
          float values[8];
          for (uint32_t i = 0; i < per_surface; i++) values[i] = sums[channel + i][row];
          store_atom(m, group * GROUP + channel, strip + row, values);
        }
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
