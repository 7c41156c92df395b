#include "memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "host.h"
#include "refuse.h"
#include "shared.h"
#include "stats.h"

/* Buffers of one IOVA window, sorted by DMA address. Without an IOMMU there is one window, of physical memory. */
struct window {
  struct buffer **buffers;
  uint32_t count, capacity;
  uint64_t next; /* where the last allocation ended: freed addresses rest before they come round again */
};
static struct window windows[DOMAINS];
static uint64_t cma_used; /* of this process */
static uint64_t next_obj_addr = 0xffffff8100000000ull;

static uint32_t first_at_or_after(const struct window *window, uint64_t address) {
  uint32_t low = 0, high = window->count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (window->buffers[middle]->dma_addr < address) low = middle + 1;
    else high = middle;
  }
  return low;
}

struct buffer *memory_by_dma(uint32_t domain, uint64_t address) {
  const struct window *window = &windows[domain];
  uint32_t index = first_at_or_after(window, address + 1);
  if (index == 0) return NULL;
  struct buffer *buffer = window->buffers[index - 1];
  return address - buffer->dma_addr < buffer->size ? buffer : NULL;
}

/* A free address in [from, to) with a guard page after the neighbour below and before the one above; 0: none. */
static uint64_t find_gap(const struct window *window, uint64_t size, uint64_t from, uint64_t to) {
  uint32_t index = first_at_or_after(window, from);
  uint64_t candidate = from;
  if (index > 0) {
    const struct buffer *below = window->buffers[index - 1];
    uint64_t end = below->dma_addr + below->size + PAGE_BYTES;
    if (end > candidate) candidate = end;
  }
  for (;; index++) {
    uint64_t limit = index < window->count ? window->buffers[index]->dma_addr - PAGE_BYTES : to;
    if (limit > to) limit = to;
    if (candidate <= limit && limit - candidate >= size) return candidate;
    if (index >= window->count) return 0;
    candidate = window->buffers[index]->dma_addr + window->buffers[index]->size + PAGE_BYTES;
    if (candidate >= to) return 0;
  }
}

static uint64_t choose_address(uint32_t domain, uint64_t size, uint64_t window_bytes) {
  const struct window *window = &windows[domain];
  uint64_t end = WINDOW_START + window_bytes;
  if (end > 0x100000000ull) end = 0x100000000ull;
  if (shared_is_joined()) return shared_find_gap(domain, size, end);
  uint64_t start = window->next < WINDOW_START || window->next >= end ? WINDOW_START : window->next;
  uint64_t address = find_gap(window, size, start, end);
  return address ? address : find_gap(window, size, WINDOW_START, end);
}

static int insert(struct window *window, struct buffer *buffer) {
  if (window->count == window->capacity) {
    uint32_t capacity = window->capacity ? window->capacity * 2 : 64;
    struct buffer **grown = realloc(window->buffers, capacity * sizeof *grown);
    if (!grown) return -ENOMEM;
    window->buffers = grown;
    window->capacity = capacity;
  }
  uint32_t index = first_at_or_after(window, buffer->dma_addr);
  memmove(&window->buffers[index + 1], &window->buffers[index], (window->count - index) * sizeof *window->buffers);
  window->buffers[index] = buffer;
  window->count++;
  window->next = buffer->dma_addr + buffer->size + PAGE_BYTES;
  return 0;
}

static void remove_from(struct window *window, const struct buffer *buffer) {
  uint32_t index = first_at_or_after(window, buffer->dma_addr);
  memmove(&window->buffers[index], &window->buffers[index + 1], (window->count - index - 1) * sizeof *window->buffers);
  window->count--;
}

static int take_handle(struct open_file *file, struct buffer *buffer) {
  uint32_t slot = 0;
  while (slot < file->handle_count && file->handles[slot]) slot++;
  if (slot == file->handle_count) {
    uint32_t count = file->handle_count ? file->handle_count * 2 : 32;
    struct buffer **grown = realloc(file->handles, count * sizeof *grown);
    if (!grown) return -ENOMEM;
    memset(grown + file->handle_count, 0, (count - file->handle_count) * sizeof *grown);
    file->handles = grown;
    file->handle_count = count;
  }
  file->handles[slot] = buffer;
  buffer->handle = slot + 1;
  return 0;
}

/* A page that nothing may touch before and after: an engine that strays is stopped, not lucky. */
static uint8_t *map_side(const struct open_file *file, uint64_t offset, uint64_t size) {
  uint8_t *reserved = host_map(NULL, size + 2 * PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) return NULL;
  void *address = host_map(reserved + PAGE_BYTES, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file->fd, (int64_t)offset);
  if (address != MAP_FAILED) return address;
  host_unmap(reserved, size + 2 * PAGE_BYTES);
  return NULL;
}

static void unmap_side(uint8_t *side, uint64_t size) {
  if (side) host_unmap(side - PAGE_BYTES, size + 2 * PAGE_BYTES);
}

/* Ranges of the memory file are never used twice: a mapping that outlives its buffer sees nobody else's data. */
static int map_both_sides(struct buffer *buffer) {
  struct open_file *file = buffer->file;
  bool cacheable = buffer->flags & MEM_CACHEABLE;
  uint64_t total = cacheable ? 2 * buffer->size : buffer->size;
  buffer->offset = file->file_size;
  buffer->device_offset = cacheable ? buffer->offset + buffer->size : buffer->offset;
  if (host_resize(file->fd, file->file_size + total) < 0) return -ENOMEM;
  file->file_size += total;
  buffer->device = map_side(file, buffer->device_offset, buffer->size);
  buffer->cpu = cacheable && buffer->device ? map_side(file, buffer->offset, buffer->size) : buffer->device;
  return buffer->device && buffer->cpu ? 0 : -ENOMEM;
}

/* Memory is not zeroed unless asked for, and holds whatever was there: here a NaN, read as a half or as a float.
 * Written through the file: pages that come into being full, and are mapped together afterwards (device_mmap), cost less
 * than the page faults of a first touch. */
static int poison(struct buffer *buffer) {
  enum { POISON = 0x7fff, CHUNK_HALVES = 32768 };
  static uint16_t chunk[CHUNK_HALVES]; /* device_lock is held for writing */
  if (chunk[0] != POISON)
    for (unsigned i = 0; i < CHUNK_HALVES; i++) chunk[i] = POISON;
  uint64_t bytes = buffer->flags & MEM_CACHEABLE ? 2 * buffer->size : buffer->size;
  for (uint64_t done = 0; done < bytes;) {
    uint64_t step = bytes - done < sizeof chunk ? bytes - done : sizeof chunk;
    int64_t written = host_write(buffer->file->fd, chunk, step, buffer->offset + done);
    if (written <= 0) return -ENOMEM;
    done += (uint64_t)written;
  }
  buffer->poisoned = true;
  return 0;
}

static void give_back_pages(struct buffer *buffer) {
  bool cacheable = buffer->flags & MEM_CACHEABLE;
  if (cacheable) unmap_side(buffer->cpu, buffer->size);
  unmap_side(buffer->device, buffer->size);
  host_discard(buffer->file->fd, buffer->offset, cacheable ? 2 * buffer->size : buffer->size);
}

static int check_request(const struct open_file *file, const struct uapi_mem_create *wanted) {
  if (wanted->size == 0 || wanted->size > 0x100000000ull)
    return refuse(EINVAL, "mem-size", "MEM_CREATE size %llu, expected 1 to 4 GiB", (unsigned long long)wanted->size);
  if (wanted->flags & ~(uint32_t)MEM_FLAGS_KNOWN)
    return refuse(EINVAL, "mem-flags", "MEM_CREATE flags 0x%x: bits 0x%x are not defined", wanted->flags,
                  wanted->flags & ~(uint32_t)MEM_FLAGS_KNOWN);
  if (wanted->flags & MEM_SECURE)
    return refuse(EINVAL, "mem-flags", "MEM_CREATE flags 0x%x: secure buffers (0x40) are not modelled", wanted->flags);
  if ((wanted->flags & MEM_CACHEABLE) && (wanted->flags & MEM_WRITE_COMBINE))
    return refuse(EINVAL, "mem-flags", "MEM_CREATE flags 0x%x: cacheable (2) and write-combine (4) exclude each other",
                  wanted->flags);
  uint32_t domains = file->hardware.iommu ? DOMAINS : 1;
  if (wanted->iommu_domain_id < 0 || (uint32_t)wanted->iommu_domain_id >= domains)
    return refuse(EINVAL, "domain", "MEM_CREATE iommu_domain_id %d, expected 0%s", wanted->iommu_domain_id,
                  domains > 1 ? " to 15" : " (this device has no IOMMU)");
  return 0;
}

static void release(struct buffer *buffer) {
  give_back_pages(buffer);
  if (buffer->handle) buffer->file->handles[buffer->handle - 1] = NULL;
  free(buffer);
}

/* With what processes share locked. */
static int create(struct open_file *file, struct uapi_mem_create *arguments, uint64_t poison_bytes) {
  const struct hardware *hardware = &file->hardware;
  uint64_t size = (arguments->size + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
  uint32_t domain = (uint32_t)arguments->iommu_domain_id;
  uint64_t in_use = shared_is_joined() ? shared_bytes_in_use() : cma_used;

  /* Without an IOMMU every buffer is contiguous physical memory, whatever was asked for: the driver drops the flag. */
  if (!hardware->iommu && in_use + size > hardware->cma_bytes)
    return refuse(ENOMEM, "cma", "MEM_CREATE of %llu bytes: %llu of %llu bytes of contiguous memory (CMA) are in use",
                  (unsigned long long)size, (unsigned long long)in_use, (unsigned long long)hardware->cma_bytes);
  uint64_t address = choose_address(domain, size, hardware->window_bytes);
  if (!address)
    return refuse(ENOMEM, "window", "MEM_CREATE of %llu bytes: no gap that large in the %llu-byte DMA window of domain %d",
                  (unsigned long long)size, (unsigned long long)hardware->window_bytes, arguments->iommu_domain_id);

  struct buffer *buffer = calloc(1, sizeof *buffer);
  if (!buffer) return -ENOMEM;
  *buffer = (struct buffer){.file = file, .flags = arguments->flags, .domain = domain,
                            .size = size, .dma_addr = address, .obj_addr = next_obj_addr};
  int status = map_both_sides(buffer);
  if (status == 0 && size <= poison_bytes && !(buffer->flags & MEM_ZEROING)) status = poison(buffer);
  if (status == 0) status = take_handle(file, buffer);
  if (status == 0 && shared_is_joined()) status = shared_take(domain, address, size);
  if (status == 0) status = insert(&windows[domain], buffer);
  if (status < 0) {
    say("the host has no memory for a buffer of %llu bytes", (unsigned long long)size);
    if (shared_is_joined()) shared_give_back(domain, address);
    release(buffer);
    return status;
  }
  next_obj_addr += 0x400;
  if (!hardware->iommu) cma_used += size;
  stats_add(&stats.allocations, 1);
  stats_add(&stats.live_buffers, 1);
  stats_add(&stats.live_buffer_bytes, size);
  stats_note_peak();
  arguments->handle = buffer->handle;
  arguments->size = size;
  arguments->obj_addr = buffer->obj_addr;
  arguments->dma_addr = buffer->dma_addr;
  arguments->sram_size = 0; /* no SRAM: MEM_TRY_SRAM is a wish */
  return 0;
}

int memory_create(struct open_file *file, struct uapi_mem_create *arguments, uint64_t poison_bytes) {
  int status = check_request(file, arguments);
  if (status < 0) return status;
  status = shared_lock_memory();
  if (status < 0) return status;
  status = create(file, arguments, poison_bytes);
  shared_unlock_memory();
  return status;
}

static void destroy(struct buffer *buffer) {
  remove_from(&windows[buffer->domain], buffer);
  if (shared_is_joined()) shared_give_back(buffer->domain, buffer->dma_addr);
  if (!buffer->file->hardware.iommu) cma_used -= buffer->size;
  stats_subtract(&stats.live_buffers, 1);
  stats_subtract(&stats.live_buffer_bytes, buffer->size);
  release(buffer);
}

int memory_destroy(struct open_file *file, uint32_t handle) {
  struct buffer *buffer = memory_by_handle(file, handle);
  if (!buffer) return refuse(EINVAL, "handle", "MEM_DESTROY handle %u is no buffer of this file", handle);
  destroy(buffer);
  return 0;
}

void memory_free_all(struct open_file *file) {
  for (uint32_t slot = 0; slot < file->handle_count; slot++) {
    if (!file->handles[slot]) continue;
    stats_add(&stats.leaked_buffers, 1);
    stats_add(&stats.leaked_buffer_bytes, file->handles[slot]->size);
    destroy(file->handles[slot]);
  }
}

struct buffer *memory_by_handle(const struct open_file *file, uint32_t handle) {
  return handle == 0 || handle > file->handle_count ? NULL : file->handles[handle - 1];
}

struct buffer *memory_by_obj_addr(const struct open_file *file, uint64_t obj_addr) {
  for (uint32_t slot = 0; slot < file->handle_count; slot++)
    if (file->handles[slot] && file->handles[slot]->obj_addr == obj_addr) return file->handles[slot];
  return NULL;
}

struct buffer *memory_by_offset(const struct open_file *file, uint64_t offset) {
  for (uint32_t slot = 0; slot < file->handle_count; slot++)
    if (file->handles[slot] && file->handles[slot]->offset == offset) return file->handles[slot];
  return NULL;
}
