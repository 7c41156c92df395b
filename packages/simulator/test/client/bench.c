/* How fast the simulated device is: GB/s of weights for one row, GFLOP/s for 64 rows, and the host's own limit.
 * cc -O2 -pthread bench.c -o bench && npu-sim ./bench [cores] [megabytes] */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "program.h"
#include "uapi.h"

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct buffer { struct npu_create created; uint8_t *data; };
static struct buffer create(int fd, uint64_t size, uint32_t flags) {
  struct buffer b = {.created = {.size = size, .flags = flags}};
  struct npu_map map;
  if (ioctl(fd, NPU_CREATE, &b.created)) exit(1);
  map = (struct npu_map){.handle = b.created.handle};
  if (ioctl(fd, NPU_MAP, &map)) exit(1);
  b.data = mmap(NULL, b.created.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)map.offset);
  return b;
}

static uint64_t sink;
struct range { const uint64_t *from; size_t words; };
static void *read_range(void *argument) {
  const struct range *r = argument;
  uint64_t sums[8] = {0};
  for (size_t i = 0; i + 8 <= r->words; i += 8)
    for (int j = 0; j < 8; j++) sums[j] ^= r->from[i + j];
  for (int j = 0; j < 8; j++) __atomic_fetch_xor(&sink, sums[j], __ATOMIC_RELAXED);
  return NULL;
}

static double measure(int fd, uint32_t cores, uint32_t m, uint32_t k, uint32_t n, struct buffer *w, struct buffer *a, struct buffer *c,
                      struct buffer *p, struct buffer *t, double *per_submit) {
  uint64_t matrix = (uint64_t)k * n * 2, matrices = w->created.size / matrix;
  uint32_t share = (n / cores + 15) / 16 * 16;
  uint64_t programs = 0;
  for (uint64_t i = 0; i < matrices; i++)
    for (uint32_t core = 0; core < cores; core++) {
      uint32_t first = core * share, own = core + 1 == cores ? n - first : share;
      uint64_t *words = (uint64_t *)p->data + programs * 112;
      fp16_program(words, m, k, own, (uint32_t)a->created.dma_addr, (uint32_t)(w->created.dma_addr + i * matrix + (uint64_t)first * k * 2),
                   (uint32_t)(c->created.dma_addr + (uint64_t)first * m * 4), 0, 0);
      ((struct npu_task *)t->data)[programs] = (struct npu_task){.enable_mask = 0x0d, .int_mask = 0x300, .regcfg_amount = PROGRAM_WORDS - 4,
                                                                  .regcmd_addr = p->created.dma_addr + programs * 112 * 8};
      programs++;
    }
  double best = 1e9;
  for (int round = 0; round < 6; round++) {
    double start = now();
    for (uint64_t i = 0; i < matrices; i++) {
      struct npu_submit job = {.flags = 5, .timeout_ms = 6000, .task_number = cores, .task_obj_addr = t->created.obj_addr,
                               .core_mask = (1u << cores) - 1, .fence_fd = -1};
      for (uint32_t core = 0; core < cores; core++) job.subcore[cores == 3 ? core + 2 : core] = (struct npu_subcore){(uint32_t)(i * cores + core), 1};
      if (ioctl(fd, NPU_SUBMIT, &job)) { perror("submit"); exit(1); }
    }
    double spent = now() - start;
    if (spent < best) best = spent;
  }
  *per_submit = best / (double)matrices;
  return best;
}

int main(int argc, char **argv) {
  uint32_t cores = argc > 1 ? (uint32_t)atoi(argv[1]) : 3;
  uint64_t megabytes = argc > 2 ? (uint64_t)atoi(argv[2]) : 216;
  int fd = open("/dev/dri/card1", O_RDWR);
  if (fd < 0) { perror("open"); return 1; }
  struct buffer w = create(fd, megabytes << 20, 4), a = create(fd, 1 << 20, 4), c = create(fd, 4 << 20, 2), p = create(fd, 4 << 20, 4),
                t = create(fd, 1 << 20, 8);
  srand(1);
  for (uint64_t i = 0; i < w.created.size / 2; i++) ((uint16_t *)w.data)[i] = (uint16_t)(0x2c00 + rand() % 2048);
  for (uint64_t i = 0; i < a.created.size / 2; i++) ((uint16_t *)a.data)[i] = (uint16_t)(0x2c00 + rand() % 2048);

  for (int threads = 1; threads <= 2; threads++) {
    double best = 1e9;
    for (int round = 0; round < 4; round++) {
      pthread_t other;
      struct range ranges[2];
      size_t words = w.created.size / 8 / (size_t)threads;
      for (int i = 0; i < threads; i++) ranges[i] = (struct range){(uint64_t *)w.data + (size_t)i * words, words};
      double start = now();
      if (threads == 2) pthread_create(&other, NULL, read_range, &ranges[1]);
      read_range(&ranges[0]);
      if (threads == 2) pthread_join(other, NULL);
      double spent = now() - start;
      if (spent < best) best = spent;
    }
    printf("host reads memory with %d thread(s): %.1f GB/s\n", threads, (double)w.created.size / best * 1e-9);
  }
  double per_submit, spent;
  uint32_t shapes[][2] = {{768, 2048}, {768, 2304}, {2048, 768}};
  for (int s = 0; s < 3; s++) {
    uint32_t k = shapes[s][0], n = shapes[s][1];
    uint64_t matrices = w.created.size / ((uint64_t)k * n * 2);
    double bytes = (double)matrices * k * n * 2;
    spent = measure(fd, cores, 1, k, n, &w, &a, &c, &p, &t, &per_submit);
    printf("M=1  K=%u N=%u: %.1f GB/s, %.0f us a submit\n", k, n, bytes / spent * 1e-9, per_submit * 1e6);
    spent = measure(fd, cores, 4, k, n, &w, &a, &c, &p, &t, &per_submit);
    printf("M=4  K=%u N=%u: %.1f GB/s, %.1f GFLOP/s\n", k, n, bytes / spent * 1e-9, bytes * 4 / spent * 1e-9);
    spent = measure(fd, cores, 64, k, n, &w, &a, &c, &p, &t, &per_submit);
    printf("M=64 K=%u N=%u: %.1f GFLOP/s\n", k, n, bytes * 64 / spent * 1e-9);
  }
  return 0;
}
