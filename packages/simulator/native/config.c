/* Which plan is in force, for all threads. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct plan current;
static bool loaded;
static int load_status;
static _Atomic bool log_enabled = true; /* apart from the lock: refusals ask while others hold it */

static void put_in_force(const struct plan *plan) {
  current = *plan;
  log_enabled = plan->log;
}

/* Call with the lock held. */
static void load_from_environment(void) {
  if (loaded) return;
  loaded = true;
  struct plan plan = plan_defaults;
  load_status = plan_parse(getenv("NPU_SIM"), &plan) < 0 ? -EBADMSG : 0;
  put_in_force(&plan);
}

int config_set(const char *text) {
  struct plan plan;
  int status = plan_parse(text, &plan);
  if (status < 0) return status;
  pthread_mutex_lock(&lock);
  loaded = true;
  load_status = 0;
  put_in_force(&plan);
  pthread_mutex_unlock(&lock);
  faults_restart_counting();
  return 0;
}

int config_get(struct plan *out) {
  pthread_mutex_lock(&lock);
  load_from_environment();
  *out = current;
  int status = load_status;
  pthread_mutex_unlock(&lock);
  return status;
}

bool config_log_enabled(void) { return log_enabled; }

bool config_is_node(const char *path) {
  if (!path || path[0] != '/') return false;
  pthread_mutex_lock(&lock);
  load_from_environment();
  bool ours = false;
  for (unsigned i = 0; i < current.node_count && !ours; i++) ours = strcmp(path, current.nodes[i]) == 0;
  pthread_mutex_unlock(&lock);
  return ours;
}
