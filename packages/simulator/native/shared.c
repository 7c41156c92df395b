#include "shared.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "host.h"
#include "memory.h"
#include "refuse.h"

enum { MAX_MEMBERS = 64, MAX_RANGES = 8192, NOBODY = -1 };

/* Bytes of the file that are locked; what stands there does not matter. */
enum { MEMORY_LOCK = 0, CORE_LOCKS = 1, MEMBER_LOCKS = 16 };

#define SHARED_MAGIC 0x31766564756e7073ull /* "spnudev1" */

struct range {
  uint64_t address;
  uint32_t domain, member;
  _Atomic uint64_t size; /* 0: free. Written last and cleared first, so that a killed writer leaves a whole range or none */
};

struct shared_device {
  uint64_t magic; /* written last */
  struct hardware hardware;
  _Atomic uint32_t hung;
  uint64_t next[DOMAINS]; /* where the last allocation ended */
  struct range ranges[MAX_RANGES];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of entering and leaving */
static unsigned open_files;
/* Constant while a file is open. */
static struct shared_device *device;
static char device_path[SHARED_PATH_BYTES];
static int device_fd = NOBODY;
static uint32_t own_member;

bool shared_is_joined(void) { return device != NULL; }

static bool lock_byte(int fd, unsigned byte, bool wait) {
  int status;
  do status = host_lock_byte(fd, byte, wait ? HOST_LOCK_WAIT : HOST_LOCK_TRY);
  while (status < 0 && errno == EINTR);
  return status == 0;
}

static int wait_for_byte(unsigned byte) {
  if (lock_byte(device_fd, byte, true)) return 0;
  int error = errno;
  say("shared=%s: cannot be locked: %s", device_path, strerror(error));
  return -error;
}

static void unlock_byte(int fd, unsigned byte) { host_lock_byte(fd, byte, HOST_UNLOCK); }

static bool member_lives(int fd, uint32_t member) {
  return member == own_member || host_byte_is_locked(fd, MEMBER_LOCKS + member);
}

/* Ranges of processes that were killed, as the kernel's driver frees the buffers of a file when its process ends. */
static void sweep(void) {
  enum { UNKNOWN, LIVES, ENDED } known[MAX_MEMBERS] = {UNKNOWN};
  for (unsigned i = 0; i < MAX_RANGES; i++) {
    struct range *range = &device->ranges[i];
    if (range->size == 0) continue;
    uint32_t member = range->member % MAX_MEMBERS;
    if (known[member] == UNKNOWN) known[member] = member_lives(device_fd, member) ? LIVES : ENDED;
    if (known[member] == ENDED) range->size = 0;
  }
}

static bool same_hardware(const struct hardware *a, const struct hardware *b) {
  return a->cores == b->cores && a->driver_version == b->driver_version && a->cma_bytes == b->cma_bytes &&
         a->window_bytes == b->window_bytes && a->iommu == b->iommu;
}

/* As a bad item of the plan it is named whatever that says of log. */
static int bad_device(const char *path, const char *why) {
  fprintf(stderr, "npu-sim: shared=%s: %s\n", path, why);
  return -EBADMSG;
}

static const char NO_DEVICE[] = "the file is no simulated device: name a new one";

/* The plan's fault whatever the errno is: a missing folder's would read as a missing device. */
static int failed(const char *path, const char *what) {
  char why[96];
  snprintf(why, sizeof why, "cannot %s: %s", what, strerror(errno));
  return bad_device(path, why);
}

/* The lowest number that nobody has; its byte stays locked as long as the process is a member. */
static int take_member(int fd, uint32_t *member, bool *alone) {
  *alone = true;
  for (uint32_t i = 0; i < MAX_MEMBERS; i++)
    if (host_byte_is_locked(fd, MEMBER_LOCKS + i)) *alone = false;
  for (uint32_t i = 0; i < MAX_MEMBERS; i++) {
    if (!lock_byte(fd, MEMBER_LOCKS + i, false)) continue;
    *member = i;
    return 0;
  }
  say("a shared device holds at most %d processes", MAX_MEMBERS);
  return -EMFILE;
}

/* A number's ranges, before it is given away again: of a process that was killed, and would live on with the next that has it. */
static void free_ranges_of(struct shared_device *of, uint32_t member) {
  for (unsigned i = 0; i < MAX_RANGES; i++)
    if (of->ranges[i].member == member) of->ranges[i].size = 0;
}

/* With the memory lock held. A device that nobody has is made anew: what stands in its file is of processes that ended. One that
 * was killed before it had made it leaves zeros. */
static int map_device(int fd, const struct plan *plan, struct shared_device **out) {
  int64_t size = host_file_size(fd);
  if (size != 0 && size != sizeof(struct shared_device)) return bad_device(plan->shared, NO_DEVICE);
  if (size == 0 && host_resize(fd, sizeof(struct shared_device)) < 0) return failed(plan->shared, "resize it");
  struct shared_device *mapped = host_map(NULL, sizeof *mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) return failed(plan->shared, "map it");
  int status = mapped->magic != 0 && mapped->magic != SHARED_MAGIC ? bad_device(plan->shared, NO_DEVICE) : 0;
  bool alone = true;
  if (status == 0) status = take_member(fd, &own_member, &alone);
  if (status == 0 && alone) {
    memset(mapped, 0, sizeof *mapped);
    mapped->hardware = plan->hardware;
    mapped->magic = SHARED_MAGIC;
  } else if (status == 0) {
    free_ranges_of(mapped, own_member);
  }
  if (status == 0 && !same_hardware(&mapped->hardware, &plan->hardware))
    status = bad_device(plan->shared, "another process has this device with other cores, driver, cma, window or iommu");
  if (status < 0) {
    host_unmap(mapped, sizeof *mapped);
    return status;
  }
  *out = mapped;
  return 0;
}

/* Closing the file gives back its locks. */
static int join(const struct plan *plan) {
  int fd = host_open(plan->shared, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (fd < 0) return failed(plan->shared, "open it");
  struct shared_device *mapped = NULL;
  int status = lock_byte(fd, MEMORY_LOCK, true) ? map_device(fd, plan, &mapped) : failed(plan->shared, "lock it");
  unlock_byte(fd, MEMORY_LOCK);
  if (status < 0) {
    host_close(fd);
    return status;
  }
  device_fd = fd;
  device = mapped;
  memcpy(device_path, plan->shared, sizeof device_path);
  return 0;
}

int shared_enter(const struct plan *plan) {
  pthread_mutex_lock(&lock);
  int status = 0;
  if (open_files > 0 && strcmp(device_path, plan->shared) != 0) {
    say("shared=%s: this process has files of another device open: close them first", plan->shared);
    status = -EBUSY;
  } else if (open_files == 0 && plan->shared[0]) status = join(plan);
  else if (device && !same_hardware(&device->hardware, &plan->hardware))
    status = bad_device(plan->shared, "the device is open with other cores, driver, cma, window or iommu");
  if (status == 0) open_files++;
  pthread_mutex_unlock(&lock);
  return status;
}

void shared_exit(void) {
  pthread_mutex_lock(&lock);
  if (--open_files == 0 && device) {
    host_unmap(device, sizeof *device);
    host_close(device_fd);
    device = NULL;
    device_fd = NOBODY;
    device_path[0] = 0;
  }
  pthread_mutex_unlock(&lock);
}

int shared_lock_memory(void) {
  int status = device ? wait_for_byte(MEMORY_LOCK) : 0;
  if (device && status == 0) sweep();
  return status;
}

void shared_unlock_memory(void) {
  if (device) unlock_byte(device_fd, MEMORY_LOCK);
}

uint64_t shared_bytes_in_use(void) {
  uint64_t bytes = 0;
  for (unsigned i = 0; i < MAX_RANGES; i++) bytes += device->ranges[i].size;
  return bytes;
}

static uint64_t find_gap(uint32_t domain, uint64_t size, uint64_t from, uint64_t to) {
  uint64_t candidate = from;
  for (bool moved = true; moved;) {
    moved = false;
    if (candidate > to || to - candidate < size) return 0;
    for (unsigned i = 0; i < MAX_RANGES; i++) {
      const struct range *range = &device->ranges[i];
      uint64_t end = range->address + range->size;
      if (range->size == 0 || range->domain != domain) continue;
      if (candidate >= end + PAGE_BYTES || candidate + size + PAGE_BYTES <= range->address) continue;
      candidate = end + PAGE_BYTES;
      moved = true;
    }
  }
  return candidate;
}

uint64_t shared_find_gap(uint32_t domain, uint64_t size, uint64_t window_end) {
  uint64_t next = device->next[domain];
  uint64_t start = next < WINDOW_START || next >= window_end ? WINDOW_START : next;
  uint64_t address = find_gap(domain, size, start, window_end);
  return address ? address : find_gap(domain, size, WINDOW_START, window_end);
}

int shared_take(uint32_t domain, uint64_t address, uint64_t size) {
  for (unsigned i = 0; i < MAX_RANGES; i++) {
    struct range *range = &device->ranges[i];
    if (range->size != 0) continue;
    range->address = address;
    range->domain = domain;
    range->member = own_member;
    range->size = size;
    device->next[domain] = address + size + PAGE_BYTES;
    return 0;
  }
  say("a shared device holds at most %d buffers", MAX_RANGES);
  return -ENOMEM;
}

void shared_give_back(uint32_t domain, uint64_t address) {
  for (unsigned i = 0; i < MAX_RANGES; i++) {
    struct range *range = &device->ranges[i];
    if (range->size != 0 && range->member == own_member && range->domain == domain && range->address == address) range->size = 0;
  }
}

int shared_acquire_cores(uint32_t mask) {
  int status = 0;
  for (unsigned core = 0; core < MAX_CORES && status == 0; core++)
    if (mask >> core & 1) status = wait_for_byte(CORE_LOCKS + core);
  if (status < 0) shared_release_cores(mask);
  return status;
}

void shared_release_cores(uint32_t mask) {
  for (unsigned core = 0; core < MAX_CORES; core++)
    if (mask >> core & 1) unlock_byte(device_fd, CORE_LOCKS + core);
}

uint32_t shared_hung_cores(void) { return device->hung; }

void shared_set_hung(uint32_t mask, bool hung) {
  if (hung) atomic_fetch_or(&device->hung, mask);
  else atomic_fetch_and(&device->hung, ~mask);
}
