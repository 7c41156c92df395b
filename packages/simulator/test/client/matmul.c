/* A small program as somebody with a board would write it: opens the device node, multiplies once, checks the
 * result, gives everything back. It knows nothing of a simulator. Exit status 0 when the result is right. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "program.h"
#include "uapi.h"

enum { M = 4, K = 64, N = 48 };

struct buffer {
  struct npu_create created;
  void *data;
};

static void fail(const char *what) {
  fprintf(stderr, "client: %s: %s\n", what, strerror(errno));
  exit(1);
}

static struct buffer create(int fd, uint64_t size, uint32_t flags) {
  struct buffer buffer = {.created = {.size = size, .flags = flags}};
  if (ioctl(fd, NPU_CREATE, &buffer.created)) fail("MEM_CREATE");
  struct npu_map map = {.handle = buffer.created.handle};
  if (ioctl(fd, NPU_MAP, &map)) fail("MEM_MAP");
  buffer.data = mmap(NULL, buffer.created.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)map.offset);
  if (buffer.data == MAP_FAILED) fail("mmap");
  return buffer;
}

static void destroy(int fd, struct buffer *buffer) {
  struct npu_destroy gone = {.handle = buffer->created.handle, .obj_addr = buffer->created.obj_addr};
  if (munmap(buffer->data, buffer->created.size)) fail("munmap");
  if (ioctl(fd, NPU_DESTROY, &gone)) fail("MEM_DESTROY");
}

/* Small integers are exact in f16: 1024 + v has v in its low bits for 0 <= v < 1024; here -4 to 4 by table. */
static uint16_t half(int value) {
  static const uint16_t positive[] = {0x0000, 0x3c00, 0x4000, 0x4200, 0x4400};
  return value < 0 ? positive[-value] | 0x8000 : positive[value];
}
static int feature(int m, int k) { return (m * 7 + k * 3) % 9 - 4; }
static int weight(int n, int k) { return (n * 5 + k * 11) % 9 - 4; }

int main(int argc, char **argv) {
  const char *path = argc > 1 ? argv[1] : "/dev/dri/card1";
  struct stat node;
  if (stat(path, &node) || !S_ISCHR(node.st_mode) || access(path, R_OK | W_OK)) fail(path);
  int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) fail(path);

  char name[16] = "";
  struct npu_version version = {.name_len = sizeof name - 1, .name = (uintptr_t)name};
  if (ioctl(fd, NPU_VERSION, &version)) fail("VERSION");
  if (strcmp(name, "rknpu") != 0) fail("not an rknpu device");

  struct buffer features = create(fd, M * K * 2, 4), weights = create(fd, N * K * 2, 4), program = create(fd, 4096, 4);
  struct buffer tasks = create(fd, 4096, 8), result = create(fd, M * N * 4, 2);
  uint16_t *a = features.data, *b = weights.data;
  for (int k = 0; k < K; k++) {
    for (int m = 0; m < M; m++) a[k / 8 * M * 8 + m * 8 + k % 8] = half(feature(m, k));
    for (int n = 0; n < N; n++) b[n / 16 * 16 * K + k / 32 * 512 + n % 16 * 32 + k % 32] = half(weight(n, k));
  }
  fp16_program(program.data, M, K, N, (uint32_t)features.created.dma_addr, (uint32_t)weights.created.dma_addr,
               (uint32_t)result.created.dma_addr, 0, 0);
  *(struct npu_task *)tasks.data = (struct npu_task){
      .enable_mask = 0x0d, .int_mask = 0x300, .int_clear = 0x1ffff, .regcfg_amount = PROGRAM_WORDS - 4, .regcmd_addr = program.created.dma_addr};

  struct npu_submit job = {.flags = 1 | 4, .timeout_ms = 6000, .task_number = 1, .task_obj_addr = tasks.created.obj_addr, .core_mask = 1,
                           .fence_fd = -1, .subcore = {{0, 1}}};
  if (ioctl(fd, NPU_SUBMIT, &job)) fail("SUBMIT");
  struct npu_sync sync = {.flags = 2, .obj_addr = result.created.obj_addr, .size = M * N * 4};
  if (ioctl(fd, NPU_SYNC, &sync)) fail("MEM_SYNC");

  const float *c = result.data;
  int wrong = 0;
  for (int m = 0; m < M; m++)
    for (int n = 0; n < N; n++) {
      int wanted = 0;
      for (int k = 0; k < K; k++) wanted += feature(m, k) * weight(n, k);
      if (c[n / 4 * M * 4 + m * 4 + n % 4] != (float)wanted) wrong++;
    }
  printf("%d of %d results wrong\n", wrong, M * N);

  struct buffer *all[] = {&features, &weights, &program, &tasks, &result};
  for (unsigned i = 0; i < sizeof all / sizeof *all; i++) destroy(fd, all[i]);
  if (close(fd)) fail("close");
  return wrong ? 1 : 0;
}
