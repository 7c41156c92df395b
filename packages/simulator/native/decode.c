#include "decode.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "refuse.h"

enum { ENABLE_REGISTER = 0x08, ENABLE_KNOWN = ENABLE_MATMUL | ENABLE_DPU_RDMA };

int refuse_task(struct where where, int error, const char *rule, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return refuse(error, rule, "core %u, task %u: %s", where.core, where.task, text);
}

/* The field that the lowest stray bit most likely spilled out of: the nearest one below it. */
static const struct field_info *field_below(enum register_id reg, uint32_t stray) {
  const struct field_info *below = NULL;
  for (unsigned id = 0; id < FIELD_COUNT; id++) {
    const struct field_info *field = &field_table[id];
    if (field->reg != reg || field->low > __builtin_ctz(stray)) continue;
    if (!below || field->low > below->low) below = field;
  }
  return below;
}

static int write_register(struct where where, struct register_file *registers, uint32_t index, uint16_t unit, uint16_t offset, uint32_t value) {
  enum register_id id = register_at(offset);
  if (id == REGISTER_COUNT)
    return refuse_task(where, EINVAL, "unknown-register", "word %u writes register 0x%04x of unit 0x%04x: a matmul has no such register",
                       index, offset, unit);
  const struct register_info *reg = &register_table[id];
  if (reg->unit != unit)
    return refuse_task(where, EINVAL, "unit", "word %u writes %s %s (0x%04x) through unit 0x%04x, expected 0x%04x", index,
                       reg->unit_name, reg->name, offset, unit, reg->unit);
  uint32_t stray = value & ~reg->defined_bits;
  if (stray) {
    const struct field_info *field = field_below(id, stray);
    if (field)
      return refuse_task(where, EINVAL, "field-width", "%s %s (0x%04x) = 0x%08x: bits 0x%08x are in no field; %s is bits %u to %u",
                         reg->unit_name, reg->name, offset, value, stray, field->name, field->low, field->low + field->width - 1u);
    return refuse_task(where, EINVAL, "field-width", "%s %s (0x%04x) = 0x%08x: bits 0x%08x are in no field, expected 0",
                       reg->unit_name, reg->name, offset, value, stray);
  }
  registers->values[id] = value;
  registers->written[id] = registers->written_by_program[id] = true;
  return 0;
}

static int enable_blocks(struct where where, uint32_t index, uint16_t offset, uint32_t value, struct trailer *trailer) {
  if (offset != ENABLE_REGISTER)
    return refuse_task(where, EINVAL, "trailer", "word %u: unit 0x0081 with register 0x%02x, expected 0x08", index, offset);
  if (value & ~(uint32_t)ENABLE_KNOWN)
    return refuse_task(where, EINVAL, "enable-mask", "word %u enables blocks 0x%02x, expected 0x0d (PC, CNA, DPU) or 0x1d (and DPU_RDMA)",
                       index, value);
  trailer->enabled = value;
  return 0;
}

int decode_program(struct where where, struct register_file *registers, const uint8_t *program, uint32_t words, struct trailer *trailer) {
  *trailer = (struct trailer){0};
  memset(registers->written_by_program, 0, sizeof registers->written_by_program);
  registers->values[REG_PC_BASE_ADDRESS] = 0;
  registers->values[REG_PC_REGISTER_AMOUNTS] = 0;
  bool amounts = false, barrier = false, started = false;
  for (uint32_t index = 0; index < words; index++) {
    uint64_t word;
    memcpy(&word, program + (size_t)index * 8, sizeof word);
    uint16_t unit = (uint16_t)(word >> 48), offset = (uint16_t)word;
    uint32_t value = (uint32_t)(word >> 16);
    if (word == 0) continue; /* filler */
    if (started)
      return refuse_task(where, EINVAL, "trailer", "word %u (0x%016llx) comes after the enable word, where only filler may",
                         index, (unsigned long long)word);
    int status = 0;
    if (unit == UNIT_BARRIER) {
      if (value || offset)
        return refuse_task(where, EINVAL, "trailer", "word %u: unit 0x0041 with register 0x%x and value 0x%x, expected 0 and 0",
                           index, offset, value);
      barrier = true;
    } else if (unit == UNIT_ENABLE) {
      status = enable_blocks(where, index, offset, value, trailer);
      started = true;
    } else {
      amounts |= unit == UNIT_PC && offset == 0x14;
      status = write_register(where, registers, index, unit, offset, value);
    }
    if (status < 0) return status;
  }
  if (started && !(amounts && barrier))
    return refuse_task(where, EINVAL, "trailer", "the program has no %s before its enable word",
                       amounts ? "0x0041 word" : "PC REGISTER_AMOUNTS (0x14)");
  trailer->next_address = registers->values[REG_PC_BASE_ADDRESS];
  trailer->next_amount = registers->values[REG_PC_REGISTER_AMOUNTS];
  return 0;
}
