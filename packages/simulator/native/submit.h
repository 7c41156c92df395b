/* SUBMIT: checks a job as the driver does and more strictly, runs it, writes back what the driver writes back. */
#ifndef NPU_SIM_SUBMIT_H
#define NPU_SIM_SUBMIT_H

#include "device.h"
#include "uapi.h"

/* 0 or -errno. Call with device_lock held for reading. */
int submit(struct open_file *file, struct uapi_submit *job, const struct plan *plan);

/* Bytes moved since the traffic counters were cleared. */
struct traffic {
  uint64_t written, features, weights;
};
struct traffic traffic_read(void);
void traffic_clear(void);

#endif
