/* The NPU's cores: register state that outlives tasks, jobs and processes, and who is using a core. */
#ifndef NPU_SIM_CORES_H
#define NPU_SIM_CORES_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "pool.h"
#include "registers.h"

struct core {
  struct register_file registers;
  struct register_file planned; /* as the job being planned will leave them, once none of it is refused */
  bool busy;
  void *panel;                  /* the engine's scratch */
  size_t panel_bytes;
  struct task_work *tasks;      /* the job being planned and run */
  uint32_t task_capacity;
};

extern struct core cores[MAX_CORES];

/* Waits until all cores of a mask are idle and takes them together. 0, or -errno: they are not taken. */
int cores_acquire(uint32_t mask);
void cores_release(uint32_t mask);
/* Cores of a mask on which a job timed out: nothing runs on them until ACTION reset. */
uint32_t cores_hung(uint32_t mask);
void cores_hang(uint32_t mask);
/* ACTION reset: waits for running jobs; registers lose their values, hung cores run again. 0 or -errno. */
int cores_reset(void);
/* Room for a job's tasks on a core, and for what the engine needs at most for one of them. 0 or -ENOMEM. */
int core_reserve_tasks(struct core *core, uint32_t tasks);
int core_reserve_panel(struct core *core, size_t bytes);

#endif
