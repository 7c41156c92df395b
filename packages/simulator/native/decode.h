/* Register commands to register state: one word writes one register of one unit. */
#ifndef NPU_SIM_DECODE_H
#define NPU_SIM_DECODE_H

#include "cores.h"

/* Where in a job something is: part of every refusal. */
struct where {
  unsigned core;
  uint32_t task; /* index in the task array */
};

/* What a program's last four words left for the PC. */
struct trailer {
  uint32_t next_address; /* 0: nothing follows */
  uint32_t next_amount;  /* words of the next program = 2 * (amount + 1) */
  uint32_t enabled;      /* blocks started by the enable word; 0 when there was none */
};
enum { ENABLE_PC = 1 << 0, ENABLE_CNA = 1 << 2, ENABLE_DPU = 1 << 3, ENABLE_DPU_RDMA = 1 << 4 };
enum { ENABLE_MATMUL = ENABLE_PC | ENABLE_CNA | ENABLE_DPU };

/* `npu-sim: refused: <rule>: core 1, task 2: <text>`; returns -error. */
int refuse_task(struct where where, int error, const char *rule, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Applies a program's words to registers. 0 or -errno. */
int decode_program(struct where where, struct register_file *registers, const uint8_t *program, uint32_t words, struct trailer *trailer);

#endif
