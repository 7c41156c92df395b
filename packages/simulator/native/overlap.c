#include "overlap.h"

#include <errno.h>
#include <stdlib.h>

enum use { USE_RESULT, USE_FEATURES, USE_WEIGHTS, USE_PROGRAM, USE_TASK_ARRAY };
static const char *const use_names[] = {"result", "features", "weights", "program", "task records"};

struct access {
  struct region region;
  enum use use;
  struct where where;
};

static int by_start(const void *left, const void *right) {
  const struct access *a = left, *b = right;
  if (a->region.start != b->region.start) return a->region.start < b->region.start ? -1 : 1;
  if (a->where.core != b->where.core) return a->where.core < b->where.core ? -1 : 1;
  if (a->where.task != b->where.task) return a->where.task < b->where.task ? -1 : 1;
  return (int)a->use - (int)b->use;
}

/* A core's own tasks run in order: one may read or replace what one before it wrote. */
static bool may_not_share(const struct access *result, const struct access *other) {
  bool whole_job = other->use == USE_PROGRAM || other->use == USE_TASK_ARRAY;
  return whole_job || other->where.core != result->where.core;
}

static int refuse_pair(const struct access *a, const struct access *b) {
  bool b_writes = b->use == USE_RESULT && (a->use != USE_RESULT || b->where.core > a->where.core);
  const struct access *result = b_writes ? b : a, *other = b_writes ? a : b;
  return refuse_task(result->where, EINVAL, "dma-overlap", "DPU DST_BASE_ADDR (0x4020): its result overlaps the %s of core %u, task %u in the same job",
                     use_names[other->use], other->where.core, other->where.task);
}

struct list {
  const struct access **items;
  size_t count;
};

/* Checks one against those that began before it, dropping the ones that have ended. */
static int check_against(struct list *earlier, const struct access *one) {
  size_t kept = 0;
  int status = 0;
  for (size_t i = 0; i < earlier->count && status == 0; i++) {
    const struct access *other = earlier->items[i];
    if (region_end(other->region) <= one->region.start) continue;
    earlier->items[kept++] = other;
    const struct access *result = one->use == USE_RESULT ? one : other;
    if (may_not_share(result, result == one ? other : one) && regions_overlap(one->region, other->region)) status = refuse_pair(other, one);
  }
  earlier->count = kept;
  return status;
}

static size_t collect(const struct share *shares, unsigned count, struct access *out) {
  size_t used = 0;
  for (unsigned s = 0; s < count; s++) {
    const struct share *share = &shares[s];
    struct where where = {share->core, share->start};
    out[used++] = (struct access){one_piece(share_records(share), (uint64_t)share->count * sizeof(struct uapi_task)), USE_TASK_ARRAY, where};
    for (uint32_t i = 0; i < share->count; i++) {
      const struct task_work *work = &cores[share->core].tasks[i];
      where.task = share->start + i;
      out[used++] = (struct access){result_region(&work->matmul), USE_RESULT, where};
      out[used++] = (struct access){feature_region(&work->matmul), USE_FEATURES, where};
      out[used++] = (struct access){weight_region(&work->matmul), USE_WEIGHTS, where};
      out[used++] = (struct access){work->program, USE_PROGRAM, where};
    }
  }
  return used;
}

/* In the order of addresses, each against the results and, when it is a result, the rest that reach as far. */
int check_overlaps(const struct share *shares, unsigned count) {
  size_t most = count;
  for (unsigned s = 0; s < count; s++) most += (size_t)shares[s].count * 4;
  struct access *accesses = malloc(most * sizeof *accesses);
  const struct access **items = malloc(2 * most * sizeof *items);
  int status = accesses && items ? 0 : -ENOMEM;
  if (status == 0) {
    size_t used = collect(shares, count, accesses);
    qsort(accesses, used, sizeof *accesses, by_start);
    struct list results = {items, 0}, others = {items + most, 0};
    for (size_t i = 0; i < used && status == 0; i++) {
      const struct access *one = &accesses[i];
      bool writes = one->use == USE_RESULT;
      status = check_against(&results, one);
      if (status == 0 && writes) status = check_against(&others, one);
      struct list *own = writes ? &results : &others;
      own->items[own->count++] = one;
    }
  }
  free(items);
  free(accesses);
  return status;
}
