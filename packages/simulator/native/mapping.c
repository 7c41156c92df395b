#include "mapping.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "faults.h"
#include "host.h"
#include "memory.h"
#include "refuse.h"
#include "stats.h"

struct mapping {
  uint8_t *address;
  size_t size;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct mapping *mappings;
static size_t mapping_count, mapping_capacity;

static bool remember(void *address, size_t size) {
  pthread_mutex_lock(&lock);
  if (mapping_count == mapping_capacity) {
    size_t capacity = mapping_capacity ? mapping_capacity * 2 : 64;
    struct mapping *grown = realloc(mappings, capacity * sizeof *grown);
    if (!grown) {
      pthread_mutex_unlock(&lock);
      return false;
    }
    mappings = grown;
    mapping_capacity = capacity;
  }
  mappings[mapping_count++] = (struct mapping){address, size};
  pthread_mutex_unlock(&lock);
  stats_add(&stats.live_mappings, 1);
  return true;
}

/* Only whole mappings count as unmapped: parts are left to the kernel. */
static bool lies_within(const struct mapping *mapping, const uint8_t *address, size_t size) {
  return mapping->address >= address && mapping->size <= size && mapping->address - address <= (ptrdiff_t)(size - mapping->size);
}

static bool covers_mapping(const uint8_t *address, size_t size) {
  bool covers = false;
  pthread_mutex_lock(&lock);
  for (size_t i = 0; i < mapping_count && !covers; i++) covers = lies_within(&mappings[i], address, size);
  pthread_mutex_unlock(&lock);
  return covers;
}

static void forget(const uint8_t *address, size_t size) {
  pthread_mutex_lock(&lock);
  for (size_t i = 0; i < mapping_count;) {
    if (!lies_within(&mappings[i], address, size)) {
      i++;
      continue;
    }
    mappings[i] = mappings[--mapping_count];
    stats_subtract(&stats.live_mappings, 1);
  }
  pthread_mutex_unlock(&lock);
}

/* Whether unmapping is planned to fail; the mapping stays then. */
static int fault_of_unmapping(void) {
  struct plan plan;
  return config_get(&plan) < 0 ? 0 : fault_for_call(&plan, CALL_MUNMAP).error;
}

/* Finds the buffer that is to be mapped. */
static int check_mapping(int fd, size_t size, int64_t offset, const struct buffer **found) {
  struct plan plan;
  int status = config_get(&plan);
  if (status < 0) return status;
  const struct open_file *file = device_file(fd);
  if (!file) return -EBADF;
  struct fault fault = fault_for_call(&plan, CALL_MMAP);
  if (fault.error) return -fault.error;
  const struct buffer *buffer = offset < 0 ? NULL : memory_by_offset(file, (uint64_t)offset);
  if (!buffer) return refuse(EINVAL, "mmap", "offset 0x%llx is not what MEM_MAP gave for a buffer of this file", (long long)offset);
  if (size == 0 || size > buffer->size)
    return refuse(EINVAL, "mmap", "%zu bytes of handle %u, expected 1 to its %llu", size, buffer->handle, (unsigned long long)buffer->size);
  *found = buffer;
  return 0;
}

void *device_mmap(void *address, size_t size, int protection, int flags, int fd, int64_t offset) {
  pthread_rwlock_rdlock(&device_lock);
  const struct buffer *buffer = NULL;
  int status = check_mapping(fd, size, offset, &buffer);
  void *mapped = MAP_FAILED;
  if (status == 0) {
    /* A driver maps all of a buffer at once, too. Here it saves the page faults of the first write: a third of a load. */
    if (buffer->poisoned) flags |= MAP_POPULATE;
    mapped = host_map(address, size, protection, flags, fd, offset);
    if (mapped == MAP_FAILED) status = -errno;
  }
  pthread_rwlock_unlock(&device_lock);
  size_t whole_pages = (size + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
  if (mapped != MAP_FAILED && !remember(mapped, whole_pages)) {
    host_unmap(mapped, size);
    mapped = MAP_FAILED;
    status = -ENOMEM;
  }
  if (mapped == MAP_FAILED) errno = -status;
  return mapped;
}

int device_munmap(void *address, size_t size) {
  size_t whole_pages = (size + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
  bool ours = device_has_mappings() && covers_mapping(address, whole_pages);
  int error = ours ? fault_of_unmapping() : 0;
  if (error) {
    errno = error;
    return -1;
  }
  int status = host_unmap(address, size);
  if (status == 0 && ours) forget(address, whole_pages);
  return status;
}

bool device_has_mappings(void) { return stats.live_mappings != 0; }
