/* How fast the simulated device is: a token of a 110M model beside what reading its weights takes the host, in turns; GB/s
 * and GFLOP/s by rows; the smallest submit. Times are the caller's; medians.
 * cc -O2 -pthread bench.c -o bench && npu-sim ./bench [cores] [tokens] */
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

enum { LAYERS = 12, DIM = 768, HIDDEN = 2048, VOCABULARY = 32000, MAX_GROUPS = 512, MAX_JOBS = 64, SLOT_WORDS = 112, MAX_ROUNDS = 1000 };

struct buffer { struct npu_create created; uint8_t *data; };
static int fd;
static uint32_t cores = 3, programs;
static uint64_t weight_bytes; /* of the jobs made so far */
static struct buffer weights, features, results, code, tasks;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}
static double median(double *values, int count) {
  qsort(values, (size_t)count, sizeof *values, ascending);
  return values[count / 2];
}

static struct buffer create(uint64_t size, uint32_t flags) {
  struct buffer b = {.created = {.size = size, .flags = flags}};
  if (ioctl(fd, NPU_CREATE, &b.created)) exit(1);
  struct npu_map map = {.handle = b.created.handle};
  if (ioctl(fd, NPU_MAP, &map)) exit(1);
  b.data = mmap(NULL, b.created.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)map.offset);
  if (b.data == MAP_FAILED) exit(1);
  for (uint64_t i = 0; i < b.created.size / 2; i++) ((uint16_t *)b.data)[i] = (uint16_t)(0x2c00 + rand() % 2048);
  return b;
}

static void forget_jobs(void) {
  programs = 0;
  weight_bytes = 0;
}

/* C[m,n] = A[m,k] . B[n,k]^T with B after the jobs made before: its groups of 16 channels divided among the cores, more
 * than 512 of them in a chain of tasks. */
static struct npu_submit make_job(uint32_t m, uint32_t k, uint32_t n) {
  struct npu_submit job = {.flags = 5, .timeout_ms = 6000, .task_obj_addr = tasks.created.obj_addr, .core_mask = (1u << cores) - 1, .fence_fd = -1};
  uint32_t groups = n / 16, first = 0;
  for (uint32_t core = 0; core < cores; core++) {
    uint32_t left = groups / cores + (core < groups % cores), chain = (left + MAX_GROUPS - 1) / MAX_GROUPS;
    job.subcore[cores == 3 ? core + 2 : core] = (struct npu_subcore){programs, chain};
    job.task_number += chain;
    for (; chain > 0; chain--, programs++) {
      uint32_t own = left / chain;
      uint32_t address = (uint32_t)code.created.dma_addr + programs * SLOT_WORDS * 8;
      fp16_program((uint64_t *)code.data + programs * SLOT_WORDS, m, k, own * 16, (uint32_t)features.created.dma_addr,
                   (uint32_t)(weights.created.dma_addr + weight_bytes + (uint64_t)first * 16 * k * 2),
                   (uint32_t)results.created.dma_addr + first * 16 * m * 4, 0, chain > 1 ? address + SLOT_WORDS * 8 : 0);
      ((struct npu_task *)tasks.data)[programs] =
          (struct npu_task){.enable_mask = 0x0d, .int_mask = 0x300, .regcfg_amount = PROGRAM_WORDS - 4, .regcmd_addr = address};
      left -= own;
      first += own;
    }
  }
  weight_bytes += (uint64_t)n * k * 2;
  return job;
}

static double run(struct npu_submit *jobs, int count) {
  double start = now();
  for (int i = 0; i < count; i++)
    if (ioctl(fd, NPU_SUBMIT, &jobs[i])) { perror("submit"); exit(1); }
  return now() - start;
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

/* The weights read once by two threads. */
static double read_weights(void) {
  size_t words = weight_bytes / 16;
  struct range ranges[2] = {{(uint64_t *)weights.data, words}, {(uint64_t *)weights.data + words, words}};
  pthread_t other;
  double start = now();
  pthread_create(&other, NULL, read_range, &ranges[1]);
  read_range(&ranges[0]);
  pthread_join(other, NULL);
  return now() - start;
}

static void token(int rounds) {
  static const uint32_t layer[][2] = {{DIM, 3 * DIM}, {DIM, DIM}, {DIM, 2 * HIDDEN}, {HIDDEN, DIM}};
  struct npu_submit jobs[MAX_JOBS];
  double spent[MAX_ROUNDS], reading[MAX_ROUNDS];
  int count = 0;
  for (int l = 0; l < LAYERS; l++)
    for (int i = 0; i < 4; i++) jobs[count++] = make_job(1, layer[i][0], layer[i][1]);
  jobs[count++] = make_job(1, DIM, VOCABULARY);
  for (int r = 0; r < rounds; r++) {
    reading[r] = read_weights();
    spent[r] = run(jobs, count);
  }
  double device = median(spent, rounds), host = median(reading, rounds);
  printf("110M token: %d submits, %.0f MB: %.2f ms, %.1f GB/s; read by two threads: %.2f ms, %.1f GB/s\n", count, (double)weight_bytes * 1e-6,
         device * 1e3, (double)weight_bytes / device * 1e-9, host * 1e3, (double)weight_bytes / host * 1e-9);
}

static void rows(uint32_t m, uint32_t k, uint32_t n) {
  struct npu_submit jobs[MAX_JOBS];
  double spent[9];
  int count = 0;
  for (forget_jobs(); count < MAX_JOBS && weight_bytes + (uint64_t)n * k * 2 <= weights.created.size; count++) jobs[count] = make_job(m, k, n);
  for (int r = 0; r < 9; r++) spent[r] = run(jobs, count);
  double time = median(spent, 9);
  printf("M=%-3u K=%u N=%u: %.1f GB/s of weights, %.0f GFLOP/s, %.0f us a submit\n", m, k, n, (double)weight_bytes / time * 1e-9,
         (double)weight_bytes * m / time * 1e-9, time / count * 1e6);
}

int main(int argc, char **argv) {
  if (argc > 1) cores = (uint32_t)atoi(argv[1]);
  int rounds = argc > 2 ? atoi(argv[2]) : 40;
  if (cores < 1 || cores > 3 || rounds < 1 || rounds > MAX_ROUNDS) { fprintf(stderr, "bench [cores 1-3] [tokens 1-%d]\n", MAX_ROUNDS); return 2; }
  fd = open("/dev/dri/card1", O_RDWR);
  if (fd < 0) { perror("open"); return 1; }
  weights = create(220 << 20, 4);
  features = create(1 << 20, 4);
  results = create(4 << 20, 2);
  code = create(1 << 20, 4);
  tasks = create(1 << 20, 8);
  token(rounds);
  static const uint32_t shapes[][2] = {{DIM, 3 * DIM}, {DIM, 2 * HIDDEN}, {HIDDEN, DIM}};
  for (int s = 0; s < 3; s++)
    for (uint32_t m = 1; m <= 64; m *= 4) rows(m, shapes[s][0], shapes[s][1]);
  forget_jobs();
  struct npu_submit smallest = make_job(1, 32, 16 * cores);
  double spent[MAX_ROUNDS];
  for (int r = 0; r < MAX_ROUNDS; r++) spent[r] = run(&smallest, 1);
  printf("smallest submit: %.1f us\n", median(spent, MAX_ROUNDS) * 1e6);
  return close(fd);
}
