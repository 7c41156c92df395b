import {
  MAINLINE_DRIVER_NAME,
  MAINLINE_NODES,
  VENDOR_DRIVER_NAME,
  VENDOR_NODES,
} from '../device/find-node.js';
import { nodeDriver } from '../device/node-driver.js';
import { readDrmVersion } from '../driver/drm-version.js';
import { type Kernel, KernelError } from '../driver/kernel.js';
import type { HostFiles } from './host-files.js';

/** A device node that is there: asked for its driver and closed again, or known to be another's and left alone. */
export interface SeenNode {
  readonly path: string;
  /** What sysfs said of one that was left alone: `rockchip-drm`. */
  readonly otherDriver?: string;
  /** What DRM_IOCTL_VERSION answered. */
  readonly driver?: { readonly name: string; readonly version: string };
  /** Of the call that failed, where one did. */
  readonly errno?: string;
  readonly problem?: string;
}

/**
 * Asks every node that may be an NPU's. Nodes that are not there are left out.
 * @param files what tells the drivers of nodes; undefined where it says nothing of them (npu-sim)
 */
export function seeNodes(kernel: Kernel, files: HostFiles | undefined): SeenNode[] {
  return [...VENDOR_NODES, ...MAINLINE_NODES].flatMap(path => {
    const told = files && sysfsDriver(files, path);
    const isOther = told !== undefined && !NPU_DRIVERS.includes(told);
    if (isOther) return files?.exists(path) ? [{ path, otherDriver: told }] : [];
    const seen = seeNode(kernel, path);
    return seen.errno === 'ENOENT' ? [] : [seen];
  });
}

const NPU_DRIVERS: readonly string[] = [VENDOR_DRIVER_NAME, MAINLINE_DRIVER_NAME];

/** Asks a node for its driver. */
export function seeNode(kernel: Kernel, path: string): SeenNode {
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

/** nodeDriver, below the root of the files. */
export function sysfsDriver(files: HostFiles, node: string): string | undefined {
  return nodeDriver(node, path => files.text(path));
}
