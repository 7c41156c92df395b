#include "registers.h"

#include <pthread.h>

static struct register_info registers[REGISTER_COUNT] = {
#define REGISTER_INFO(unit, offset, name) {#unit, #name, UNIT_##unit, offset, 0},
    NPU_REGISTERS(REGISTER_INFO, NOTHING)
#undef REGISTER_INFO
};

const struct field_info field_table[FIELD_COUNT] = {
#define FIELD_INFO(unit, reg, name, low, width, fixed) {#name, REG_##unit##_##reg, low, width, fixed},
    NPU_REGISTERS(NOTHING, FIELD_INFO)
#undef FIELD_INFO
};

/* Word offsets of pages 0x0000 to 0x5fff, to register id + 1. */
enum { WORDS = 0x6000 / 4 };
static uint8_t by_offset[WORDS];
_Static_assert(REGISTER_COUNT < 255, "a register id fits a byte");

static void fill_in(void) {
  for (unsigned id = 0; id < FIELD_COUNT; id++) registers[field_table[id].reg].defined_bits |= field_mask(id);
  for (unsigned id = 0; id < REGISTER_COUNT; id++) by_offset[registers[id].offset / 4] = (uint8_t)(id + 1);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

const struct register_info *register_table(void) {
  pthread_once(&once, fill_in);
  return registers;
}

enum register_id register_at(uint16_t offset) {
  pthread_once(&once, fill_in);
  if (offset % 4 != 0 || offset / 4 >= WORDS || by_offset[offset / 4] == 0) return REGISTER_COUNT;
  return by_offset[offset / 4] - 1;
}
