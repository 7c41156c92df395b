/* System calls the simulator makes for itself. They go straight to the kernel: under LD_PRELOAD the libc
 * names are the simulator's own interposed functions. */
#ifndef NPU_SIM_HOST_H
#define NPU_SIM_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int host_create_memory_file(bool close_on_exec);
int host_resize(int fd, uint64_t size);
int64_t host_write(int fd, const void *bytes, size_t count, uint64_t offset);
int host_discard(int fd, uint64_t offset, uint64_t size);
void *host_map(void *address, size_t size, int protection, int flags, int fd, int64_t offset);
int host_unmap(void *address, size_t size);
int host_close(int fd);
uint64_t host_nanoseconds(void);
unsigned host_processors(void);

#endif
