/* Counters of what the device did. The order of the fields is the order in npu_sim_stats' output: new ones
 * go to the end. src/stats.ts lists the same names. */
#ifndef NPU_SIM_STATS_H
#define NPU_SIM_STATS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define NPU_SIM_STATS(FIELD)  \
  FIELD(opens)                \
  FIELD(closes)               \
  FIELD(ioctls)               \
  FIELD(submits)              \
  FIELD(tasks)                \
  FIELD(macs)                 \
  FIELD(feature_bytes_read)   \
  FIELD(weight_bytes_read)    \
  FIELD(program_bytes_read)   \
  FIELD(bytes_read)           \
  FIELD(bytes_written)        \
  FIELD(syncs_to_device)      \
  FIELD(sync_bytes_to_device) \
  FIELD(syncs_from_device)    \
  FIELD(sync_bytes_from_device) \
  FIELD(allocations)          \
  FIELD(live_buffers)         \
  FIELD(live_buffer_bytes)    \
  FIELD(peak_buffer_bytes)    \
  FIELD(leaked_buffers)       \
  FIELD(leaked_buffer_bytes)  \
  FIELD(live_mappings)        \
  FIELD(refusals)             \
  FIELD(timeouts)             \
  FIELD(faults_injected)      \
  FIELD(resets)               \
  FIELD(busy_nanoseconds)

struct npu_sim_stats {
#define STATS_MEMBER(name) uint64_t name;
  NPU_SIM_STATS(STATS_MEMBER)
#undef STATS_MEMBER
};

struct stats {
#define STATS_COUNTER(name) _Atomic uint64_t name;
  NPU_SIM_STATS(STATS_COUNTER)
#undef STATS_COUNTER
};

extern struct stats stats;

static inline void stats_add(_Atomic uint64_t *counter, uint64_t amount) {
  atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}
static inline void stats_subtract(_Atomic uint64_t *counter, uint64_t amount) {
  atomic_fetch_sub_explicit(counter, amount, memory_order_relaxed);
}

void stats_read(struct npu_sim_stats *out);
/* Zeroes what counts events; what is live stays live, and the peak restarts from it. */
void stats_reset(void);
void stats_note_peak(void);
void stats_print_at_exit(void);

#endif
