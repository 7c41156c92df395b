import { describe, expect, test } from '@jest/globals';
import { readDrmVersion } from '../../src/driver/drm-version.js';
import { FakeKernel } from '../support/fake-kernel.js';

/** A DRM driver: copies what there is room for of its name, and answers with the whole length (drm_copy_field). */
function drm(name: string): FakeKernel {
  const kernel: FakeKernel = new FakeKernel({
    DRM_IOCTL_VERSION: argument => {
      const room = Number(argument.get('name_len'));
      const target = kernel.memory.get(Number(argument.get('name')))!;
      expect(target.length).toBe(room); // more would be written over what is behind
      target.set(Buffer.from(name).subarray(0, room));
      argument.set({
        version_major: 0,
        version_minor: 9,
        version_patchlevel: 8,
        name_len: BigInt(name.length),
      });
    },
  });
  return kernel;
}

describe('readDrmVersion', () => {
  test.each(['rknpu', 'i915', ''])('reads the name %j and the version', name => {
    expect(readDrmVersion(drm(name), 3)).toEqual({ name, version: '0.9.8' });
  });

  test('cuts a name longer than its buffer instead of reading behind it', () => {
    const { name } = readDrmVersion(drm('x'.repeat(200)), 3);
    expect(name).toBe('x'.repeat(64));
  });

  test('a name that only begins like the driver is another', () => {
    expect(readDrmVersion(drm('rknpu2'), 3).name).toBe('rknpu2');
  });
});
