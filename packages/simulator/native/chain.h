/* A core's share of a job: fetches the first program as the kernel tells the PC to and follows the chain. */
#ifndef NPU_SIM_CHAIN_H
#define NPU_SIM_CHAIN_H

#include "decode.h"
#include "uapi.h"

struct share {
  unsigned core;
  uint32_t start, count;  /* in the task array */
  uint8_t *records;       /* the whole array, as the kernel sees it */
};

/* Decodes and checks every task of a share into cores[core].tasks, running none. 0 or -errno. */
int chain_plan(const struct share *share, uint32_t domain);

void read_task(const uint8_t *records, uint32_t index, struct uapi_task *out);

#endif
