import { statSync } from 'node:fs';
import { readDrmVersion } from '../driver/drm-version.js';
import { type Kernel, KernelError } from '../driver/kernel.js';
import { GONE } from '../driver/vendor/remedies.js';
import { DeviceError } from '../errors.js';
import { toldDriver } from './node-driver.js';

/** An open device node of the vendor driver. */
export interface OpenNode {
  readonly fd: number;
  readonly path: string;
  readonly version: string;
}

export const VENDOR_DRIVER_NAME = 'rknpu';
export const MAINLINE_DRIVER_NAME = 'rocket';

/** Nodes to try: the kernel numbers cards from 0 and render nodes from 128. */
const CARD_NODES = Array.from({ length: 16 }, (_, i) => `/dev/dri/card${i}`);
const RENDER_NODES = Array.from({ length: 16 }, (_, i) => `/dev/dri/renderD${128 + i}`);
export const MAINLINE_NODES = Array.from({ length: 4 }, (_, i) => `/dev/accel/accel${i}`);
export const VENDOR_NODES = [...CARD_NODES, ...RENDER_NODES];

interface FailedAttempt {
  readonly path: string;
  readonly problem: string;
  readonly errno?: string;
}

type Attempt = { readonly node: OpenNode } | FailedAttempt;

function tryNode(kernel: Kernel, path: string): Attempt {
  let fd: number;
  try {
    fd = kernel.open(path);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return { path, problem: error.message, errno: error.errno };
  }
  const attempt = askNode(kernel, fd, path);
  if (!('node' in attempt)) closeUnused(kernel, fd);
  return attempt;
}

/** Of a node that is not used why it is not is what matters; its file is closed whatever close() answers. */
function closeUnused(kernel: Kernel, fd: number): void {
  try {
    kernel.close(fd);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
  }
}

function askNode(kernel: Kernel, fd: number, path: string): Attempt {
  try {
    const { name, version } = readDrmVersion(kernel, fd);
    if (name === VENDOR_DRIVER_NAME) return { node: { fd, path, version } };
    return { path, problem: `driver ${name} ${version}` };
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    const { errno, message } = error;
    return { path, problem: errno === 'ENODEV' ? message : `not a DRM device (${errno})`, errno };
  }
}

/**
 * Opens one device node, which must answer DRM_IOCTL_VERSION with "rknpu".
 * @throws DeviceError saying why it cannot be used
 */
export function openNode(kernel: Kernel, path: string): OpenNode {
  const attempt = tryNode(kernel, path);
  if ('node' in attempt) return attempt.node;
  if (isForbidden(attempt)) throw permissionError(path);
  throw unusable(attempt);
}

function unusable({ path, problem, errno }: FailedAttempt): DeviceError {
  const isGone = errno === 'ENODEV';
  return new DeviceError(`cannot use ${path} as an NPU: ${problem}`, {
    wanted: `driver ${VENDOR_DRIVER_NAME}`,
    next: isGone ? GONE : 'leave --device-path out to have the node found, or see docs/board-setup.md',
  });
}

/** Says nothing about the node, and would be the same with every other. */
const EXHAUSTED: readonly string[] = ['EMFILE', 'ENFILE', 'ENOMEM'];

/**
 * Looks for the vendor driver's node, by driver name, since its number differs from board to board. Nodes that sysfs gives to
 * other drivers are not opened.
 * @param driverOf for tests: the driver of a node without opening it
 * @returns undefined where this machine has none
 * @throws DeviceError when there may be one that this user is not allowed to open, it has gone, or the mainline driver is in
 *   its place
 */
export function findNode(
  kernel: Kernel,
  driverOf: (path: string) => string | undefined = path => toldDriver(path),
): OpenNode | undefined {
  const forbidden: string[] = [];
  for (const path of VENDOR_NODES) {
    const told = driverOf(path);
    if (told !== undefined && told !== VENDOR_DRIVER_NAME) continue;
    const attempt = tryNode(kernel, path);
    if ('node' in attempt) return attempt.node;
    if (isForbidden(attempt)) forbidden.push(path);
    if (told !== undefined && attempt.errno === 'ENODEV') throw unusable(attempt);
    if (attempt.errno !== undefined && EXHAUSTED.includes(attempt.errno)) {
      throw new DeviceError(`cannot look for an NPU: ${attempt.problem}`, {
        next: 'close what this process has open, or raise the limit (ulimit -n)',
      });
    }
  }
  for (const path of MAINLINE_NODES) {
    if (![undefined, MAINLINE_DRIVER_NAME].includes(driverOf(path))) continue;
    const attempt = tryNode(kernel, path);
    if ('problem' in attempt && attempt.problem.startsWith(`driver ${MAINLINE_DRIVER_NAME}`)) {
      throw new DeviceError(
        `${path} is the mainline kernel's NPU driver, which this version cannot drive yet`,
        {
          got: attempt.problem,
          wanted: `driver ${VENDOR_DRIVER_NAME}`,
          next: 'boot a vendor kernel (5.10 or 6.1)',
        },
      );
    }
  }
  const first = forbidden[0];
  if (first !== undefined) throw permissionError(first);
  return undefined;
}

function isForbidden({ errno }: { readonly errno?: string }): boolean {
  return errno === 'EACCES' || errno === 'EPERM';
}

function permissionError(path: string): DeviceError {
  let owner = '';
  try {
    const { uid, gid, mode } = statSync(path);
    owner = ` (owner ${uid}, group ${gid}, mode ${(mode & 0o777).toString(8)})`;
  } catch {
    // only adds to the message
  }
  return new DeviceError(`no permission to open ${path}${owner}`, {
    next: 'add this user to the groups video and render (sudo usermod -aG video,render $USER) and log in again',
  });
}
