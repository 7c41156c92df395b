#include "chain.h"

#include <errno.h>
#include <string.h>

#include "rules.h"
#include "stats.h"

enum { WORD_BYTES = 8, MAX_PROGRAM_WORDS = 2 * 65536 };

static uint32_t round_up_to_even(uint32_t words) { return words + (words & 1); }

/* The record must name the program that the PC goes to: the kernel reads only the first record's address. */
static int check_link(struct where where, const struct trailer *before, const struct uapi_task *task, uint32_t words) {
  if (before->next_address == 0)
    return refuse_task(where, EINVAL, "unchained", "the program before ends the chain (no PC BASE_ADDRESS in its trailer), expected it to lead to 0x%llx",
                       (unsigned long long)task->regcmd_addr);
  if (before->next_address != task->regcmd_addr)
    return refuse_task(where, EINVAL, "unchained", "PC BASE_ADDRESS (0x10) of the program before = 0x%x, expected regcmd_addr 0x%llx of this task's record",
                       before->next_address, (unsigned long long)task->regcmd_addr);
  uint32_t amount = words / 2 - 1;
  if (before->next_amount != amount)
    return refuse_task(where, EINVAL, "chain-amount", "PC REGISTER_AMOUNTS (0x14) of the program before = %u, expected %u for the %u words of this task's record",
                       before->next_amount, amount, words);
  return 0;
}

static int check_enabled(struct where where, const struct trailer *trailer, const struct uapi_task *task, uint32_t words) {
  if ((trailer->enabled & ENABLE_MATMUL) != ENABLE_MATMUL)
    return refuse_task(where, ETIMEDOUT, "never-enables", "the %u words fetched enable blocks 0x%02x, expected 0x0d (PC, CNA, DPU): the job would never finish",
                       words, trailer->enabled);
  if (task->enable_mask != trailer->enabled)
    return refuse_task(where, EINVAL, "enable-mask", "enable_mask of the task record = 0x%x, expected 0x%x as the program's trailer", task->enable_mask,
                       trailer->enabled);
  return 0;
}

static int check_end(struct where where, const struct trailer *trailer, const struct uapi_task *last, uint32_t count) {
  if (trailer->next_address || trailer->next_amount)
    return refuse_task(where, EINVAL, "chain-end", "the last of %u tasks leads on: PC BASE_ADDRESS (0x10) = 0x%x, REGISTER_AMOUNTS (0x14) = %u, expected 0 and 0",
                       count, trailer->next_address, trailer->next_amount);
  if (last->int_mask != INT_DPU)
    return refuse_task(where, ETIMEDOUT, "interrupt-mask", "int_mask of the last task record = 0x%x, expected 0x300 (the DPU's): the interrupt waited for never comes",
                       last->int_mask);
  return 0;
}

static int plan_task(struct where where, const struct uapi_task *task, uint32_t words, uint32_t domain, struct trailer *trailer,
                     struct task_work *out) {
  struct register_file *registers = &cores[where.core].planned;
  const uint8_t *program = resolve_dma(where, domain, "regcmd_addr of the task record", task->regcmd_addr, (uint64_t)words * WORD_BYTES);
  if (!program) return -EINVAL;
  out->program = one_piece(program, (uint64_t)words * WORD_BYTES);
  stats_add(&stats.program_bytes_read, (uint64_t)words * WORD_BYTES);
  int status = decode_program(where, registers, program, words, trailer);
  if (status == 0) status = check_enabled(where, trailer, task, words);
  if (status == 0) status = matmul_from_registers(where, registers, domain, trailer->enabled, &out->matmul);
  return status;
}

int chain_plan(const struct share *share, uint32_t domain) {
  struct trailer trailer = {0};
  cores[share->core].planned = cores[share->core].registers;
  for (uint32_t i = 0; i < share->count; i++) {
    struct where where = {share->core, share->start + i};
    struct uapi_task task;
    memcpy(&task, share_records(share) + i * sizeof task, sizeof task);
    if (task.regcfg_amount > MAX_PROGRAM_WORDS - PC_DATA_EXTRA_AMOUNT)
      return refuse_task(where, EINVAL, "program-length", "regcfg_amount of the task record = %u, expected at most %u", task.regcfg_amount,
                         MAX_PROGRAM_WORDS - PC_DATA_EXTRA_AMOUNT);
    uint32_t words = round_up_to_even(task.regcfg_amount + PC_DATA_EXTRA_AMOUNT);
    int status = i > 0 ? check_link(where, &trailer, &task, words) : 0;
    struct task_work *work = &cores[share->core].tasks[i];
    *work = (struct task_work){0};
    if (status == 0) status = plan_task(where, &task, words, domain, &trailer, work);
    if (status == 0 && i + 1 == share->count) status = check_end(where, &trailer, &task, share->count);
    if (status < 0) return status;
    /* Integer accumulators are not cleared between the tasks of a kick (reported). */
    if (i > 0 && work->matmul.in == PRECISION_INT8 && work[-1].matmul.in == PRECISION_INT8)
      work->matmul.accumulate_onto = &work[-1].matmul;
  }
  return 0;
}
