#include "npu_sim.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "device.h"
#include "ioctl.h"
#include "mapping.h"
#include "refuse.h"

static int with_errno(int status) {
  if (status >= 0) return status;
  errno = -status;
  return -1;
}

int npu_sim_open(const char *path, int flags, ...) {
  if (!path) return with_errno(-EFAULT);
  return with_errno(device_open(flags));
}

int npu_sim_close(int fd) { return with_errno(device_close(fd)); }

int npu_sim_ioctl(int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  if (!device_file(fd)) return with_errno(-EBADF);
  /* Callers that declare the request as an int pass it sign-extended. */
  return with_errno(device_ioctl(fd, (uint32_t)request, argument));
}

void *npu_sim_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset) {
  return device_mmap(address, size, protection, flags, fd, offset);
}

int npu_sim_munmap(void *address, size_t size) { return device_munmap(address, size); }

int npu_sim_stats(struct npu_sim_stats *out, size_t size) {
  if (!out || size == 0) return with_errno(-EINVAL);
  struct npu_sim_stats now;
  stats_read(&now);
  memset(out, 0, size);
  memcpy(out, &now, size < sizeof now ? size : sizeof now);
  return 0;
}

void npu_sim_reset_stats(void) { stats_reset(); }

int npu_sim_configure(const char *plan) {
  int status = config_set(plan);
  if (status == 0) clear_last_refusal();
  return with_errno(status);
}

int npu_sim_last_refusal(char *out, size_t size) {
  if (!out || size == 0) return with_errno(-EINVAL);
  last_refusal(out, size);
  return 0;
}

/* npu-sim asks a process of its own whether the plan is good, before it starts the program: that process ends here. */
__attribute__((constructor)) static void check_plan_and_end(void) {
  if (!getenv("NPU_SIM_CHECK")) return;
  struct plan plan;
  _exit(config_get(&plan) < 0 ? NPU_SIM_BAD_PLAN : 0);
}

__attribute__((destructor)) static void at_exit(void) { stats_print_at_exit(); }
