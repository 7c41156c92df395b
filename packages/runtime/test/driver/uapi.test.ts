import { describe, expect, test } from '@jest/globals';
import {
  ACTION,
  Action,
  DRM_VERSION,
  JobFlag,
  MEM_CREATE,
  MEM_DESTROY,
  MEM_MAP,
  MEM_SYNC,
  MemFlag,
  SUBMIT,
  SyncFlag,
  TASK_RECORD_BYTES,
  writeTaskRecord,
} from '../../src/driver/vendor/uapi.js';

// By hand from the driver's header: 3 << 30 | size << 16 | 0x64 << 8 | nr, and each field's place in its struct.
const wanted = [
  [
    DRM_VERSION,
    0xc0406400,
    {
      version_major: 0,
      version_minor: 4,
      version_patchlevel: 8,
      padding: 12,
      name_len: 16,
      name: 24,
      date_len: 32,
      date: 40,
      desc_len: 48,
      desc: 56,
    },
  ],
  [ACTION, 0xc0086440, { flags: 0, value: 4 }],
  [
    SUBMIT,
    0xc0686441,
    {
      flags: 0,
      timeout: 4,
      task_start: 8,
      task_number: 12,
      task_counter: 16,
      priority: 20,
      task_obj_addr: 24,
      regcfg_obj_addr: 32,
      task_base_addr: 40,
      user_data: 48,
      core_mask: 56,
      fence_fd: 60,
      subcore_0_task_start: 64,
      subcore_0_task_number: 68,
      subcore_1_task_start: 72,
      subcore_1_task_number: 76,
      subcore_2_task_start: 80,
      subcore_2_task_number: 84,
      subcore_3_task_start: 88,
      subcore_3_task_number: 92,
      subcore_4_task_start: 96,
      subcore_4_task_number: 100,
    },
  ],
  [MEM_CREATE, 0xc0286442, { handle: 0, flags: 4, size: 8, obj_addr: 16, dma_addr: 24, sram_size: 32 }],
  [MEM_MAP, 0xc0106443, { handle: 0, reserved: 4, offset: 8 }],
  [MEM_DESTROY, 0xc0106444, { handle: 0, reserved: 4, obj_addr: 8 }],
  [MEM_SYNC, 0xc0206445, { flags: 0, reserved: 4, obj_addr: 8, offset: 16, size: 24 }],
] as const;

describe.each(wanted.map(row => [row[0].name, ...row] as const))('%s', (_, definition, request, offsets) => {
  test(`has request number 0x${request.toString(16)}`, () => {
    expect(definition.request).toBe(request);
  });

  test('has its fields where the kernel has them', () => {
    expect(definition.offsets).toEqual(offsets);
  });

  test('has the size that its request number says', () => {
    expect(definition.bytes).toBe((request >>> 16) & 0x3fff);
  });
});

test('flags and actions are the numbers of the uAPI', () => {
  expect(MemFlag).toEqual({
    contiguous: 0,
    nonContiguous: 1,
    cacheable: 2,
    writeCombine: 4,
    kernelMapping: 8,
    dma32: 128,
  });
  expect(SyncFlag).toEqual({ toDevice: 1, fromDevice: 2 });
  expect(JobFlag).toEqual({ pc: 1, pingPong: 4 });
  expect(Action).toEqual({ hardwareVersion: 0, frequency: 2, reset: 6, iommuEnabled: 18 });
});

describe('a task record', () => {
  test('is 40 bytes, packed, and leaves its neighbours alone', () => {
    expect(TASK_RECORD_BYTES).toBe(40);
    const bytes = new Uint8Array(120).fill(0xee);
    writeTaskRecord(new Uint32Array(bytes.buffer), 1, 0xfedcba90, 108);
    const view = new DataView(bytes.buffer, 40, 40);
    expect({
      flags: view.getUint32(0, true),
      opIdx: view.getUint32(4, true),
      enableMask: view.getUint32(8, true),
      intMask: view.getUint32(12, true),
      intClear: view.getUint32(16, true),
      intStatus: view.getUint32(20, true),
      regcfgAmount: view.getUint32(24, true),
      regcfgOffset: view.getUint32(28, true),
      regcmdAddr: view.getBigUint64(32, true),
    }).toEqual({
      flags: 0,
      opIdx: 0,
      enableMask: 0x0d,
      intMask: 0x300,
      intClear: 0x1ffff,
      intStatus: 0,
      regcfgAmount: 104,
      regcfgOffset: 0,
      regcmdAddr: 0xfedcba90n,
    });
    expect(new Set([...bytes.subarray(0, 40), ...bytes.subarray(80)])).toEqual(new Set([0xee]));
  });

  test('behind the end of the array is refused', () => {
    expect(() => writeTaskRecord(new Uint32Array(19), 1, 0, 108)).toThrow('no room for task record 1');
  });
});
