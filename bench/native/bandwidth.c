/*
 * How fast this machine reads memory: sums an array that no cache holds, several times over, and prints the rate of the
 * fastest pass in bytes a second. What streams its weights from memory cannot be faster than bytes / this.
 *
 *   bandwidth <mebibytes> <threads>
 */
#define _POSIX_C_SOURCE 200809L
#include <omp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PASSES = 5 };

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

int main(int argc, char **argv) {
  const long mebibytes = argc == 3 ? atol(argv[1]) : 0, threads = argc == 3 ? atol(argv[2]) : 0;
  if (mebibytes < 1 || threads < 1) {
    fprintf(stderr, "usage: bandwidth <mebibytes> <threads>\n");
    return 2;
  }
  const size_t count = (size_t)mebibytes << 17;
  uint64_t *values = malloc(count * sizeof *values);
  if (values == NULL) {
    fprintf(stderr, "bandwidth: no %ld MiB of memory\n", mebibytes);
    return 2;
  }
  omp_set_num_threads(threads);
  /* Touched by the threads that will read it. */
#pragma omp parallel for schedule(static)
  for (size_t i = 0; i < count; i++) values[i] = i;
  double best = 0;
  uint64_t total = 0;
  for (int pass = 0; pass < PASSES; pass++) {
    const double start = seconds();
    uint64_t sum = 0;
#pragma omp parallel for schedule(static) reduction(+ : sum)
    for (size_t i = 0; i < count; i++) sum += values[i];
    const double rate = count * sizeof *values / (seconds() - start);
    if (rate > best) best = rate;
    total += sum;
  }
  /* The sum is used, so the loop stays. */
  fprintf(stderr, "checksum %llx\n", (unsigned long long)total);
  printf("%.0f\n", best);
  return 0;
}
