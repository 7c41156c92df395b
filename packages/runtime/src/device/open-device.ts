import { type AbortCheck, UsageError } from '@npu-llama/format';
import { SIMULATOR_ENTRY_POINTS } from '@npu-llama/simulator';
import { readCmaInfo } from '../driver/cma.js';
import type { NpuDriver } from '../driver/driver.js';
import { readDrmVersion } from '../driver/drm-version.js';
import { type Kernel, KernelError } from '../driver/kernel.js';
import { LIBC_NAMES, NativeKernel } from '../driver/native-kernel.js';
import { tracedIfAsked } from '../driver/tracing-kernel.js';
import { SIMULATED_CMA } from '../driver/vendor/allocation-error.js';
import { GONE } from '../driver/vendor/remedies.js';
import { VendorDriver } from '../driver/vendor/vendor-driver.js';
import { DeviceError, NumericError } from '../errors.js';
import { type FfiAdapter, ffiName, loadFfi } from '../ffi/index.js';
import { CORE_COUNT } from '../hardware/index.js';
import { openInWorker } from '../worker/index.js';
import { checkChip } from './chip.js';
import { findNode, type OpenNode, openNode } from './find-node.js';
import { LocalDevice } from './local-device.js';
import type { DeviceKind, NpuDevice } from './npu-device.js';
import { type DecodeRows, probeRows } from './probe-rows.js';
import { simulatorLibrary } from './simulator-library.js';

export const DEVICE_KINDS = ['auto', 'rknpu', 'sim'] as const;

export interface OpenDeviceOptions {
  /**
   * rknpu: the vendor driver's NPU. sim: the simulated one. auto (default): the NPU if this machine has one, else the
   * simulated one, which onFallback is told.
   */
  readonly kind?: (typeof DEVICE_KINDS)[number];
  /** A device node of the vendor driver; by default it is looked for. */
  readonly path?: string;
  /** koffi or ffi-napi; by default what NPU_FFI says, else koffi. */
  readonly ffi?: string;
  /** Cores to use, 1 to 3 (default 3). */
  readonly cores?: number;
  /** Rows of a job that decodes one token; by default found out on the device. Either way the device is checked. */
  readonly rows?: DecodeRows;
  /**
   * Whether a worker thread drives the device (default false): it opens it, and models that are loaded onto it live there, so
   * that this thread answers others while it computes. Not with `kernel`.
   */
  readonly worker?: boolean;
  /**
   * Ends the opening, with its reason, when the start-up check's job that is under way has ended: of a device that hangs each
   * blocks its thread for 2 s. What was opened is closed.
   */
  readonly signal?: AbortSignal;
  /** Told why, when `auto` opens the simulated device. */
  readonly onFallback?: (reason: string) => void;
  /**
   * Told that the device computes a known product wrong, which is an error without: for those who want to find out more about
   * it. It decodes with the last row count tried then.
   */
  readonly onWrongProduct?: (error: NumericError) => void;
  /**
   * Stands between the driver and the kernel: for tests that inject faults, and for tracing. Gets the kernel that every call
   * would go to (also those that look for the device, so with `auto` there may be two) and returns what is called instead.
   */
  readonly kernel?: (kernel: Kernel) => Kernel;
  /** Where the board names its chip; for tests. */
  readonly compatiblePath?: string;
}

/** @throws UsageError for options that no device could be opened with */
export function checkDeviceOptions(options: OpenDeviceOptions): void {
  const { kind = 'auto', cores = CORE_COUNT } = options;
  if (!DEVICE_KINDS.includes(kind)) {
    throw new UsageError('no such device', { got: kind, wanted: DEVICE_KINDS.join(', ') });
  }
  if (!Number.isInteger(cores) || cores < 1 || cores > CORE_COUNT) {
    throw new UsageError('impossible number of cores', { got: String(cores), wanted: `1 to ${CORE_COUNT}` });
  }
  if (options.rows !== undefined && options.rows !== 1 && options.rows !== 4) {
    throw new UsageError('impossible rows', { got: String(options.rows), wanted: '1 or 4' });
  }
  if (options.worker === true && options.kernel !== undefined) {
    throw new UsageError('a device in a worker cannot be given a kernel: functions do not go there', {
      next: 'leave worker or kernel out',
    });
  }
  if (kind === 'sim' && options.path !== undefined) {
    throw new UsageError('the simulated device has no path', {
      got: options.path,
      next: 'leave the path or the device out',
    });
  }
  ffiName(options.ffi);
}

/**
 * Opens an NPU and finds out which row counts it computes right.
 * @throws UsageError for impossible options; DeviceError when there is no device, it is another chip's, this user may not
 *   open it, or its jobs fail; NumericError when it computes wrong; the signal's reason when that aborts
 */
export async function openDevice(options: OpenDeviceOptions = {}): Promise<NpuDevice> {
  checkDeviceOptions(options);
  return options.worker === true ? openInWorker(options) : openLocalDevice(options);
}

/** OpenDeviceOptions, with a signal of any kind. */
export type LocalDeviceOptions = Omit<OpenDeviceOptions, 'signal'> & { readonly signal?: AbortCheck };

/** As openDevice, for this thread to drive; of options that were checked. */
export async function openLocalDevice(options: LocalDeviceOptions): Promise<LocalDevice> {
  const { kind = 'auto', cores = CORE_COUNT } = options;
  options.signal?.throwIfAborted();
  const ffi = loadFfi(options.ffi);
  const opened = openKind(kind, options, ffi);
  try {
    return new LocalDevice(
      opened.kind,
      opened.driver,
      cores,
      await findRows(opened.driver, cores, options),
      ffi.name,
    );
  } catch (error) {
    closeAfterFailure(opened.driver);
    throw error;
  }
}

async function findRows(
  driver: NpuDriver,
  cores: number,
  { rows, onWrongProduct, signal }: LocalDeviceOptions,
): Promise<DecodeRows> {
  try {
    return await probeRows(driver, cores, rows === undefined ? [1, 4] : [rows], signal);
  } catch (error) {
    if (onWrongProduct === undefined || !(error instanceof NumericError)) throw error;
    onWrongProduct(error);
    return rows ?? 4;
  }
}

/** What failed before is the failure to tell. */
function closeAfterFailure(driver: NpuDriver): void {
  try {
    driver.close();
  } catch {
    // the kernel closes the file all the same
  }
}

interface Opened {
  readonly kind: DeviceKind;
  readonly driver: NpuDriver;
}

function openKind(kind: (typeof DEVICE_KINDS)[number], options: LocalDeviceOptions, ffi: FfiAdapter): Opened {
  if (kind === 'sim') return openSimulated(ffi, options);
  const kernel = wrapped(new NativeKernel(ffi, null, LIBC_NAMES), options);
  const node = options.path === undefined ? findNode(kernel) : openNode(kernel, options.path);
  if (node !== undefined) return openVendor(kernel, node, options.compatiblePath);
  const reason = 'no device node of the rknpu driver in /dev/dri';
  if (kind === 'rknpu') {
    throw new DeviceError(`no NPU found: ${reason}`, {
      next: 'boot a vendor kernel with the rknpu driver (docs/board-setup.md), or use the simulated device (--device sim)',
    });
  }
  options.onFallback?.(reason);
  return openSimulated(ffi, options);
}

function openVendor(kernel: Kernel, node: OpenNode, compatiblePath: string | undefined): Opened {
  return opening(kernel, node.fd, () => {
    checkChip(compatiblePath);
    const description = `rknpu ${node.version} at ${node.path}`;
    const driver = new VendorDriver({ kernel, fd: node.fd, description, readCma: () => readCmaInfo() });
    return { kind: 'rknpu', driver };
  });
}

function openSimulated(ffi: FfiAdapter, options: LocalDeviceOptions): Opened {
  const kernel = wrapped(new NativeKernel(ffi, simulatorLibrary(), SIMULATOR_ENTRY_POINTS), options);
  const fd = explained(() => kernel.open('/dev/dri/card1'));
  return opening(kernel, fd, () => {
    const { version } = explained(() => readDrmVersion(kernel, fd));
    const driver = new VendorDriver({
      kernel,
      fd,
      description: `rknpu ${version}`,
      readCma: () => undefined,
      cmaRemedy: SIMULATED_CMA,
    });
    return { kind: 'sim', driver };
  });
}

function explained<T>(call: () => T): T {
  try {
    return call();
  } catch (cause) {
    if (!(cause instanceof KernelError)) throw cause;
    if (cause.errno === 'EBADMSG') throw badPlan(cause);
    throw new DeviceError(`cannot open the simulated device: ${cause.message}`, {
      ...(cause.errno === 'ENODEV' && { next: GONE }),
      cause,
    });
  }
}

/** The simulated device has named the bad item on stderr. */
export function badPlan(cause: unknown): UsageError {
  return new UsageError('cannot simulate what NPU_SIM says', {
    got: JSON.stringify(process.env['NPU_SIM'] ?? ''),
    next: 'the line of npu-sim above names the bad item',
    cause,
  });
}

/** Closes the fd again when what follows its opening fails. */
function opening(kernel: Kernel, fd: number, finish: () => Opened): Opened {
  try {
    return finish();
  } catch (error) {
    try {
      kernel.close(fd);
    } catch {
      // what failed before is the failure to tell
    }
    throw error;
  }
}

/** The caller's wrapping, whose doings are traced too. */
function wrapped(kernel: Kernel, { kernel: wrap }: LocalDeviceOptions): Kernel {
  return tracedIfAsked(wrap === undefined ? kernel : wrap(kernel));
}
