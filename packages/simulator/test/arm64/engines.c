/* Every engine that this machine has against sums in double, on FP16 shapes that take each path through the
 * kernels. Linked with the library's sources, so that it also runs where no Node does. */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../../native/half.h"
#include "../../native/npu_sim.h"
#include "../client/program.h"
#include "../client/uapi.h"

struct buffer { struct npu_create created; void *data; };

static int fd;

static struct buffer make(uint64_t size, uint32_t flags) {
  struct buffer b = {.created = {.size = size, .flags = flags}};
  if (npu_sim_ioctl(fd, NPU_CREATE, &b.created)) exit(1);
  struct npu_map map = {.handle = b.created.handle};
  if (npu_sim_ioctl(fd, NPU_MAP, &map)) exit(1);
  b.data = npu_sim_mmap(NULL, b.created.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)map.offset);
  if (b.data == MAP_FAILED) exit(1);
  return b;
}

static void unmake(struct buffer *b) {
  struct npu_destroy gone = {.handle = b->created.handle};
  npu_sim_munmap(b->data, b->created.size);
  npu_sim_ioctl(fd, NPU_DESTROY, &gone);
}

static uint16_t random_half(void) { return (uint16_t)((rand() & 1 ? 0x8000 : 0) | (0x2c00 + rand() % 0x1000)); }

/* The largest error, in f32 rounding steps of the sum of magnitudes. */
static double worst_error(uint32_t m, uint32_t k, uint32_t n, int fp16_output) {
  struct buffer a = make(m * k * 2, 4), b = make(n * k * 2, 4), c = make(m * n * 4, 0), program = make(4096, 4), tasks = make(4096, 8);
  uint16_t *features = a.data, *weights = b.data;
  for (uint32_t i = 0; i < m * k; i++) features[i] = random_half();
  for (uint32_t i = 0; i < n * k; i++) weights[i] = random_half();
  fp16_program(program.data, m, k, n, (uint32_t)a.created.dma_addr, (uint32_t)b.created.dma_addr, (uint32_t)c.created.dma_addr, fp16_output, 0);
  struct npu_task task = {.enable_mask = 0x0d, .int_mask = 0x300, .regcfg_amount = PROGRAM_WORDS - 4, .regcmd_addr = program.created.dma_addr};
  memcpy(tasks.data, &task, sizeof task);
  struct npu_submit job = {.flags = 5, .timeout_ms = 6000, .task_number = 1, .task_obj_addr = tasks.created.obj_addr, .core_mask = 1, .fence_fd = -1, .subcore = {{0, 1}}};
  if (npu_sim_ioctl(fd, NPU_SUBMIT, &job)) exit(1);

  double worst = 0;
  for (uint32_t row = 0; row < m; row++)
    for (uint32_t channel = 0; channel < n; channel++) {
      double sum = 0, magnitude = 0;
      for (uint32_t i = 0; i < k; i++) {
        double product = (double)float_from_half(features[i / 8 * m * 8 + row * 8 + i % 8]) *
                         (double)float_from_half(weights[channel / 16 * 16 * k + i / 32 * 512 + channel % 16 * 32 + i % 32]);
        sum += product;
        magnitude += fabs(product);
      }
      double got = fp16_output ? (double)float_from_half(((uint16_t *)c.data)[channel / 8 * m * 8 + row * 8 + channel % 8])
                               : (double)((float *)c.data)[channel / 4 * m * 4 + row * 4 + channel % 4];
      double allowed = fp16_output ? fabs(sum) / 2048 + magnitude * 0x1p-20 : magnitude * 0x1p-20;
      double error = fabs(got - sum) / allowed;
      if (!(error <= worst)) worst = error;
    }
  struct buffer *all[] = {&a, &b, &c, &program, &tasks};
  for (unsigned i = 0; i < 5; i++) unmake(all[i]);
  return worst;
}

int main(void) {
  static const char *const engines[] = {"portable", "avx2", "avx512", "neon"};
  static const uint32_t shapes[][3] = {{1, 32, 16}, {1, 768, 96}, {4, 96, 48}, {8, 160, 32}, {12, 64, 16}, {20, 96, 32}, {64, 256, 48}, {68, 160, 32}};
  if ((fd = npu_sim_open("/dev/dri/card1", O_RDWR)) < 0) return 1;
  int wrong = 0;
  for (unsigned e = 0; e < 4; e++) {
    char plan[64];
    snprintf(plan, sizeof plan, "log=0,engine=%s", engines[e]);
    if (npu_sim_configure(plan)) continue;
    double worst = 0;
    for (unsigned s = 0; s < sizeof shapes / sizeof *shapes; s++)
      for (int fp16_output = 0; fp16_output < 2; fp16_output++) worst = fmax(worst, worst_error(shapes[s][0], shapes[s][1], shapes[s][2], fp16_output));
    printf("%s: worst error %.3f of what is allowed\n", engines[e], worst);
    wrong |= !(worst <= 1);
  }
  npu_sim_close(fd);
  return wrong;
}
