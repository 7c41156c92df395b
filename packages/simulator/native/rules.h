/* What the silicon would get wrong without a word, refused: from registers to a checked matmul. */
#ifndef NPU_SIM_RULES_H
#define NPU_SIM_RULES_H

#include "decode.h"

/* The DMA range [address, address + bytes) as host memory, or NULL after a refusal. what: field naming it. */
uint8_t *resolve_dma(struct where where, uint32_t domain, const char *what, uint64_t address, uint64_t bytes);

/* 0 or -errno. enabled: the blocks the trailer started. */
int matmul_from_registers(struct where where, const struct register_file *registers, uint32_t domain, uint32_t enabled, struct matmul *out);

#endif
