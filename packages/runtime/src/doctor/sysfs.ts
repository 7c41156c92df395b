import { VENDOR_DRIVER_NAME } from '../device/find-node.js';
import type { HostFiles } from './host-files.js';
import { sysfsDriver } from './nodes.js';

/** What the kernel says of its NPU drivers without any node being opened. */
export interface SysfsNpu {
  /** The vendor driver is in this kernel. */
  readonly vendorDriver: boolean;
  /** Devices that it drives: `fdab0000.npu`. */
  readonly vendorDevices: readonly string[];
  /** Nodes that it made: `/dev/dri/card1`. They may be missing in /dev (a container). */
  readonly vendorNodes: readonly string[];
  readonly mainlineDriver: boolean;
  /** The vendor driver built for DMA heaps, with a node of another kind. */
  readonly dmaHeapNode: boolean;
  /** `status` of the NPU in the device tree, `disabled` say; undefined without a device tree or an NPU in it. */
  readonly deviceTreeStatus: string | undefined;
}

const DRIVERS = '/sys/bus/platform/drivers';
/** The vendor driver's name as a platform driver (rknpu_drv.c). */
const VENDOR_PLATFORM_DRIVER = 'RKNPU';

export function readSysfs(files: HostFiles): SysfsNpu {
  const vendorFolder = `${DRIVERS}/${VENDOR_PLATFORM_DRIVER}`;
  const npu = files.list('/proc/device-tree').find(name => name.startsWith('npu@'));
  return {
    vendorDriver: files.exists(vendorFolder),
    vendorDevices: files.list(vendorFolder).filter(name => name.includes('npu')),
    vendorNodes: files
      .list('/sys/class/drm')
      .filter(name => /^(card|renderD)\d+$/.test(name) && sysfsDriver(files, name) === VENDOR_DRIVER_NAME)
      .map(name => `/dev/dri/${name}`),
    mainlineDriver: files.exists(`${DRIVERS}/rocket`),
    dmaHeapNode: files.exists('/dev/rknpu'),
    // A node without a status is enabled (the device tree specification).
    deviceTreeStatus: npu && (files.line(`/proc/device-tree/${npu}/status`) ?? 'okay'),
  };
}

/** Docker's and podman's marks. */
export function inContainer(files: HostFiles): boolean {
  return files.exists('/.dockerenv') || files.exists('/run/.containerenv');
}
