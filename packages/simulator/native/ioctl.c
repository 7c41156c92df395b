/* From an ioctl number to the call it names: its arguments are copied in and, when the call succeeds, out. */
#include "ioctl.h"

#include <errno.h>
#include <string.h>

#include "action.h"
#include "device.h"
#include "faults.h"
#include "memory.h"
#include "refuse.h"
#include "stats.h"
#include "submit.h"
#include "sync.h"

union arguments {
  struct uapi_version version;
  struct uapi_gem_close gem_close;
  struct uapi_action action;
  struct uapi_submit submit;
  struct uapi_mem_create create;
  struct uapi_mem_map map;
  struct uapi_mem_destroy destroy;
  struct uapi_mem_sync sync;
};

static int call_version(struct open_file *file, union arguments *a, const struct plan *plan) {
  (void)plan;
  return device_version(file, &a->version);
}
static int call_gem_close(struct open_file *file, union arguments *a, const struct plan *plan) {
  (void)plan;
  return memory_destroy(file, a->gem_close.handle);
}
static int call_action(struct open_file *file, union arguments *a, const struct plan *plan) {
  (void)plan;
  return device_action(file, &a->action);
}
static int call_submit(struct open_file *file, union arguments *a, const struct plan *plan) { return submit(file, &a->submit, plan); }
static int call_create(struct open_file *file, union arguments *a, const struct plan *plan) {
  return memory_create(file, &a->create, plan->poison_bytes);
}
static int call_map(struct open_file *file, union arguments *a, const struct plan *plan) {
  (void)plan;
  const struct buffer *buffer = memory_by_handle(file, a->map.handle);
  if (!buffer) return refuse(ENOENT, "handle", "MEM_MAP handle %u is no buffer of this file", a->map.handle);
  a->map.offset = buffer->offset;
  return 0;
}
static int call_destroy(struct open_file *file, union arguments *a, const struct plan *plan) {
  (void)plan;
  return memory_destroy(file, a->destroy.handle);
}
static int call_sync(struct open_file *file, union arguments *a, const struct plan *plan) {
  (void)plan;
  return memory_sync(file, &a->sync);
}

static const struct call {
  unsigned nr, size, direction;
  const char *name;
  int (*run)(struct open_file *file, union arguments *arguments, const struct plan *plan);
  int fault_kind;        /* of enum call_kind, or -1 */
  bool changes_buffers;  /* takes device_lock for writing */
  bool writes_back_on_error;
} calls[] = {
    {DRM_NR_VERSION, sizeof(struct uapi_version), IOCTL_READ_WRITE, "DRM_IOCTL_VERSION", call_version, CALL_VERSION, false, false},
    {DRM_NR_GEM_CLOSE, sizeof(struct uapi_gem_close), IOCTL_WRITE, "GEM_CLOSE", call_gem_close, CALL_DESTROY, true, false},
    {RKNPU_NR_ACTION, sizeof(struct uapi_action), IOCTL_READ_WRITE, "ACTION", call_action, CALL_ACTION, false, false},
    {RKNPU_NR_SUBMIT, sizeof(struct uapi_submit), IOCTL_READ_WRITE, "SUBMIT", call_submit, -1, false, true},
    {RKNPU_NR_MEM_CREATE, sizeof(struct uapi_mem_create), IOCTL_READ_WRITE, "MEM_CREATE", call_create, CALL_ALLOC, true, false},
    {RKNPU_NR_MEM_MAP, sizeof(struct uapi_mem_map), IOCTL_READ_WRITE, "MEM_MAP", call_map, CALL_MAP, false, false},
    {RKNPU_NR_MEM_DESTROY, sizeof(struct uapi_mem_destroy), IOCTL_READ_WRITE, "MEM_DESTROY", call_destroy, CALL_DESTROY, true, false},
    {RKNPU_NR_MEM_SYNC, sizeof(struct uapi_mem_sync), IOCTL_READ_WRITE, "MEM_SYNC", call_sync, CALL_SYNC, false, false},
};

static const struct call *find_call(unsigned long request) {
  for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++)
    if (ioctl_magic(request) == DRM_IOCTL_MAGIC && ioctl_nr(request) == calls[i].nr) return &calls[i];
  return NULL;
}

static bool size_fits(const struct call *call, unsigned size) {
  return size == call->size || (call->nr == RKNPU_NR_MEM_CREATE && size == MEM_CREATE_SHORT_SIZE);
}

static int run_locked(const struct call *call, int fd, union arguments *arguments, const struct plan *plan) {
  struct open_file *file = device_file(fd);
  if (!file) return -EBADF; /* closed meanwhile by another thread */
  if (device_is_gone(plan)) return -ENODEV;
  if (call->fault_kind >= 0) {
    struct fault fault = fault_for_call(plan, call->fault_kind);
    if (fault.error) return -fault.error;
  }
  return call->run(file, arguments, plan);
}

int device_ioctl(int fd, unsigned long request, void *argument) {
  const struct call *call = find_call(request);
  unsigned size = ioctl_size(request);
  if (!call)
    return refuse(EINVAL, "ioctl", "request 0x%lx (magic 0x%02x, nr 0x%02x) is none of the driver's", request, ioctl_magic(request), ioctl_nr(request));
  if (!size_fits(call, size) || ioctl_direction(request) != call->direction)
    return refuse(EINVAL, "ioctl", "%s request 0x%lx: direction %u and size %u, expected %u and %u", call->name, request, ioctl_direction(request), size,
                  call->direction, call->size);
  if (!argument) return -EFAULT;
  struct plan plan;
  int status = config_get(&plan);
  if (status < 0) return status;

  stats_add(&stats.ioctls, 1);
  union arguments arguments;
  memset(&arguments, 0, sizeof arguments);
  memcpy(&arguments, argument, size);
  if (call->changes_buffers) pthread_rwlock_wrlock(&device_lock);
  else pthread_rwlock_rdlock(&device_lock);
  status = run_locked(call, fd, &arguments, &plan);
  pthread_rwlock_unlock(&device_lock);
  if ((status == 0 || call->writes_back_on_error) && call->direction == IOCTL_READ_WRITE) memcpy(argument, &arguments, size);
  return status;
}
