/* A core's share of a job: fetches the first program as the kernel tells the PC to and follows the chain. */
#ifndef NPU_SIM_CHAIN_H
#define NPU_SIM_CHAIN_H

#include "decode.h"
#include "uapi.h"

struct share {
  unsigned core;
  uint32_t start, count;  /* in the task array */
  uint8_t *array;         /* all of the array, as the device sees it */
};
static inline uint8_t *share_records(const struct share *share) { return share->array + (size_t)share->start * sizeof(struct uapi_task); }

/* Decodes and checks every task of a share into cores[core].tasks and .planned, running none. 0 or -errno. */
int chain_plan(const struct share *share, uint32_t domain);

#endif
