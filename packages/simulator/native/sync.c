#include "sync.h"

#include <errno.h>
#include <string.h>

#include "memory.h"
#include "refuse.h"
#include "stats.h"

enum { CACHE_LINE_BYTES = 64 };

int memory_sync(const struct open_file *file, const struct uapi_mem_sync *arguments) {
  const struct buffer *buffer = memory_by_obj_addr(file, arguments->obj_addr);
  if (!buffer)
    return refuse(EINVAL, "sync", "MEM_SYNC obj_addr 0x%llx is no buffer of this file", (unsigned long long)arguments->obj_addr);
  if (!(buffer->flags & MEM_CACHEABLE))
    return refuse(EINVAL, "sync", "MEM_SYNC of handle %u: its flags 0x%x lack cacheable (2), there is nothing to sync", buffer->handle, buffer->flags);
  uint32_t known = SYNC_TO_DEVICE | SYNC_FROM_DEVICE;
  if (!(arguments->flags & known) || arguments->flags & ~known)
    return refuse(EINVAL, "sync", "MEM_SYNC flags 0x%x, expected to-device (1), from-device (2) or both", arguments->flags);
  uint64_t offset = arguments->offset, size = arguments->size;
  if (size == 0 || offset > buffer->size || size > buffer->size - offset)
    return refuse(EINVAL, "sync", "MEM_SYNC of handle %u: offset %llu and size %llu, expected a range within its %llu bytes", buffer->handle,
                  (unsigned long long)offset, (unsigned long long)size, (unsigned long long)buffer->size);
  /* Caches work on whole lines: the neighbours in the first and the last line go along. Buffers are whole lines. */
  uint64_t first = offset / CACHE_LINE_BYTES * CACHE_LINE_BYTES;
  uint64_t bytes = (offset + size + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES * CACHE_LINE_BYTES - first;
  /* Both at once: what the CPU wrote goes out first, as a cache clean and invalidate does. */
  if (arguments->flags & SYNC_TO_DEVICE) {
    memcpy(buffer->device + first, buffer->cpu + first, bytes);
    stats_add(&stats.syncs_to_device, 1);
    stats_add(&stats.sync_bytes_to_device, size);
  }
  if (arguments->flags & SYNC_FROM_DEVICE) {
    memcpy(buffer->cpu + first, buffer->device + first, bytes);
    stats_add(&stats.syncs_from_device, 1);
    stats_add(&stats.sync_bytes_from_device, size);
  }
  return 0;
}
