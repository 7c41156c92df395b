#include "host.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int host_create_memory_file(bool close_on_exec) {
  return (int)syscall(SYS_memfd_create, "npu-sim", close_on_exec ? MFD_CLOEXEC : 0u);
}

int host_resize(int fd, uint64_t size) { return (int)syscall(SYS_ftruncate, fd, size); }

int64_t host_write(int fd, const void *bytes, size_t count, uint64_t offset) {
  return syscall(SYS_pwrite64, fd, bytes, count, offset);
}

/* Gives the pages of a range back; the range reads as zeros afterwards. */
int host_discard(int fd, uint64_t offset, uint64_t size) {
  return (int)syscall(SYS_fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, size);
}

void *host_map(void *address, size_t size, int protection, int flags, int fd, int64_t offset) {
  return (void *)syscall(SYS_mmap, address, size, protection, flags, fd, offset);
}

int host_unmap(void *address, size_t size) { return (int)syscall(SYS_munmap, address, size); }

int host_close(int fd) { return (int)syscall(SYS_close, fd); }

int host_open(const char *path, int flags, unsigned mode) { return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode); }

int64_t host_file_size(int fd) { return syscall(SYS_lseek, fd, (off_t)0, SEEK_END); }

static struct flock one_byte(unsigned byte, short type) {
  return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
}

int host_lock_byte(int fd, unsigned byte, enum host_lock what) {
  struct flock range = one_byte(byte, what == HOST_UNLOCK ? F_UNLCK : F_WRLCK);
  return (int)syscall(SYS_fcntl, fd, what == HOST_LOCK_WAIT ? F_OFD_SETLKW : F_OFD_SETLK, &range);
}

bool host_byte_is_locked(int fd, unsigned byte) {
  struct flock range = one_byte(byte, F_WRLCK);
  return syscall(SYS_fcntl, fd, F_OFD_GETLK, &range) == 0 && range.l_type != F_UNLCK;
}

uint64_t host_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Asked once: the answer costs system calls, and a job asks every time. */
unsigned host_processors(void) {
  static _Atomic unsigned known;
  if (known == 0) {
    cpu_set_t allowed;
    int count = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
    known = count < 1 ? 1 : (unsigned)count;
  }
  return known;
}
