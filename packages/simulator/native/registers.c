#include "registers.h"

struct register_info register_table[REGISTER_COUNT] = {
#define REGISTER_INFO(unit, offset, name) {#unit, #name, UNIT_##unit, offset, 0, 0, 0},
    NPU_REGISTERS(REGISTER_INFO, NOTHING)
#undef REGISTER_INFO
};

const struct field_info field_table[FIELD_COUNT] = {
#define FIELD_INFO(unit, reg, name, low, width, fixed) {#name, REG_##unit##_##reg, low, width, fixed},
    NPU_REGISTERS(NOTHING, FIELD_INFO)
#undef FIELD_INFO
};

uint8_t register_by_word[REGISTER_WORDS];
_Static_assert(REGISTER_COUNT < 255, "a register id fits a byte");

/* Before any thread can ask: a job asks hundreds of times. */
__attribute__((constructor)) static void fill_in(void) {
  for (unsigned id = 0; id < FIELD_COUNT; id++) {
    const struct field_info *field = &field_table[id];
    struct register_info *reg = &register_table[field->reg];
    reg->defined_bits |= field_mask(id);
    if (field->fixed == FREE) continue;
    reg->fixed_bits |= field_mask(id);
    reg->fixed_value |= (uint32_t)field->fixed << field->low;
  }
  for (unsigned id = 0; id < REGISTER_COUNT; id++) register_by_word[register_table[id].offset / 4] = (uint8_t)(id + 1);
}
