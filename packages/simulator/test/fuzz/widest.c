/* Every engine that this machine has on every legal M with the widest K that the CBUF holds, each buffer as large as it has
 * to be and no byte larger, for the address sanitizer to watch. Results are compared with sums in double. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../native/engine.h"
#include "../../native/half.h"

enum { FEATURE_BYTES = 11 * 32768, MAX_INPUTS = 16384, GROUPS = 1 };

static uint32_t state = 1;
static uint32_t any(void) {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

static void *exactly(size_t bytes) {
  void *memory = NULL;
  if (posix_memalign(&memory, 64, bytes)) abort();
  return memory;
}

/* Quarters from -2 to 2 as f16: sums of their products are exact in f32. */
static void fill(uint8_t *out, size_t values, enum precision in) {
  static const uint16_t halves[] = {0x0000, 0x3400, 0x3800, 0x3a00, 0x3c00, 0x3d00, 0x3e00, 0x3f00, 0x4000};
  for (size_t i = 0; i < values; i++) {
    uint32_t random = any() >> 8;
    uint16_t half = halves[random % 9] | (random & 0x100 ? 0x8000 : 0);
    if (in == PRECISION_INT8) out[i] = (uint8_t)random;
    else memcpy(out + 2 * i, &half, 2);
  }
}

static void widen(const uint8_t *in, size_t values, enum precision precision, float *out) {
  for (size_t i = 0; i < values; i++) {
    uint16_t half;
    if (precision != PRECISION_INT8) memcpy(&half, in + 2 * i, 2);
    out[i] = precision == PRECISION_INT8 ? (float)(int8_t)in[i] : float_from_half(half);
  }
}

/* [M][N], from the tiles as docs/architecture.md has them. */
static void multiply(const struct matmul *m, const float *features, const float *weights, float *out) {
  uint32_t lane = m->in == PRECISION_INT8 ? 16 : 8, group = group_channels(m);
  for (uint32_t row = 0; row < m->rows; row++)
    for (uint32_t channel = 0; channel < m->outputs; channel++) {
      double sum = 0;
      for (uint32_t k = 0; k < m->inputs; k += lane) {
        const float *a = features + (size_t)k * m->rows + row * lane;
        const float *b = weights + (size_t)(channel / group) * group * m->inputs + k / 32 * 32 * group + channel % group * 32 + k % 32;
        for (uint32_t i = 0; i < lane; i++) sum += (double)a[i] * (double)b[i];
      }
      out[row * m->outputs + channel] = (float)sum;
    }
}

static int compare(const struct matmul *m, const float *wanted, const char *engine) {
  for (uint32_t row = 0; row < m->rows; row++)
    for (uint32_t channel = 0; channel < m->outputs; channel++) {
      const uint8_t *at = m->result + (size_t)channel / 4 * m->rows * SURFACE_ATOM_BYTES + row * SURFACE_ATOM_BYTES + channel % 4 * 4;
      int32_t integer;
      float got;
      memcpy(&integer, at, 4);
      memcpy(&got, at, 4);
      if (m->in == PRECISION_INT8) got = (float)integer;
      if (got == wanted[row * m->outputs + channel]) continue;
      fprintf(stderr, "%s, M=%u K=%u: %g for %g at row %u, channel %u\n", engine, m->rows, m->inputs, (double)got,
              (double)wanted[row * m->outputs + channel], row, channel);
      return 1;
    }
  return 0;
}

static int check(const struct engine *engine, struct matmul *m, const float *wanted) {
  void *panel = exactly(engine->panel_bytes(m));
  m->result = exactly((size_t)m->rows * m->outputs * 4);
  engine->prepare(m, panel);
  engine->run(m, panel, 0, GROUPS);
  int wrong = compare(m, wanted, engine->name);
  free(m->result);
  free(panel);
  return wrong;
}

static int check_rows(uint32_t rows, enum precision in) {
  uint32_t inputs = FEATURE_BYTES / input_bytes(in) / rows / 32 * 32;
  struct matmul m = {.rows = rows, .inputs = inputs < MAX_INPUTS ? inputs : MAX_INPUTS, .in = in,
                     .out = in == PRECISION_INT8 ? PRECISION_INT32 : PRECISION_FP32};
  m.outputs = GROUPS * group_channels(&m);
  m.feature_surface_bytes = m.result_surface_bytes = (size_t)rows * SURFACE_ATOM_BYTES;
  size_t feature_values = (size_t)rows * m.inputs, weight_values = (size_t)m.outputs * m.inputs;
  uint8_t *features = exactly(feature_values * input_bytes(in)), *weights = exactly(weight_values * input_bytes(in));
  float *wide_features = exactly(feature_values * 4), *wide_weights = exactly(weight_values * 4), *wanted = exactly((size_t)rows * m.outputs * 4);
  fill(features, feature_values, in);
  fill(weights, weight_values, in);
  widen(features, feature_values, in, wide_features);
  widen(weights, weight_values, in, wide_weights);
  multiply(&m, wide_features, wide_weights, wanted);
  m.features = features;
  m.weights = weights;
  static const enum engine_kind kinds[] = {ENGINE_PORTABLE, ENGINE_AVX2, ENGINE_AVX512, ENGINE_NEON};
  int wrong = 0;
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (engine_get(kinds[i])) wrong |= check(engine_get(kinds[i]), &m, wanted);
  free(features);
  free(weights);
  free(wide_features);
  free(wide_weights);
  free(wanted);
  return wrong;
}

int main(void) {
  int wrong = 0;
  unsigned shapes = 0;
  for (uint32_t rows = 1; rows <= MAX_ROWS; rows = rows == 1 ? 4 : rows + 4, shapes++) wrong |= check_rows(rows, PRECISION_FP16);
  /* Fewer of these: they are slow here, and their rows fill no vectors. */
  for (uint32_t rows = 4; rows <= MAX_ROWS; rows += 60, shapes++) wrong |= check_rows(rows, PRECISION_INT8);
  printf("%u shapes with the widest K, on every engine of this machine\n", shapes);
  return wrong;
}
