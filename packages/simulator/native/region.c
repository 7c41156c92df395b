#include "region.h"

/* Whether a region has a byte in [from, from + bytes): of its pieces, the first that ends after `from` decides. */
static bool touches(struct region r, const uint8_t *from, uint64_t bytes) {
  uint64_t piece = 0;
  if (from >= r.start + r.piece_bytes) piece = ((uint64_t)(from - r.start) - r.piece_bytes) / r.stride + 1;
  return piece < r.pieces && r.start + piece * r.stride < from + bytes;
}

bool regions_overlap(struct region a, struct region b) {
  if (a.start >= region_end(b) || b.start >= region_end(a)) return false;
  struct region few = a.pieces <= b.pieces ? a : b, many = a.pieces <= b.pieces ? b : a;
  for (uint32_t i = 0; i < few.pieces; i++)
    if (touches(many, few.start + i * few.stride, few.piece_bytes)) return true;
  return false;
}
