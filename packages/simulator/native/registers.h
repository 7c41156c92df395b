/* The registers a program writes, as data: unit, offset, fields with their widths, and the value of every
 * field that a matmul leaves at one setting. Names and bit positions: Mesa's register description for
 * its rocket driver (src/gallium/drivers/rocket/registers.xml), which follows the RK3588 TRM, chapter 36. Decoding,
 * the rules and the text of refusals all read this table. */
#ifndef NPU_SIM_REGISTERS_H
#define NPU_SIM_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

enum unit { UNIT_PC = 0x0101, UNIT_CNA = 0x0201, UNIT_CORE = 0x0801, UNIT_DPU = 0x1001, UNIT_DPU_RDMA = 0x2001 };
/* Control words of the trailer. */
enum { UNIT_BARRIER = 0x0041, UNIT_ENABLE = 0x0081 };

enum { FREE = -1 }; /* any value that fits: judged by a rule, or (burst lengths) without effect on the result */

#include "register-table.h"

#define NOTHING(...)
enum register_id {
#define REGISTER_ID(unit, offset, name) REG_##unit##_##name,
  NPU_REGISTERS(REGISTER_ID, NOTHING)
#undef REGISTER_ID
  REGISTER_COUNT
};

enum field_id {
#define FIELD_ID(unit, reg, name, low, width, fixed) unit##_##reg##_##name,
  NPU_REGISTERS(NOTHING, FIELD_ID)
#undef FIELD_ID
  FIELD_COUNT
};

struct register_info {
  const char *unit_name;
  const char *name;
  uint16_t unit;
  uint16_t offset;
  /* Of all fields together, filled in when the library is loaded: */
  uint32_t defined_bits;
  uint32_t fixed_bits, fixed_value; /* those with one setting, and it */
};

struct field_info {
  const char *name;
  enum register_id reg;
  uint8_t low, width;
  int64_t fixed;
};

extern const struct field_info field_table[FIELD_COUNT];

/* A core's registers. Values outlive tasks, jobs and processes; a program may not rely on that. */
struct register_file {
  uint32_t values[REGISTER_COUNT];
  bool written[REGISTER_COUNT];            /* since power-on or reset */
  bool written_by_program[REGISTER_COUNT]; /* by the program decoded last */
};

extern struct register_info register_table[REGISTER_COUNT];

/* Word offsets of pages 0x0000 to 0x5fff, to register id + 1. */
enum { REGISTER_WORDS = 0x6000 / 4 };
extern uint8_t register_by_word[REGISTER_WORDS];

/* The register at an offset, or REGISTER_COUNT. */
static inline enum register_id register_at(uint16_t offset) {
  if (offset % 4 != 0 || offset / 4 >= REGISTER_WORDS || register_by_word[offset / 4] == 0) return REGISTER_COUNT;
  return (enum register_id)(register_by_word[offset / 4] - 1);
}

static inline uint32_t field_mask(enum field_id id) {
  const struct field_info *field = &field_table[id];
  return (uint32_t)(((uint64_t)1 << field->width) - 1) << field->low;
}

static inline uint32_t field_value(const struct register_file *registers, enum field_id id) {
  return (registers->values[field_table[id].reg] & field_mask(id)) >> field_table[id].low;
}

#endif
