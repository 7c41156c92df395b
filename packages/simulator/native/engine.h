/* The arithmetic of one task, with every address already checked and resolved. One implementation for each
 * instruction set, chosen at run time; all are instances of engine_kernels.h. */
#ifndef NPU_SIM_ENGINE_H
#define NPU_SIM_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum engine_kind { ENGINE_AUTO, ENGINE_PORTABLE, ENGINE_AVX2, ENGINE_AVX512, ENGINE_NEON };
enum precision { PRECISION_INT8 = 0, PRECISION_FP16 = 2, PRECISION_INT32 = 4, PRECISION_FP32 = 5 };

/* C[M,N] = A[M,K] . B[N,K]^T; docs/architecture.md has the layouts. */
struct matmul {
  uint32_t rows, inputs, outputs; /* M, K, N */
  enum precision in, out;
  const uint8_t *features;        /* [K/8][M][8] f16 or [K/16][M][16] i8 */
  size_t feature_surface_bytes;   /* from one [M][8] (or [M][16]) surface to the next */
  const uint8_t *weights;         /* [N/16][K/32][16][32] f16 or [N/32][K/32][32][32] i8 */
  uint8_t *result;                /* [N/4][M][4] f32 or i32, or [N/8][M][8] f16 */
  size_t result_surface_bytes;
  const struct matmul *accumulate_onto; /* integer tasks after the first of a chain; else NULL */
  bool short_height_fault;        /* this device gets heights below 4 wrong */
};

enum {
  SURFACE_ATOM_BYTES = 16,        /* one row of one surface */
  MAX_ROWS = 1022,
};

struct engine {
  const char *name;
  /* What prepare() writes for this task, to the byte: M x K features, halves as f32. */
  size_t (*panel_bytes)(const struct matmul *m);
  /* Lays the features out for this engine, once a task. panel: panel_bytes(m), 64-byte aligned. */
  void (*prepare)(const struct matmul *m, void *panel);
  /* Computes output channels of groups [first, first + count), of group_channels() each. Any split of the
   * groups among threads gives the same bits. */
  void (*run)(const struct matmul *m, const void *panel, uint32_t first, uint32_t count);
};

/* Channels that are stored together: 16 for f16, 32 for i8. */
static inline uint32_t group_channels(const struct matmul *m) { return m->in == PRECISION_INT8 ? 32 : 16; }
static inline uint32_t input_bytes(enum precision in) { return in == PRECISION_INT8 ? 1 : 2; }
static inline uint32_t output_bytes(enum precision out) { return out == PRECISION_FP16 ? 2 : 4; }

/* The engine of a kind; AUTO is the fastest of this machine. NULL when this machine has not got it. */
const struct engine *engine_get(enum engine_kind kind);
/* False for an unknown name or an engine that this machine has not got. */
bool engine_by_name(const char *name, enum engine_kind *out);

extern const struct engine engine_portable;
#if defined(__x86_64__)
extern const struct engine engine_avx2, engine_avx512;
#elif defined(__aarch64__)
extern const struct engine engine_neon;
#endif

#endif
