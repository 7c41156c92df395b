/* Buffers: page-aligned ranges of an open file's memory file, each with a DMA address below 4 GiB and guard
 * pages around it, so that one byte too far is nobody's. */
#ifndef NPU_SIM_MEMORY_H
#define NPU_SIM_MEMORY_H

#include "device.h"
#include "uapi.h"

enum { PAGE_BYTES = 4096, DOMAINS = 16 };
#define WINDOW_START 0x10000000ull /* nothing is ever below: address 0 and small numbers are bugs */

struct buffer {
  struct open_file *file;
  uint32_t handle, flags, domain;
  uint64_t obj_addr; /* what the vendor driver hands out: a kernel address, here an invented and unique one */
  uint64_t size;     /* whole pages */
  uint64_t dma_addr;
  uint64_t offset;   /* in the memory file, of the side that mmap gives */
  uint64_t device_offset;
  uint8_t *cpu;      /* the simulator's own mappings; cpu == device unless cacheable */
  uint8_t *device;
  bool poisoned;     /* so all of its pages are there */
};

/* poison_bytes: the largest buffer that starts as NaNs. Each returns 0 or -errno after a line on stderr. Call with device_lock held for writing. */
int memory_create(struct open_file *file, struct uapi_mem_create *arguments, uint64_t poison_bytes);
int memory_destroy(struct open_file *file, uint32_t handle);
/* Frees what a closing file still has: leaks. */
void memory_free_all(struct open_file *file);

/* Lookups; device_lock held for reading is enough. NULL when there is none. */
struct buffer *memory_by_handle(const struct open_file *file, uint32_t handle);
struct buffer *memory_by_obj_addr(const struct open_file *file, uint64_t obj_addr);
struct buffer *memory_by_offset(const struct open_file *file, uint64_t offset);
/* The buffer that holds a DMA address. */
struct buffer *memory_by_dma(uint32_t domain, uint64_t address);

#endif
