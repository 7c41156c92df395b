/* Random programs and ioctls against the decoder, for sanitizers to watch: nothing may crash or touch memory
 * outside the buffers. Most programs are good ones with a few words changed, so that the rules behind the first
 * ones are reached too.  fuzz [iterations] [seed] */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../../native/npu_sim.h"
#include "../client/program.h"
#include "../client/uapi.h"

enum { BUFFERS = 6, TASKS = 8, SLOT_WORDS = 128 };

static uint64_t state;
static uint32_t any(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t)(state >> 16);
}
static uint32_t below(uint32_t limit) { return any() % limit; }

struct buffer { struct npu_create created; uint8_t *data; };
static struct buffer buffers[BUFFERS];
static int fd;

static int make(struct buffer *b, uint64_t size, uint32_t flags) {
  *b = (struct buffer){.created = {.size = size, .flags = flags}};
  if (npu_sim_ioctl(fd, NPU_CREATE, &b->created)) return -1;
  struct npu_map map = {.handle = b->created.handle};
  if (npu_sim_ioctl(fd, NPU_MAP, &map)) abort();
  b->data = npu_sim_mmap(NULL, b->created.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)map.offset);
  if (b->data == MAP_FAILED) abort();
  return 0;
}

static void unmake(struct buffer *b) {
  struct npu_destroy gone = {.handle = b->created.handle};
  if (npu_sim_munmap(b->data, b->created.size) || npu_sim_ioctl(fd, NPU_DESTROY, &gone)) abort();
}

static uint32_t some_address(unsigned usual) {
  const struct buffer *b = &buffers[below(16) ? usual : below(BUFFERS)];
  switch (below(24)) {
    case 0: return any();
    case 1: return (uint32_t)(b->created.dma_addr + b->created.size) - 16 * below(64);
    case 2: return (uint32_t)b->created.dma_addr + below(4096);
    default: return (uint32_t)b->created.dma_addr + 16 * below(256);
  }
}

/* int8 programs are fp16 ones with the words that differ. */
static void make_int8(uint64_t *words, uint32_t m, uint32_t k, uint32_t n) {
  for (unsigned i = 0; i < PROGRAM_WORDS; i++) {
    unsigned unit = (unsigned)(words[i] >> 48), reg = words[i] & 0xffff;
    switch (reg) {
      case 0x100c: words[i] = command(unit, 0, reg); break;
      case 0x1030: words[i] = command(unit, k * n, reg); break;
      case 0x1034: words[i] = command(unit, k, reg); break;
      case 0x1044: words[i] = command(unit, (k + 63) / 64, reg); break;
      case 0x3010: words[i] = command(unit, 0, reg); break;
      case 0x4010: words[i] = command(unit, 4u << 29, reg); break;
      case 0x4050: words[i] = command(unit, 7 << 8 | 7 << 5 | 7 << 2 | 2, reg); break;
      case 0x40c0: words[i] = command(unit, (m * 8) << 4, reg); break;
      default: break;
    }
  }
}

static void change_words(uint64_t *words) {
  for (uint32_t changes = below(3) ? 0 : 1 + below(3); changes > 0; changes--) {
    uint64_t *word = &words[below(PROGRAM_WORDS)];
    switch (below(5)) {
      case 0: *word = (uint64_t)any() << 32 | any(); break;
      case 1: *word ^= 1ull << below(64); break;
      case 2: *word ^= 1ull << (16 + below(32)); break;
      case 3: *word = 0; break;
      default: *word = words[below(PROGRAM_WORDS)]; break;
    }
  }
}

/* Mostly small; now and then any M, with a K up to the widest that 11 banks hold. */
static void some_shape(uint32_t *m, uint32_t *k, uint32_t *n) {
  static const uint32_t rows[] = {1, 4, 8, 12, 20, 64, 68, 2, 1020, 1024};
  *m = rows[below(8) ? below(7) : below(10)], *k = 32 * (1 + below(6)), *n = 32 * (1 + below(4));
  if (below(12)) return;
  *m = 4 * (1 + below(below(2) ? 255 : 32));
  uint32_t widest = 11 * 32768 / 2 / *m / 32;
  if (widest > 512) widest = 512;
  *k = 32 * (below(2) ? widest : 1 + below(widest));
  *n = below(4) ? 16 : 32;
}

/* count tasks, chained in shares of so many. */
static void write_tasks(uint32_t count, uint32_t share) {
  struct buffer *programs = &buffers[0], *tasks = &buffers[1];
  for (uint32_t i = 0; i < count; i++) {
    uint64_t *words = (uint64_t *)programs->data + i * SLOT_WORDS;
    uint32_t m, k, n;
    some_shape(&m, &k, &n);
    uint32_t next = (i + 1) % share ? (uint32_t)programs->created.dma_addr + (i + 1) * SLOT_WORDS * 8 : 0;
    memset(words, 0, SLOT_WORDS * 8);
    int fp16_output = (int)below(2);
    /* Mostly apart, or jobs of several cores would nearly all be refused. */
    uint32_t result = below(4) ? (uint32_t)buffers[3].created.dma_addr + i * 40960 : some_address(3);
    fp16_program(words, m, k, n, some_address(2) & ~15u, some_address(4) & ~15u, result & ~15u, fp16_output, next);
    if (!fp16_output && below(3) == 0) make_int8(words, m, k, n);
    change_words(words);
    struct npu_task task = {.enable_mask = 0x0d, .int_mask = 0x300, .regcfg_amount = PROGRAM_WORDS - 4,
                            .regcmd_addr = programs->created.dma_addr + i * SLOT_WORDS * 8};
    if (below(20) == 0) ((uint8_t *)&task)[below(sizeof task)] ^= (uint8_t)(1u << below(8));
    memcpy(tasks->data + i * sizeof task, &task, sizeof task);
  }
}

static void random_submit(void) {
  static const uint32_t masks[] = {0, 1, 2, 4, 3, 7};
  uint32_t mask = masks[below(6)], share = 1 + below(2), start = 0;
  struct npu_submit job = {.flags = 5, .timeout_ms = 1000, .task_obj_addr = buffers[1].created.obj_addr, .core_mask = mask, .fence_fd = -1};
  for (unsigned core = 0; core < 3; core++) {
    if (!((mask ? mask : 1) >> core & 1)) continue;
    job.subcore[mask == 7 ? core + 2 : core] = (struct npu_subcore){start, share};
    start += share;
  }
  job.task_number = start;
  write_tasks(start, share);
  if (below(10) == 0) ((uint8_t *)&job)[below(sizeof job)] ^= (uint8_t)(1u << below(8));
  if (npu_sim_ioctl(fd, NPU_SUBMIT, &job)) {
    struct npu_action reset = {.action = 6};
    npu_sim_ioctl(fd, NPU_ACTION, &reset);
  }
}

static void random_ioctl(void) {
  uint8_t bytes[4096];
  for (unsigned i = 0; i < 128; i++) bytes[i] = below(3) ? 0 : (uint8_t)any();
  static const unsigned long known[] = {NPU_ACTION, NPU_SUBMIT, NPU_CREATE, NPU_SYNC, NPU_MAP, NPU_DESTROY};
  unsigned long request = below(4) ? known[below(6)] : any();
  if (request == NPU_DESTROY || (request & 0xff) == 0x09) memset(bytes, 0xff, 4); /* ours stay */
  if ((request & 0xff) == 0) return;                                              /* VERSION has pointers */
  if (request == NPU_CREATE && below(4)) memset(bytes + 12, 0, 8);
  if (request == NPU_SYNC) memcpy(bytes + 8, &buffers[below(BUFFERS)].created.obj_addr, 8);
  if (npu_sim_ioctl(fd, request, bytes) == 0 && (request & 0xff) == 0x42) {
    struct npu_destroy gone;
    memcpy(&gone.handle, bytes, 4);
    npu_sim_ioctl(fd, NPU_DESTROY, &gone);
  }
}

int main(int argc, char **argv) {
  uint32_t iterations = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 20000;
  state = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
  state = state * 0x9e3779b97f4a7c15ull | 1;
  if (npu_sim_configure("log=0") || (fd = npu_sim_open("/dev/dri/card1", O_RDWR)) < 0) return 1;
  static const char *const engines[] = {"log=0,engine=portable", "log=0,engine=avx2", "log=0,engine=avx512", "log=0,engine=neon"};
  static const uint32_t flags[BUFFERS] = {4, 8, 4, 2, 2, 0}, pages[BUFFERS] = {8, 1, 96, 64, 160, 3};
  for (unsigned i = 0; i < BUFFERS; i++)
    if (make(&buffers[i], pages[i] * 4096u, flags[i])) return 1;
  for (uint32_t i = 0; i < iterations; i++) {
    if (below(4)) random_submit();
    else random_ioctl();
    if (below(100) == 0) npu_sim_configure(engines[below(4)]); /* refused: this machine has not got it */
    if (below(50) == 0) {
      unsigned which = 2 + below(BUFFERS - 2);
      unmake(&buffers[which]);
      if (make(&buffers[which], (1 + below(2 * pages[which])) * 4096u, flags[which])) return 1;
    }
  }
  struct npu_sim_stats stats;
  npu_sim_stats(&stats, sizeof stats);
  printf("%u iterations: %llu jobs ran %llu tasks, %llu refused, %llu timed out\n", iterations, (unsigned long long)stats.submits,
         (unsigned long long)stats.tasks, (unsigned long long)stats.refusals, (unsigned long long)stats.timeouts);
  for (unsigned i = 0; i < BUFFERS; i++) unmake(&buffers[i]);
  npu_sim_close(fd);
  npu_sim_stats(&stats, sizeof stats);
  return stats.live_buffers || stats.live_mappings ? 1 : 0;
}
