/* The libc names that an unmodified program reaches the device by. Everything that is not ours goes on to the
 * next library, or (mmap, munmap) straight to the kernel. When this library is loaded by name instead of
 * preloaded, nobody calls these. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/types.h>

#include "config.h"
#include "device.h"
#include "host.h"
#include "mapping.h"
#include "npu_sim.h"

/* next_NAME(): the next library's function of this name, looked up at the first call. */
#define NEXT(result, name, ...)                           \
  typedef result (*name##_function)(__VA_ARGS__);         \
  static name##_function next_##name(void) {              \
    static name##_function found;                         \
    if (!found) {                                         \
      void *symbol = dlsym(RTLD_NEXT, #name);             \
      memcpy(&found, &symbol, sizeof found);              \
    }                                                     \
    return found;                                         \
  }

NEXT(int, open, const char *, int, ...)
NEXT(int, open64, const char *, int, ...)
NEXT(int, openat, int, const char *, int, ...)
NEXT(int, openat64, int, const char *, int, ...)
NEXT(int, __open_2, const char *, int)
NEXT(int, __open64_2, const char *, int)
NEXT(int, close, int)
NEXT(int, ioctl, int, unsigned long, ...)
NEXT(int, stat, const char *, struct stat *)
NEXT(int, stat64, const char *, struct stat64 *)
NEXT(int, lstat, const char *, struct stat *)
NEXT(int, lstat64, const char *, struct stat64 *)
NEXT(int, fstat, int, struct stat *)
NEXT(int, fstat64, int, struct stat64 *)
NEXT(int, access, const char *, int)
NEXT(int, faccessat, int, const char *, int, int)

/* The mode is there only when a file may be created. */
#define READ_MODE(mode)                                          \
  mode_t mode = 0;                                               \
  if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) {     \
    va_list arguments;                                           \
    va_start(arguments, flags);                                  \
    mode = va_arg(arguments, mode_t);                            \
    va_end(arguments);                                           \
  }

#define DEFINE_OPEN(name)                                                      \
  NPU_SIM_EXPORT int name(const char *path, int flags, ...) {                  \
    READ_MODE(mode)                                                            \
    if (config_is_node(path)) return npu_sim_open(path, flags);                \
    return next_##name()(path, flags, mode);                                   \
  }
DEFINE_OPEN(open)
DEFINE_OPEN(open64)

#define DEFINE_OPENAT(name)                                                    \
  NPU_SIM_EXPORT int name(int directory, const char *path, int flags, ...) {   \
    READ_MODE(mode)                                                            \
    if (config_is_node(path)) return npu_sim_open(path, flags);                \
    return next_##name()(directory, path, flags, mode);                        \
  }
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

/* What fortified programs call instead of open. */
#define DEFINE_OPEN_2(name)                                                    \
  NPU_SIM_EXPORT int name(const char *path, int flags) {                       \
    if (config_is_node(path)) return npu_sim_open(path, flags);                \
    return next_##name()(path, flags);                                         \
  }
DEFINE_OPEN_2(__open_2)
DEFINE_OPEN_2(__open64_2)

NPU_SIM_EXPORT int close(int fd) { return device_file(fd) ? npu_sim_close(fd) : next_close()(fd); }

NPU_SIM_EXPORT int ioctl(int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  return device_file(fd) ? npu_sim_ioctl(fd, request, argument) : next_ioctl()(fd, request, argument);
}

NPU_SIM_EXPORT void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset) {
  if (!(flags & MAP_ANONYMOUS) && device_file(fd)) return npu_sim_mmap(address, size, protection, flags, fd, offset);
  return host_map(address, size, protection, flags, fd, offset);
}
NPU_SIM_EXPORT void *mmap64(void *address, size_t size, int protection, int flags, int fd, off64_t offset) {
  return mmap(address, size, protection, flags, fd, offset);
}
NPU_SIM_EXPORT int munmap(void *address, size_t size) { return device_munmap(address, size); }

/* A DRM character device, as a program that looks before it opens expects. */
enum { DRM_MAJOR = 226, CARD_MINOR = 1 };
#define BECOME_NODE(out)                                     \
  do {                                                       \
    memset(out, 0, sizeof *(out));                           \
    (out)->st_mode = S_IFCHR | 0660;                         \
    (out)->st_rdev = makedev(DRM_MAJOR, CARD_MINOR);         \
    (out)->st_nlink = 1;                                     \
    (out)->st_blksize = 4096;                                \
  } while (0)

#define DEFINE_STAT(name, type)                              \
  NPU_SIM_EXPORT int name(const char *path, type *out) {     \
    if (!config_is_node(path)) return next_##name()(path, out); \
    BECOME_NODE(out);                                        \
    return 0;                                                \
  }
DEFINE_STAT(stat, struct stat)
DEFINE_STAT(stat64, struct stat64)
DEFINE_STAT(lstat, struct stat)
DEFINE_STAT(lstat64, struct stat64)

#define DEFINE_FSTAT(name, type)                             \
  NPU_SIM_EXPORT int name(int fd, type *out) {               \
    if (!device_file(fd)) return next_##name()(fd, out);     \
    BECOME_NODE(out);                                        \
    return 0;                                                \
  }
DEFINE_FSTAT(fstat, struct stat)
DEFINE_FSTAT(fstat64, struct stat64)

#define DEVICE_ACCESS(mode) ((mode) & 1 ? (errno = EACCES, -1) : 0) /* readable and writable, not executable */
NPU_SIM_EXPORT int access(const char *path, int mode) {
  return config_is_node(path) ? DEVICE_ACCESS(mode) : next_access()(path, mode);
}
NPU_SIM_EXPORT int faccessat(int directory, const char *path, int mode, int flags) {
  return config_is_node(path) ? DEVICE_ACCESS(mode) : next_faccessat()(directory, path, mode, flags);
}
