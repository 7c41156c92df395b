import { defineDrmIoctl } from '../ioctl.js';

/*
 * The vendor kernel's rknpu driver (kernels 5.10 and 6.1): include/uapi/drm's rknpu_ioctl.h, in its names.
 * Later drivers read regcfg_obj_addr as iommu_domain_id and write user_data as hw_elapse_time; 0 means the same in both.
 */

export const DRM_VERSION = defineDrmIoctl('DRM_IOCTL_VERSION', 'read-write', 0x00, 64, {
  version_major: 's32',
  version_minor: 's32',
  version_patchlevel: 's32',
  padding: 's32',
  name_len: 'u64',
  name: 'u64',
  date_len: 'u64',
  date: 'u64',
  desc_len: 'u64',
  desc: 'u64',
});

export const ACTION = defineDrmIoctl('RKNPU_ACTION', 'read-write', 0x40, 8, { flags: 'u32', value: 'u32' });

export const SUBMIT = defineDrmIoctl('RKNPU_SUBMIT', 'read-write', 0x41, 104, {
  flags: 'u32',
  timeout: 'u32',
  task_start: 'u32',
  task_number: 'u32',
  task_counter: 'u32',
  priority: 's32',
  task_obj_addr: 'u64',
  regcfg_obj_addr: 'u64',
  task_base_addr: 'u64',
  user_data: 'u64',
  core_mask: 'u32',
  fence_fd: 's32',
  subcore_0_task_start: 'u32',
  subcore_0_task_number: 'u32',
  subcore_1_task_start: 'u32',
  subcore_1_task_number: 'u32',
  subcore_2_task_start: 'u32',
  subcore_2_task_number: 'u32',
  subcore_3_task_start: 'u32',
  subcore_3_task_number: 'u32',
  subcore_4_task_start: 'u32',
  subcore_4_task_number: 'u32',
});

/** The 40-byte form, which every version of the driver accepts. */
export const MEM_CREATE = defineDrmIoctl('RKNPU_MEM_CREATE', 'read-write', 0x42, 40, {
  handle: 'u32',
  flags: 'u32',
  size: 'u64',
  obj_addr: 'u64',
  dma_addr: 'u64',
  sram_size: 'u64',
});

export const MEM_MAP = defineDrmIoctl('RKNPU_MEM_MAP', 'read-write', 0x43, 16, {
  handle: 'u32',
  reserved: 'u32',
  offset: 'u64',
});

export const MEM_DESTROY = defineDrmIoctl('RKNPU_MEM_DESTROY', 'read-write', 0x44, 16, {
  handle: 'u32',
  reserved: 'u32',
  obj_addr: 'u64',
});

export const MEM_SYNC = defineDrmIoctl('RKNPU_MEM_SYNC', 'read-write', 0x45, 32, {
  flags: 'u32',
  reserved: 'u32',
  obj_addr: 'u64',
  offset: 'u64',
  size: 'u64',
});

export const MemFlag = {
  contiguous: 0,
  nonContiguous: 1,
  cacheable: 2,
  writeCombine: 4,
  kernelMapping: 8,
  /** Kernel 6.1: memory below 4 GiB. Kernel 5.10: the opposite. */
  dma32: 128,
} as const;

export const SyncFlag = { toDevice: 1, fromDevice: 2 } as const;

export const JobFlag = { pc: 1, pingPong: 4 } as const;

export const Action = { hardwareVersion: 0, frequency: 2, reset: 6, iommuEnabled: 18 } as const;

/** One entry of the task array: rknpu_task, 40 bytes packed. */
export const TASK_RECORD_BYTES = 40;
const TASK_WORD = {
  flags: 0,
  opIdx: 1,
  enableMask: 2,
  intMask: 3,
  intClear: 4,
  intStatus: 5,
  amount: 6,
  offset: 7,
  address: 8,
};

/** PC, CNA and DPU. */
const ENABLE_MASK = 0x0d;
/** Wait for the DPU, either group of its ping-pong registers. */
const INTERRUPT_MASK = 0x300;
const INTERRUPT_CLEAR = 0x1ffff;
/** The trailer's words, which the driver adds by itself. */
const TRAILER_WORDS = 4;

/**
 * Writes entry `index` of a task array.
 * @param records the task buffer, as u32
 * @param programAddress DMA address of the program, below 4 GiB
 * @param programWords its 64-bit words, trailer included
 */
export function writeTaskRecord(
  records: Uint32Array,
  index: number,
  programAddress: number,
  programWords: number,
): void {
  const at = (index * TASK_RECORD_BYTES) / 4;
  if (at + TASK_RECORD_BYTES / 4 > records.length) throw new RangeError(`no room for task record ${index}`);
  records.fill(0, at, at + TASK_RECORD_BYTES / 4);
  records[at + TASK_WORD.enableMask] = ENABLE_MASK;
  records[at + TASK_WORD.intMask] = INTERRUPT_MASK;
  records[at + TASK_WORD.intClear] = INTERRUPT_CLEAR;
  records[at + TASK_WORD.amount] = programWords - TRAILER_WORDS;
  records[at + TASK_WORD.address] = programAddress;
}
