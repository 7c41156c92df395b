#include "stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct stats stats;

void stats_read(struct npu_sim_stats *out) {
#define READ(name) out->name = atomic_load_explicit(&stats.name, memory_order_relaxed);
  NPU_SIM_STATS(READ)
#undef READ
}

void stats_reset(void) {
  struct npu_sim_stats before;
  stats_read(&before);
#define ZERO(name) atomic_store_explicit(&stats.name, 0, memory_order_relaxed);
  NPU_SIM_STATS(ZERO)
#undef ZERO
  stats.live_buffers = before.live_buffers;
  stats.live_buffer_bytes = before.live_buffer_bytes;
  stats.peak_buffer_bytes = before.live_buffer_bytes;
  stats.live_mappings = before.live_mappings;
}

void stats_note_peak(void) {
  uint64_t live = stats.live_buffer_bytes, peak = stats.peak_buffer_bytes;
  while (live > peak && !atomic_compare_exchange_weak(&stats.peak_buffer_bytes, &peak, live)) continue;
}

/* `npu-sim --stats` sets NPU_SIM_STATS. A process that never opened the device (a shell that starts the
 * program) prints nothing. */
void stats_print_at_exit(void) {
  const char *wanted = getenv("NPU_SIM_STATS");
  if (!wanted || strcmp(wanted, "1") != 0 || stats.opens == 0) return;
  struct npu_sim_stats now;
  stats_read(&now);
  fprintf(stderr, "npu-sim: counters of process %ld\n", (long)getpid());
#define PRINT(name) fprintf(stderr, "npu-sim:   %-24s %llu\n", #name, (unsigned long long)now.name);
  NPU_SIM_STATS(PRINT)
#undef PRINT
}
