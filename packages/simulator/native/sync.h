/* MEM_SYNC: a cacheable buffer has two sides, what the CPU sees and what the device sees. */
#ifndef NPU_SIM_SYNC_H
#define NPU_SIM_SYNC_H

#include "device.h"
#include "uapi.h"

/* 0 or -errno. Call with device_lock held for reading. */
int memory_sync(const struct open_file *file, const struct uapi_mem_sync *arguments);

#endif
