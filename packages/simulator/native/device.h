/* The device: open files and the lock order.
 *
 *   device_lock  held for reading by calls that use buffers (SUBMIT while it runs, MEM_SYNC, MEM_MAP, ACTION),
 *                for writing by those that make or unmake them (open, close, MEM_CREATE, MEM_DESTROY)
 *   cores        taken after it, by SUBMIT and ACTION reset (cores.h)
 *   the locks inside config.c, refuse.c and pool.c are taken last and held briefly */
#ifndef NPU_SIM_DEVICE_H
#define NPU_SIM_DEVICE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"

enum { MAX_FDS = 65536 };

struct buffer;

struct open_file {
  int fd; /* a memory file: what its buffers' pages are made of */
  struct hardware hardware;
  uint64_t file_size;
  struct buffer **handles; /* handle h at h - 1; NULL where free */
  uint32_t handle_count;
};

extern pthread_rwlock_t device_lock;

/* Returns an fd or -errno. */
int device_open(int flags);
/* Frees the file's buffers, counting them as leaked. Returns 0 or -errno; -EBADF for a foreign fd. */
int device_close(int fd);
/* The open file behind an fd, or NULL for a foreign one. Without the lock only good for that question. */
struct open_file *device_file(int fd);

#endif
