/* Where a task reads or writes: pieces of memory of one size, each a stride after the one before. */
#ifndef NPU_SIM_REGION_H
#define NPU_SIM_REGION_H

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"

struct region {
  const uint8_t *start;
  uint64_t piece_bytes, stride; /* stride >= piece_bytes > 0 */
  uint32_t pieces;
};

static inline struct region one_piece(const uint8_t *start, uint64_t bytes) { return (struct region){start, bytes, bytes, 1}; }

static inline struct region feature_region(const struct matmul *m) {
  return (struct region){m->features, (uint64_t)m->rows * SURFACE_ATOM_BYTES, m->feature_surface_bytes,
                         m->inputs * input_bytes(m->in) / SURFACE_ATOM_BYTES};
}
static inline struct region weight_region(const struct matmul *m) {
  return one_piece(m->weights, (uint64_t)m->inputs * m->outputs * input_bytes(m->in));
}
static inline struct region result_region(const struct matmul *m) {
  return (struct region){m->result, (uint64_t)m->rows * SURFACE_ATOM_BYTES, m->result_surface_bytes,
                         m->outputs * output_bytes(m->out) / SURFACE_ATOM_BYTES};
}

/* Bytes from the first to the last, with what lies between the pieces. */
static inline uint64_t region_span(struct region r) { return (r.pieces - 1) * r.stride + r.piece_bytes; }
static inline const uint8_t *region_end(struct region r) { return r.start + region_span(r); }
/* Whether they share a byte; what lies between pieces does not count. */
bool regions_overlap(struct region a, struct region b);

#endif
