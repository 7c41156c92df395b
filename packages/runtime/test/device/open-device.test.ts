import { describe, expect, test } from '@jest/globals';
import { UsageError } from '@npu-llama/format';
import { openDevice } from '../../src/device/index.js';
import { rejectionOf } from '../support/errors.js';

describe('openDevice', () => {
  test.each<[string, object, string]>([
    ['no core', { cores: 0 }, 'impossible number of cores: got 0, wanted 1 to 3'],
    ['more cores than there are', { cores: 4 }, 'impossible number of cores: got 4, wanted 1 to 3'],
    ['half a core', { cores: 1.5 }, 'impossible number of cores: got 1.5, wanted 1 to 3'],
    ['a kind that does not exist', { kind: 'gpu' }, 'no such device: got gpu, wanted auto, rknpu, sim'],
    [
      'a path for the simulated device',
      { kind: 'sim', path: '/dev/dri/card1' },
      'the simulated device has no path: got /dev/dri/card1; leave the path or the device out',
    ],
    [
      'an FFI that does not exist',
      { kind: 'sim', ffi: 'node-ffi' },
      'no such FFI adapter (option ffi, or NPU_FFI): got node-ffi, wanted koffi or ffi-napi',
    ],
    ['rows that no job has', { kind: 'sim', rows: 2 }, 'impossible rows: got 2, wanted 1 or 4'],
  ])('refuses %s', async (_, options, message) => {
    const error = await rejectionOf(openDevice(options as never));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toBe(message);
  });

  test('refuses an FFI that does not exist in NPU_FFI, too', async () => {
    const before = process.env['NPU_FFI'];
    process.env['NPU_FFI'] = 'n-api';
    try {
      const error = await rejectionOf(openDevice({ kind: 'sim' }));
      expect(error).toBeInstanceOf(UsageError);
      expect(error.message).toContain('got n-api, wanted koffi or ffi-napi');
    } finally {
      if (before === undefined) delete process.env['NPU_FFI'];
      else process.env['NPU_FFI'] = before;
    }
  });
});
