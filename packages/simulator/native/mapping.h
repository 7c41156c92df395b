/* mmap of a buffer: real mappings of the memory file, checked against the buffers first. */
#ifndef NPU_SIM_MAPPING_H
#define NPU_SIM_MAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Maps a buffer of a device fd; returns MAP_FAILED with errno set. */
void *device_mmap(void *address, size_t size, int protection, int flags, int fd, int64_t offset);
/* Unmaps, and counts when it was a buffer's mapping. Any address: a foreign one just goes to the kernel. */
int device_munmap(void *address, size_t size);
/* Whether any buffer is mapped: lets a preloaded program's other munmaps pass without a lookup. */
bool device_has_mappings(void);

#endif
