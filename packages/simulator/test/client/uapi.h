/* The vendor uAPI as the test's clients declare it, from the vendor driver's header. */
#ifndef TEST_UAPI_H
#define TEST_UAPI_H

#include <stdint.h>
#include <sys/ioctl.h>

struct npu_action { uint32_t action, value; };
struct npu_subcore { uint32_t start, number; };
struct npu_submit {
  uint32_t flags, timeout_ms, task_start, task_number, task_counter;
  int32_t priority;
  uint64_t task_obj_addr, regcfg_obj_addr, task_base_addr, user_data;
  uint32_t core_mask;
  int32_t fence_fd;
  struct npu_subcore subcore[5];
};
struct npu_create { uint32_t handle, flags; uint64_t size, obj_addr, dma_addr, sram_size; };
struct npu_map { uint32_t handle, reserved; uint64_t offset; };
struct npu_destroy { uint32_t handle, reserved; uint64_t obj_addr; };
struct npu_sync { uint32_t flags, reserved; uint64_t obj_addr, offset, size; };
struct npu_version { int32_t major, minor, patch, pad; uint64_t name_len, name, date_len, date, desc_len, desc; };
struct __attribute__((packed)) npu_task {
  uint32_t flags, op_idx, enable_mask, int_mask, int_clear, int_status, regcfg_amount, regcfg_offset;
  uint64_t regcmd_addr;
};

#define NPU_VERSION _IOWR('d', 0x00, struct npu_version)
#define NPU_ACTION _IOWR('d', 0x40, struct npu_action)
#define NPU_SUBMIT _IOWR('d', 0x41, struct npu_submit)
#define NPU_CREATE _IOWR('d', 0x42, struct npu_create)
#define NPU_MAP _IOWR('d', 0x43, struct npu_map)
#define NPU_DESTROY _IOWR('d', 0x44, struct npu_destroy)
#define NPU_SYNC _IOWR('d', 0x45, struct npu_sync)

#endif
