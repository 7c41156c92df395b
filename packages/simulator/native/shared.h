/* One device for several processes (`shared=FILE` in their plans): what of it they have in common lies in that file, mapped
 * by all. That is contiguous memory and the DMA windows (who has which range), the cores, and whether they hang. Buffers' bytes,
 * registers, counters and planned faults stay each process's own.
 *
 * Locks are the kernel's on bytes of the file (open file descriptions'), so that a process which is killed leaves none behind;
 * the ranges that it leaves are swept by the next one that looks. Waited for after the locks of device.h and cores.h. */
#ifndef NPU_SIM_SHARED_H
#define NPU_SIM_SHARED_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"

/* Before a file is opened: joins the device of the plan, or none where it names none. 0; -EBUSY while this process has files of
 * another device open; -EBADMSG when the file cannot be opened, is no device, or one of other hardware. */
int shared_enter(const struct plan *plan);
/* After a file is closed, or could not be opened. With the last one its process leaves. */
void shared_exit(void);
bool shared_is_joined(void);

/* Around a look at what follows and the change that depends on it; nothing when not joined. 0, or -errno after a line on stderr
 * (a program may close descriptors that are not its own). */
int shared_lock_memory(void);
void shared_unlock_memory(void);
/* Joined and locked: bytes in all ranges, of all processes that live. */
uint64_t shared_bytes_in_use(void);
/* A free address for a buffer with guard pages around it, as choose_address of memory.c; 0: none. */
uint64_t shared_find_gap(uint32_t domain, uint64_t size, uint64_t window_end);
/* Takes a range. 0, or -ENOMEM when there are too many. */
int shared_take(uint32_t domain, uint64_t address, uint64_t size);
/* Gives a range back. Needs no lock. */
void shared_give_back(uint32_t domain, uint64_t address);

/* Waits until no other process has these cores, in the order of their numbers; for cores that this process has itself. As shared_lock_memory. */
int shared_acquire_cores(uint32_t mask);
void shared_release_cores(uint32_t mask);
/* Cores that wait for a reset, as a mask; for those that this process has acquired. */
uint32_t shared_hung_cores(void);
void shared_set_hung(uint32_t mask, bool hung);

#endif
