/* The NPU's cores: register state that outlives tasks, jobs and processes, and who is using a core. */
#ifndef NPU_SIM_CORES_H
#define NPU_SIM_CORES_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "pool.h"
#include "registers.h"

struct core {
  uint32_t values[REGISTER_COUNT];
  bool written[REGISTER_COUNT]; /* since power-on or reset */
  bool hung;                    /* a job timed out: nothing runs until ACTION reset */
  bool busy;
  void *panel;                  /* the engine's scratch */
  struct task_work *tasks;      /* the job being planned and run */
  uint32_t task_capacity;
};

extern struct core cores[MAX_CORES];

/* Waits until all cores of a mask are idle and takes them together. */
void cores_acquire(uint32_t mask);
void cores_release(uint32_t mask);
/* ACTION reset: waits for running jobs; registers lose their values, hung cores run again. */
void cores_reset(void);
/* Room for a job's tasks and scratch on a core. 0 or -ENOMEM. */
int core_reserve(struct core *core, uint32_t tasks);

#endif
