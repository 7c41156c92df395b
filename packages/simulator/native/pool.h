/* Runs the tasks of a job's cores on host threads: the submitting one and helpers, one for each further core
 * as far as the host has processors. Tasks of a core run in order. A helper sleeps when no job comes for 0.15 ms. */
#ifndef NPU_SIM_POOL_H
#define NPU_SIM_POOL_H

#include "region.h"

enum outcome { OUTCOME_RESULT, OUTCOME_ZEROS, OUTCOME_STALE };

struct task_work {
  struct matmul matmul;
  struct region program;
  enum outcome outcome; /* what a healthy or a faulty core leaves */
};

struct core_work {
  struct task_work *tasks;
  uint32_t count;
  void *panel;
  /* Progress, the pool's. */
  uint32_t current, next_group, pending_groups;
  enum { NEEDS_PREPARING, PREPARING, READY } stage;
};

void pool_run(struct core_work *works, unsigned count, const struct engine *engine, unsigned threads);

#endif
