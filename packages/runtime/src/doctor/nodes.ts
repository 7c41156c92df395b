import { basename } from 'node:path';
import { MAINLINE_NODES, VENDOR_NODES } from '../device/find-node.js';
import { readDrmVersion } from '../driver/drm-version.js';
import { type Kernel, KernelError } from '../driver/kernel.js';
import type { HostFiles } from './host-files.js';

/** A device node that is there, asked for its driver and closed again. */
export interface SeenNode {
  readonly path: string;
  /** What DRM_IOCTL_VERSION answered. */
  readonly driver?: { readonly name: string; readonly version: string };
  /** Of the call that failed, where one did. */
  readonly errno?: string;
  readonly problem?: string;
}

/** Asks every node that may be an NPU's, or the one given. Nodes that are not there are left out, unless given. */
export function seeNodes(kernel: Kernel, given?: string): SeenNode[] {
  if (given !== undefined) return [seeNode(kernel, given)];
  return [...VENDOR_NODES, ...MAINLINE_NODES]
    .map(path => seeNode(kernel, path))
    .filter(({ errno }) => errno !== 'ENOENT');
}

function seeNode(kernel: Kernel, path: string): SeenNode {
  let fd: number | undefined;
  try {
    fd = kernel.open(path);
    return { path, driver: readDrmVersion(kernel, fd) };
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return { path, errno: error.errno, problem: error.message };
  } finally {
    if (fd !== undefined) kernel.close(fd);
  }
}

export function isForbidden({ errno }: SeenNode): boolean {
  return errno === 'EACCES' || errno === 'EPERM';
}

/** The driver of a DRM or accel node as sysfs tells it to everybody, in lower case: `rknpu`. */
export function sysfsDriver(files: HostFiles, node: string): string | undefined {
  const name = basename(node);
  const uevent = files.text(`/sys/class/${name.startsWith('accel') ? 'accel' : 'drm'}/${name}/device/uevent`);
  return uevent === undefined ? undefined : /^DRIVER=(.*)$/m.exec(uevent)?.[1]?.toLowerCase();
}
