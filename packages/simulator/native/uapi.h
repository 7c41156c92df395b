/* The vendor driver's uAPI: structures and ioctl numbers of "rknpu" (kernels 5.10 and 6.1), with the
 * kernel's names. Everything is little endian, as on the board. */
#ifndef NPU_SIM_UAPI_H
#define NPU_SIM_UAPI_H

#include <stdint.h>

enum {
  DRM_IOCTL_MAGIC = 'd',
  DRM_NR_VERSION = 0x00,
  DRM_NR_GEM_CLOSE = 0x09,
  RKNPU_NR_ACTION = 0x40,
  RKNPU_NR_SUBMIT = 0x41,
  RKNPU_NR_MEM_CREATE = 0x42,
  RKNPU_NR_MEM_MAP = 0x43,
  RKNPU_NR_MEM_DESTROY = 0x44,
  RKNPU_NR_MEM_SYNC = 0x45,
};

/* An ioctl number: direction << 30 | size << 16 | magic << 8 | nr. */
static inline unsigned ioctl_nr(unsigned long request) { return request & 0xff; }
static inline unsigned ioctl_magic(unsigned long request) { return request >> 8 & 0xff; }
static inline unsigned ioctl_size(unsigned long request) { return request >> 16 & 0x3fff; }
static inline unsigned ioctl_direction(unsigned long request) { return request >> 30 & 3; }
enum { IOCTL_WRITE = 1, IOCTL_READ_WRITE = 3 };

enum mem_flags {
  MEM_NON_CONTIGUOUS = 1 << 0,
  MEM_CACHEABLE = 1 << 1,
  MEM_WRITE_COMBINE = 1 << 2,
  MEM_KERNEL_MAPPING = 1 << 3,
  MEM_IOMMU = 1 << 4,
  MEM_ZEROING = 1 << 5,
  MEM_SECURE = 1 << 6,
  MEM_DMA32 = 1 << 7, /* 5.10: non-dma32 */
  MEM_TRY_SRAM = 1 << 8,
  MEM_FLAGS_KNOWN = (1 << 9) - 1,
};

enum sync_flags { SYNC_TO_DEVICE = 1 << 0, SYNC_FROM_DEVICE = 1 << 1 };

enum job_flags {
  JOB_PC = 1 << 0,
  JOB_NONBLOCK = 1 << 1,
  JOB_PINGPONG = 1 << 2,
  JOB_FENCE_IN = 1 << 3,
  JOB_FENCE_OUT = 1 << 4,
};

enum action_code {
  ACTION_HW_VERSION = 0,
  ACTION_DRIVER_VERSION = 1,
  ACTION_GET_FREQUENCY = 2,
  ACTION_RESET = 6,
  ACTION_CLEAR_TRAFFIC = 13,
  ACTION_WRITTEN_BYTES = 14,
  ACTION_FEATURE_BYTES = 15,
  ACTION_WEIGHT_BYTES = 16,
  ACTION_TOTAL_BYTES = 17,
  ACTION_IOMMU_ENABLED = 18,
  ACTION_POWER_ON = 20,
  ACTION_POWER_OFF = 21,
  ACTION_SRAM_TOTAL = 22,
  ACTION_SRAM_FREE = 23,
  ACTION_GET_DOMAIN = 24,
  ACTION_SET_DOMAIN = 25,
};

struct uapi_action {
  uint32_t action;
  uint32_t value;
};

struct uapi_subcore_task {
  uint32_t task_start;
  uint32_t task_number;
};

enum { SUBCORE_TASKS = 5, MAX_TASKS_PER_KICK = 4095 };

struct uapi_submit {
  uint32_t flags;
  uint32_t timeout_ms;
  uint32_t task_start;
  uint32_t task_number;
  uint32_t task_counter;
  int32_t priority;
  uint64_t task_obj_addr;
  uint32_t iommu_domain_id; /* low half of regcfg_obj_addr before 0.9.8 */
  uint32_t reserved;
  uint64_t task_base_addr;
  int64_t hw_elapse_time; /* user_data before 0.9.8 */
  uint32_t core_mask;
  int32_t fence_fd;
  struct uapi_subcore_task subcore_task[SUBCORE_TASKS];
};

struct uapi_mem_create {
  uint32_t handle;
  uint32_t flags;
  uint64_t size;
  uint64_t obj_addr;
  uint64_t dma_addr;
  uint64_t sram_size;
  int32_t iommu_domain_id; /* later drivers: the 48-byte form */
  uint32_t core_mask;
};
enum { MEM_CREATE_SHORT_SIZE = 40 };

struct uapi_mem_map {
  uint32_t handle;
  uint32_t reserved;
  uint64_t offset;
};

struct uapi_mem_destroy {
  uint32_t handle;
  uint32_t reserved;
  uint64_t obj_addr;
};

struct uapi_mem_sync {
  uint32_t flags;
  uint32_t reserved;
  uint64_t obj_addr;
  uint64_t offset;
  uint64_t size;
};

struct uapi_gem_close {
  uint32_t handle;
  uint32_t pad;
};

struct uapi_version {
  int32_t major, minor, patch, pad;
  uint64_t name_len, name;
  uint64_t date_len, date;
  uint64_t desc_len, desc;
};

/* One task record, packed, an array of them in a buffer created with MEM_KERNEL_MAPPING. */
struct uapi_task {
  uint32_t flags;
  uint32_t op_idx;
  uint32_t enable_mask;
  uint32_t int_mask;
  uint32_t int_clear;
  uint32_t int_status;
  uint32_t regcfg_amount;
  uint32_t regcfg_offset;
  uint64_t regcmd_addr;
} __attribute__((packed));

enum {
  INT_DPU = 0x300,          /* both DPU groups: the one interrupt a matmul ends with */
  PC_DATA_EXTRA_AMOUNT = 4, /* words of a program that regcfg_amount leaves out */
};

_Static_assert(sizeof(struct uapi_submit) == 104, "SUBMIT is 104 bytes");
_Static_assert(sizeof(struct uapi_mem_create) == 48, "MEM_CREATE is 48 bytes in its long form");
_Static_assert(sizeof(struct uapi_mem_sync) == 32, "MEM_SYNC is 32 bytes");
_Static_assert(sizeof(struct uapi_version) == 64, "VERSION is 64 bytes");
_Static_assert(sizeof(struct uapi_task) == 40, "a task record is 40 bytes");

#endif
