#include "cores.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "shared.h"
#include "stats.h"

struct core cores[MAX_CORES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t idle = PTHREAD_COND_INITIALIZER;
static _Atomic uint32_t hung; /* of a device that is not shared */

static bool all_idle(uint32_t mask) {
  for (unsigned i = 0; i < MAX_CORES; i++)
    if (mask >> i & 1 && cores[i].busy) return false;
  return true;
}

static void mark(uint32_t mask, bool busy) {
  for (unsigned i = 0; i < MAX_CORES; i++)
    if (mask >> i & 1) cores[i].busy = busy;
}

static void release_own(uint32_t mask) {
  pthread_mutex_lock(&lock);
  mark(mask, false);
  pthread_cond_broadcast(&idle);
  pthread_mutex_unlock(&lock);
}

int cores_acquire(uint32_t mask) {
  pthread_mutex_lock(&lock);
  while (!all_idle(mask)) pthread_cond_wait(&idle, &lock);
  mark(mask, true);
  pthread_mutex_unlock(&lock);
  int status = shared_is_joined() ? shared_acquire_cores(mask) : 0;
  if (status < 0) release_own(mask);
  return status;
}

void cores_release(uint32_t mask) {
  if (shared_is_joined()) shared_release_cores(mask);
  release_own(mask);
}

static void set_hung(uint32_t mask, bool now) {
  if (shared_is_joined()) shared_set_hung(mask, now);
  else if (now) atomic_fetch_or(&hung, mask);
  else atomic_fetch_and(&hung, ~mask);
}

uint32_t cores_hung(uint32_t mask) { return mask & (shared_is_joined() ? shared_hung_cores() : hung); }

void cores_hang(uint32_t mask) { set_hung(mask, true); }

int cores_reset(void) {
  uint32_t all = (1u << MAX_CORES) - 1;
  int status = cores_acquire(all);
  if (status < 0) return status;
  for (unsigned i = 0; i < MAX_CORES; i++) cores[i].registers = (struct register_file){0};
  set_hung(all, false);
  cores_release(all);
  stats_add(&stats.resets, 1);
  return 0;
}

int core_reserve_tasks(struct core *core, uint32_t tasks) {
  if (tasks <= core->task_capacity) return 0;
  struct task_work *grown = realloc(core->tasks, tasks * sizeof *grown);
  if (!grown) return -ENOMEM;
  core->tasks = grown;
  core->task_capacity = tasks;
  return 0;
}

int core_reserve_panel(struct core *core, size_t bytes) {
  if (bytes <= core->panel_bytes) return 0;
  size_t whole_lines = (bytes + 63) / 64 * 64;
  free(core->panel);
  core->panel = aligned_alloc(64, whole_lines);
  core->panel_bytes = core->panel ? whole_lines : 0;
  return core->panel ? 0 : -ENOMEM;
}
