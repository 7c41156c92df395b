import { userInfo } from 'node:os';
import { underNpuSim } from '../device/node-driver.js';
import { type DecodeRows, signalsSeen } from '../device/probe-rows.js';
import type { NpuDriver } from '../driver/driver.js';
import type { Kernel } from '../driver/kernel.js';
import { type FfiName, ffiName } from '../ffi/adapter.js';
import type { MemoryPlan } from '../model/memory-plan.js';
import { HostFiles } from './host-files.js';
import type { SeenNode } from './nodes.js';

export interface DoctorOptions {
  /** rknpu: this board's NPU (default). sim: the simulated one. */
  readonly kind?: 'rknpu' | 'sim';
  /** A device node; by default it is looked for. */
  readonly path?: string;
  /** koffi or ffi-napi; by default what NPU_FFI says, else koffi. */
  readonly ffi?: string;
  /** A model that memory is to suffice for. */
  readonly model?: { readonly path: string; readonly plan: MemoryPlan };
  /** How long each timing goes on; by default long enough for a clock that follows the load to follow it. */
  readonly measuredMs?: number;
  /** Ends the run before its next check, or before what one tries again. */
  readonly signal?: AbortSignal;
  /**
   * For tests: where /proc, /sys and so on are, who asks, what stands between the driver and the kernel, and whether the device
   * is taken for a simulated one.
   */
  readonly root?: string;
  readonly identity?: Identity;
  readonly kernel?: (kernel: Kernel) => Kernel;
  readonly simulated?: boolean;
}

export interface Identity {
  readonly name: string;
  readonly uid: number;
  readonly gids: readonly number[];
}

/** The device while it is examined. */
export interface ExaminedDevice {
  readonly kernel: Kernel;
  readonly fd: number;
  readonly driver: NpuDriver;
  readonly iommu: boolean;
}

/** What the checks of one run share: a check fills in what later ones need, and the run closes it. */
export class DoctorContext implements Disposable {
  readonly kind: 'rknpu' | 'sim';
  readonly files: HostFiles;
  readonly identity: Identity;
  readonly ffi: FfiName;
  /** Nothing that is measured says anything about silicon. */
  readonly simulated: boolean;
  readonly measuredMs: number;
  /** Set once the FFI adapter works. */
  kernel: Kernel | undefined;
  /** The nodes there are, with what they answered. */
  nodes: readonly SeenNode[] = [];
  /** The vendor driver's, which could be opened. */
  node: SeenNode | undefined;
  device: ExaminedDevice | undefined;
  /** The device has disappeared: no call to it will do any more. */
  gone = false;
  /** Cores that compute right with 4 rows, ascending. */
  readonly healthyCores: number[] = [];
  /** Rows of a job that decodes a token: 4 once a core was wrong with 1. */
  decodeRows: DecodeRows = 1;

  /** @throws UsageError for an unknown FFI adapter */
  constructor(readonly options: DoctorOptions) {
    this.kind = options.kind ?? 'rknpu';
    this.files = new HostFiles(options.root);
    this.identity = options.identity ?? identityOfProcess();
    this.ffi = ffiName(options.ffi);
    this.measuredMs = options.measuredMs ?? 150;
    this.simulated = options.simulated ?? (this.kind === 'sim' || underNpuSim());
  }

  /** Of checks that need the check `open`. */
  get opened(): ExaminedDevice {
    if (this.device === undefined) throw new Error('a check that reaches the device has to need "open"');
    return this.device;
  }

  /** Calls to the driver block: lets a signal that came meanwhile be seen. @throws the reason of what aborted the run */
  async turn(): Promise<void> {
    this.options.signal?.throwIfAborted();
    await signalsSeen();
    this.options.signal?.throwIfAborted();
  }

  /** Closes the device and frees all of its memory. @throws DeviceError when the driver refuses that */
  [Symbol.dispose](): void {
    const { device } = this;
    this.device = undefined;
    device?.driver.close();
  }
}

function identityOfProcess(): Identity {
  const uid = process.geteuid?.() ?? 0;
  const gids = [...new Set([process.getegid?.() ?? 0, ...(process.getgroups?.() ?? [])])];
  try {
    return { name: userInfo().username, uid, gids };
  } catch {
    return { name: String(uid), uid, gids }; // a user without an entry in /etc/passwd, as in containers
  }
}
