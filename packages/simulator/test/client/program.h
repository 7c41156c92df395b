/* For the C clients of the tests: one FP16 task's register program, written from the TRM's registers and
 * sharing nothing with the simulator. */
#ifndef TEST_PROGRAM_H
#define TEST_PROGRAM_H

#include <stdint.h>

enum { PROGRAM_WORDS = 108 };

static inline uint64_t command(unsigned unit, uint32_t value, unsigned reg) {
  return (uint64_t)unit << 48 | (uint64_t)value << 16 | reg;
}

/* next: address of the next program of the chain, 0 for the last. Returns the number of words. */
static inline unsigned fp16_program(uint64_t *out, uint32_t m, uint32_t k, uint32_t n, uint32_t a, uint32_t b, uint32_t c,
                                    int fp16_output, uint32_t next) {
  enum { CNA = 0x0201, CORE = 0x0801, DPU = 0x1001 };
  uint64_t *p = out;
  uint32_t banks = (m * k * 2 + 32767) / 32768, e = fp16_output ? 1 : 3, q = fp16_output ? 2 : 5;
  int32_t surface = 4 * ((int32_t)(m / 4) - 1);
  if (surface < 0) surface += 1;
#define W(unit, reg, value) *p++ = command(unit, (uint32_t)(value), reg)
  W(DPU, 0x4004, 0xe);
  W(CNA, 0x100c, 2 << 7 | 2 << 4);
  W(CNA, 0x1010, (m + 1) << 4);
  W(CNA, 0x1014, 9);
  W(CNA, 0x1020, 1 << 16 | m);
  W(CNA, 0x1024, (k - 1) << 16 | k);
  W(CNA, 0x1028, 1);
  W(CNA, 0x102c, m);
  W(CNA, 0x1030, k * n * 2);
  W(CNA, 0x1034, k * 2);
  W(CNA, 0x1038, 1 << 24 | 1 << 16 | n);
  W(CNA, 0x1040, (12 - banks) << 4 | banks);
  W(CNA, 0x1044, (k + 31) / 32);
  W(CNA, 0x104c, 0xb);
  for (unsigned i = 0; i < 4; i++) W(CNA, 0x1050 + 4 * i, 1 << 16);
  for (unsigned i = 0; i < 3; i++) W(CNA, 0x1060 + 4 * i, 0);
  W(CNA, 0x1070, a);
  W(CNA, 0x1074, 0);
  W(CNA, 0x1078, 15 << 16 | 15);
  W(CNA, 0x107c, 4);
  W(CNA, 0x1080, surface & 0x0fffffff);
  W(CNA, 0x1084, 1 << 16 | m);
  W(CNA, 0x1088, k);
  W(CNA, 0x1100, 0);
  W(CNA, 0x1104, 0);
  W(CNA, 0x1110, b);
  for (unsigned i = 0; i < 16; i++) W(CNA, 0x1140 + 4 * i, 0);
  W(CNA, 0x1180, 0);
  W(CNA, 0x1184, 0);
  W(CORE, 0x3010, 2 << 8 | 1);
  W(CORE, 0x3014, (m - 1) << 16);
  W(CORE, 0x3018, n - 1);
  W(CORE, 0x301c, 0);
  W(CORE, 0x3030, 0);
  W(DPU, 0x400c, 15 << 5 | 2 << 1);
  W(DPU, 0x4010, q << 29 | 2 << 26 | 2);
  W(DPU, 0x4014, 0);
  W(DPU, 0x4020, c);
  W(DPU, 0x4024, m << 4);
  W(DPU, 0x4030, 0);
  W(DPU, 0x4034, m - 1);
  W(DPU, 0x4038, 0);
  W(DPU, 0x403c, (n - 1) << 16 | (n - 1));
  W(DPU, 0x4040, 0x53);
  for (unsigned i = 0; i < 3; i++) W(DPU, 0x4044 + 4 * i, 0);
  W(DPU, 0x4050, e << 8 | e << 5 | e << 2 | 2);
  W(DPU, 0x4054, 0);
  W(DPU, 0x4058, n - 1);
  W(DPU, 0x405c, (m - 1) << 16);
  W(DPU, 0x4060, 0x53);
  for (unsigned i = 0; i < 3; i++) W(DPU, 0x4064 + 4 * i, 0);
  W(DPU, 0x4070, 0x383);
  W(DPU, 0x4074, 0);
  W(DPU, 0x4078, 1);
  W(DPU, 0x407c, 0);
  W(DPU, 0x4080, 0);
  W(DPU, 0x4084, (fp16_output ? 1 << 16 : 0) | 1);
  W(DPU, 0x4088, 0);
  for (unsigned i = 0; i < 8; i++) W(DPU, 0x4090 + 4 * i, 0);
  W(DPU, 0x40c0, (fp16_output ? m * 2 : m * 4) << 4);
  W(DPU, 0x40c4, 0);
  for (unsigned i = 0; i < 12; i++) W(DPU, 0x4100 + 4 * i, 0);
  *p++ = next ? command(0x0101, next, 0x10) : 0;
  W(0x0101, 0x14, next ? (PROGRAM_WORDS + 1) / 2 - 1 : 0);
  W(0x0041, 0, 0);
  W(0x0081, 0x08, 0x0d);
#undef W
  return (unsigned)(p - out);
}

#endif
