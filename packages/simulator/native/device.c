#include "device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "faults.h"
#include "host.h"
#include "memory.h"
#include "shared.h"
#include "stats.h"

pthread_rwlock_t device_lock;
static _Atomic(struct open_file *) files[MAX_FDS];

/* Readers hold the lock for whole submits; without this a destroyer could wait forever behind them. */
__attribute__((constructor)) static void create_lock(void) {
  pthread_rwlockattr_t attributes;
  pthread_rwlockattr_init(&attributes);
  pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
  pthread_rwlock_init(&device_lock, &attributes);
  pthread_rwlockattr_destroy(&attributes);
}

struct open_file *device_file(int fd) {
  return fd < 0 || fd >= MAX_FDS ? NULL : atomic_load_explicit(&files[fd], memory_order_acquire);
}

int device_open(int flags) {
  struct plan plan;
  int status = config_get(&plan);
  if (status < 0) return status;
  struct fault fault = fault_for_call(&plan, CALL_OPEN);
  if (fault.error) return -fault.error;

  struct open_file *file = calloc(1, sizeof *file);
  if (!file) return -ENOMEM;
  status = shared_enter(&plan);
  if (status < 0) {
    free(file);
    return status;
  }
  file->hardware = plan.hardware;
  file->fd = host_create_memory_file(flags & O_CLOEXEC);
  if (file->fd < 0 || file->fd >= MAX_FDS) {
    int error = file->fd < 0 ? errno : EMFILE;
    if (file->fd >= 0) host_close(file->fd);
    free(file);
    shared_exit();
    return -error;
  }
  stats_add(&stats.opens, 1);
  atomic_store_explicit(&files[file->fd], file, memory_order_release);
  return file->fd;
}

/* A close that fails has closed the file all the same, as on Linux. */
int device_close(int fd) {
  pthread_rwlock_wrlock(&device_lock);
  struct open_file *file = device_file(fd);
  if (!file) {
    pthread_rwlock_unlock(&device_lock);
    return -EBADF;
  }
  atomic_store_explicit(&files[fd], NULL, memory_order_release);
  memory_free_all(file);
  shared_exit();
  pthread_rwlock_unlock(&device_lock);
  free(file->handles);
  free(file);
  stats_add(&stats.closes, 1);
  int status = host_close(fd) < 0 ? -errno : 0;
  struct plan plan;
  if (config_get(&plan) < 0) return status;
  struct fault fault = fault_for_call(&plan, CALL_CLOSE);
  return fault.error ? -fault.error : status;
}
