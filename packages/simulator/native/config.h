/* The plan: what hardware is simulated and what goes wrong with it. From the environment (NPU_SIM) or from
 * npu_sim_configure; one parser for both. */
#ifndef NPU_SIM_CONFIG_H
#define NPU_SIM_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"

enum { MAX_CORES = 3, MAX_NODES = 4, NODE_PATH_BYTES = 108, SHARED_PATH_BYTES = 200, MAX_FAULTS = 64, MAX_STUCK_BITS = 8 };

/* Calls a fault can be planned for; names in config.c. */
enum call_kind {
  CALL_OPEN,
  CALL_VERSION,
  CALL_ACTION,
  CALL_SUBMIT,
  CALL_ALLOC,
  CALL_MAP,
  CALL_MMAP,
  CALL_DESTROY,
  CALL_SYNC,
  CALL_MUNMAP,
  CALL_CLOSE,
  CALL_KINDS
};

/* Exit status of a process with NPU_SIM_CHECK whose plan is bad (npu-sim.ts). */
enum { NPU_SIM_BAD_PLAN = 2 };

/* What an open file keeps of the plan that was in force when it was opened. */
struct hardware {
  unsigned cores;
  uint32_t driver_version; /* major * 10000 + minor * 100 + patch */
  uint64_t cma_bytes;
  uint64_t window_bytes;
  bool iommu;
};

struct planned_fault {
  enum call_kind kind;
  uint64_t first, last; /* calls from 1 on; one that fails once has both the same */
  int error;
  bool hangs; /* "timeout": leaves the cores waiting for a reset */
};

struct stuck_bit {
  uint64_t offset; /* bytes from a task's DST_BASE_ADDR */
  unsigned bit;
};

struct plan {
  struct hardware hardware;
  char nodes[MAX_NODES][NODE_PATH_BYTES];
  unsigned node_count;
  char shared[SHARED_PATH_BYTES]; /* the file of a device that processes share; empty: this process's own */
  bool log;
  unsigned threads; /* 0: as many as the job has cores and the host has processors */
  enum engine_kind engine;
  uint64_t poison_bytes; /* buffers up to this size start as NaNs, larger ones as zeros */
  bool short_heights;
  uint32_t dead_cores, zero_cores, stale_cores; /* bit masks */
  struct stuck_bit stuck_bits[MAX_STUCK_BITS];
  unsigned stuck_bit_count;
  struct planned_fault faults[MAX_FAULTS];
  unsigned fault_count;
  uint64_t gone_at[CALL_KINDS]; /* by kind, the call at which the device disappears; 0: at none */
};

/* What is simulated when nobody says anything. */
extern const struct plan plan_defaults;
/* Parses a plan over the defaults. On failure says which item is bad and returns -EINVAL. */
int plan_parse(const char *text, struct plan *out);

/* Puts a plan in force (NULL or "": the defaults) and restarts the counting of calls. */
int config_set(const char *text);
/* The plan in force; the first call reads the environment. -EBADMSG when that is bad: no planned fault has that errno. */
int config_get(struct plan *out);
bool config_log_enabled(void);
/* Whether a path is one of the device nodes. Cheap: called for every open of a preloaded program. */
bool config_is_node(const char *path);

#endif
