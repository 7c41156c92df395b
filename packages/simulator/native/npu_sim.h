/* The simulated NPU as a library: the five calls of the vendor uAPI with libc's signatures (errno set), and
 * four about the simulation itself. */
#ifndef NPU_SIM_H
#define NPU_SIM_H

#include <stddef.h>
#include <sys/types.h>

#include "stats.h"

#define NPU_SIM_EXPORT __attribute__((visibility("default")))

/* Any path opens the device; flags: O_CLOEXEC is honoured. */
NPU_SIM_EXPORT int npu_sim_open(const char *path, int flags, ...);
NPU_SIM_EXPORT int npu_sim_close(int fd);
NPU_SIM_EXPORT int npu_sim_ioctl(int fd, unsigned long request, ...);
NPU_SIM_EXPORT void *npu_sim_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
NPU_SIM_EXPORT int npu_sim_munmap(void *address, size_t size);

/* Copies the counters, u64 each in the order of stats.h: at most size bytes, the rest of out zeroed. 0, or -1
 * with EINVAL for no room. */
NPU_SIM_EXPORT int npu_sim_stats(struct npu_sim_stats *out, size_t size);
NPU_SIM_EXPORT void npu_sim_reset_stats(void);
/* Puts a plan in force (README: configuration). Hardware items count for files opened from now on, faults at
 * once, counted from now. NULL or "": the defaults, whatever NPU_SIM says. -1 with EINVAL and a line for a bad item. */
NPU_SIM_EXPORT int npu_sim_configure(const char *plan);
/* "<rule>: <text>" of the last refusal, empty after npu_sim_configure. 0, or -1 with EINVAL for no room. */
NPU_SIM_EXPORT int npu_sim_last_refusal(char *out, size_t size);

#endif
