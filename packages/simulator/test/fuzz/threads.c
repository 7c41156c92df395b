/* Four threads, each with an open file of its own, submit on every core mask, make and unmake buffers and read
 * counters at once: for the thread sanitizer to watch. Every result is checked.  threads [rounds] */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../../native/npu_sim.h"
#include "../client/program.h"
#include "../client/uapi.h"

enum { THREADS = 4, M = 4, K = 512, N = 256, MAX_TASKS = 3, SLOT_WORDS = 112 };

struct buffer { struct npu_create created; void *data; };

static struct buffer make(int fd, uint64_t size, uint32_t flags) {
  struct buffer b = {.created = {.size = size, .flags = flags}};
  if (npu_sim_ioctl(fd, NPU_CREATE, &b.created)) abort();
  struct npu_map map = {.handle = b.created.handle};
  if (npu_sim_ioctl(fd, NPU_MAP, &map)) abort();
  b.data = npu_sim_mmap(NULL, b.created.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)map.offset);
  if (b.data == MAP_FAILED) abort();
  return b;
}

static void unmake(int fd, struct buffer *b) {
  struct npu_destroy gone = {.handle = b->created.handle};
  if (npu_sim_munmap(b->data, b->created.size) || npu_sim_ioctl(fd, NPU_DESTROY, &gone)) abort();
}

/* All features are 1 and every weight of row n is 1 if n is even, else 0.5: the sums are K and K/2. */
static void one_job(int fd, uint32_t mask) {
  struct buffer a = make(fd, M * K * 2, 4), b = make(fd, N * K * 2, 4), c = make(fd, MAX_TASKS * M * N * 4, 2);
  struct buffer program = make(fd, MAX_TASKS * SLOT_WORDS * 8, 4), tasks = make(fd, 4096, 8);
  for (int i = 0; i < M * K; i++) ((uint16_t *)a.data)[i] = 0x3c00;
  for (int i = 0; i < N * K; i++) ((uint16_t *)b.data)[i] = i / 32 % 2 ? 0x3800 : 0x3c00;
  struct npu_submit job = {.flags = 5, .timeout_ms = 6000, .task_obj_addr = tasks.created.obj_addr, .core_mask = mask, .fence_fd = -1};
  for (uint32_t core = 0; core < 3; core++) {
    if (!(mask >> core & 1)) continue;
    uint32_t task = job.task_number++;
    fp16_program((uint64_t *)program.data + task * SLOT_WORDS, M, K, N, (uint32_t)a.created.dma_addr, (uint32_t)b.created.dma_addr,
                 (uint32_t)c.created.dma_addr + task * M * N * 4, 0, 0);
    struct npu_task record = {.enable_mask = 0x0d, .int_mask = 0x300, .regcfg_amount = PROGRAM_WORDS - 4,
                              .regcmd_addr = program.created.dma_addr + task * SLOT_WORDS * 8};
    memcpy((uint8_t *)tasks.data + task * sizeof record, &record, sizeof record);
    job.subcore[mask == 7 ? core + 2 : core] = (struct npu_subcore){task, 1};
  }
  if (npu_sim_ioctl(fd, NPU_SUBMIT, &job)) abort();
  struct npu_sync sync = {.flags = 2, .obj_addr = c.created.obj_addr, .size = job.task_number * M * N * 4};
  if (npu_sim_ioctl(fd, NPU_SYNC, &sync)) abort();
  const float *sums = c.data;
  for (uint32_t i = 0; i < job.task_number * M * N; i++)
    if (sums[i] != (i % 2 ? K / 2 : K)) {
      fprintf(stderr, "value %u is %g\n", i, (double)sums[i]);
      abort();
    }
  struct buffer *all[] = {&a, &b, &c, &program, &tasks};
  for (unsigned i = 0; i < 5; i++) unmake(fd, all[i]);
}

static unsigned rounds = 200;

static void *work(void *argument) {
  static const uint32_t masks[] = {1, 2, 4, 3, 7};
  for (unsigned i = 0; i < rounds; i++) {
    int fd = npu_sim_open("/dev/dri/card1", O_RDWR);
    if (fd < 0) abort();
    one_job(fd, masks[(i + (unsigned)(size_t)argument) % 5]);
    struct npu_sim_stats stats;
    npu_sim_stats(&stats, sizeof stats);
    if (npu_sim_close(fd)) abort();
  }
  return NULL;
}

int main(int argc, char **argv) {
  if (argc > 1) rounds = (unsigned)strtoul(argv[1], NULL, 0);
  pthread_t threads[THREADS];
  for (size_t i = 0; i < THREADS; i++)
    if (pthread_create(&threads[i], NULL, work, (void *)i)) return 1;
  for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  struct npu_sim_stats stats;
  npu_sim_stats(&stats, sizeof stats);
  printf("%u threads: %llu jobs, %llu refused, %llu buffers left\n", THREADS, (unsigned long long)stats.submits, (unsigned long long)stats.refusals,
         (unsigned long long)(stats.live_buffers + stats.leaked_buffers));
  return stats.refusals || stats.live_buffers || stats.leaked_buffers ? 1 : 0;
}
