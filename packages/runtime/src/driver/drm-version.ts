import type { Kernel } from './kernel.js';
import { DRM_VERSION } from './vendor/uapi.js';

/** What a DRM driver says it is. */
export interface DrmVersion {
  readonly name: string;
  /** `0.9.8`. */
  readonly version: string;
}

const MAX_NAME_BYTES = 64;

/** DRM_IOCTL_VERSION: which driver is behind an open node. @throws KernelError when the node is no DRM device */
export function readDrmVersion(kernel: Kernel, fd: number): DrmVersion {
  const name = kernel.pinned(MAX_NAME_BYTES);
  const argument = kernel
    .argument(DRM_VERSION)
    .set({ name: BigInt(name.address), name_len: BigInt(MAX_NAME_BYTES) });
  kernel.ioctl(fd, argument);
  // The driver answers with the whole length, even where less had room.
  const length = Math.min(Number(argument.get('name_len')), MAX_NAME_BYTES);
  const text = Buffer.from(name.bytes.subarray(0, length)).toString('latin1');
  const numbers = [
    argument.get('version_major'),
    argument.get('version_minor'),
    argument.get('version_patchlevel'),
  ];
  return { name: text, version: numbers.join('.') };
}
