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
int host_open(const char *path, int flags, unsigned mode);
int64_t host_file_size(int fd);
enum host_lock { HOST_UNLOCK, HOST_LOCK_TRY, HOST_LOCK_WAIT };
/* A byte of a file, locked for its open file description: other processes wait, and the lock goes with the last descriptor. */
int host_lock_byte(int fd, unsigned byte, enum host_lock what);
/* Whether another open file description has it. */
bool host_byte_is_locked(int fd, unsigned byte);
uint64_t host_nanoseconds(void);
unsigned host_processors(void);

#endif
