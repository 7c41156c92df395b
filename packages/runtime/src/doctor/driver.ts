import { release } from 'node:os';
import { MAINLINE_DRIVER_NAME, VENDOR_DRIVER_NAME } from '../device/find-node.js';
import { badPlan } from '../device/open-device.js';
import { advice, CHANGE_PLAN } from './advice.js';
import { type Check, type Finding, ok, problem, skipped, warning } from './check.js';
import type { DoctorContext } from './context.js';
import type { HostFiles } from './host-files.js';
import { isForbidden, type SeenNode, seeNode, seeNodes, sysfsDriver } from './nodes.js';
import { readSysfs, type SysfsNpu } from './sysfs.js';

/** Which NPU driver this kernel has, as its nodes answer and, where none does, as sysfs says. */
export const driverCheck: Check = {
  id: 'driver',
  title: 'kernel driver',
  section: 'Driver',
  run: context => {
    const { kernel, kind, options, ffi } = context;
    if (kernel === undefined) return skipped(`since FFI adapter ${ffi} does not work`);
    // The simulated device answers to any path.
    const given = kind === 'sim' ? '/dev/dri/card1' : options.path;
    const { files, simulated } = context;
    context.nodes =
      given === undefined ? seeNodes(kernel, simulated ? undefined : files) : [seeNode(kernel, given)];
    // There is nothing to examine, as with any other wrong option.
    if (context.simulated && context.nodes.some(({ errno }) => errno === 'EBADMSG')) throw badPlan(undefined);
    context.node = context.nodes.find(({ driver }) => driver?.name === VENDOR_DRIVER_NAME);
    if (context.node?.driver !== undefined) return vendorFinding(context, context.node.driver.version);
    const mainline = context.nodes.find(({ driver }) => driver?.name === MAINLINE_DRIVER_NAME);
    const sysfs = readSysfs(context.files);
    if (mainline !== undefined || sysfs.mainlineDriver) return mainlineFinding(mainline);
    return withoutNode(context, sysfs);
  },
};

/** The layouts of its calls that this runtime knows are those of 0.9 (driver/vendor/uapi.ts). */
const OLDEST_KNOWN = [0, 9] as const;

function vendorFinding(context: DoctorContext, version: string): Finding {
  const { simulated, files } = context;
  const kernel = simulated ? '' : `, kernel ${release()}`;
  const detail = `${VENDOR_DRIVER_NAME} ${version}${kernel}${simulated ? ', simulated' : ''}`;
  const values = {
    name: VENDOR_DRIVER_NAME,
    version,
    kernel: release(),
    commandLine: npuParameters(files.line('/proc/cmdline') ?? ''),
  };
  const [major, minor] = version.split('.').map(Number) as [number, number];
  if (major === OLDEST_KNOWN[0] && minor === OLDEST_KNOWN[1]) return ok(detail, values);
  const known = 'this runtime knows the vendor driver 0.9';
  const older = major < OLDEST_KNOWN[0] || (major === OLDEST_KNOWN[0] && minor < OLDEST_KNOWN[1]);
  return warning(
    detail,
    older
      ? `${known}: if checks below fail, ${advice(context, 'boot a newer vendor kernel')}`
      : `${known}: look at the checks below`,
    values,
  );
}

/** Of the kernel's command line only what bears on the NPU: the rest names disks and serial numbers, and reports get published. */
function npuParameters(commandLine: string): string {
  return commandLine
    .split(/\s+/)
    .filter(parameter => /^(cma|mem|[a-z_.-]*iommu[a-z_.-]*)=/.test(parameter))
    .join(' ');
}

function mainlineFinding(node: SeenNode | undefined): Finding {
  const found = node?.driver === undefined ? '' : ` ${node.driver.version} at ${node.path}`;
  return problem(
    `mainline driver found (${MAINLINE_DRIVER_NAME}${found}); this runtime speaks the vendor's only so far`,
    'boot a vendor kernel, 5.10 or 6.1 (docs/board-setup.md)',
    { name: MAINLINE_DRIVER_NAME, version: node?.driver?.version, kernel: release() },
  );
}

/** No node answered as the vendor's driver: is it the kernel, the device tree, or only the node? */
function withoutNode(context: DoctorContext, sysfs: SysfsNpu): Finding {
  const { nodes, files, options, kind, simulated } = context;
  const [first] = nodes;
  // Under npu-sim the node is there, whatever this kernel has.
  if (
    kind === 'sim' ||
    (simulated && options.path === undefined && first?.problem !== undefined && !isForbidden(first))
  )
    return problem(`the simulated device does not open: ${first?.problem}`, CHANGE_PLAN);
  const values = { kernel: release(), ...sysfs };
  const forbidden = nodes.find(node => isForbidden(node) && sysfsDriver(files, node.path) === undefined);
  if (options.path !== undefined && first !== undefined && !isForbidden(first)) {
    const why = first.problem ?? `its driver is ${first.driver?.name}`;
    return problem(`${options.path} is no NPU's: ${why}`, 'leave --device-path out to have it found', values);
  }
  if (sysfs.vendorNodes.length > 0 || sysfs.vendorDevices.length > 0) {
    return ok(`${VENDOR_DRIVER_NAME} by sysfs, kernel ${release()}`, values);
  }
  if (forbidden !== undefined) {
    return warning(
      `not known: ${forbidden.path} may not be opened, and sysfs names no driver`,
      'see permission',
      values,
    );
  }
  return noNpu(files, sysfs, values);
}

function noNpu(files: HostFiles, sysfs: SysfsNpu, values: Finding['values']): Finding {
  const tree = sysfs.deviceTreeStatus;
  if (sysfs.vendorDriver) {
    return problem(
      `${VENDOR_DRIVER_NAME} is in kernel ${release()} but drives no device; the NPU in the device tree is ${tree ?? 'absent'}`,
      'boot with a device tree (or an overlay) that enables the NPU, and look at dmesg | grep -i rknpu',
      values,
    );
  }
  const inTree = tree === undefined ? '' : `; the device tree has an NPU, ${tree}`;
  return problem(
    `no NPU: kernel ${release()} has neither ${VENDOR_DRIVER_NAME} nor ${MAINLINE_DRIVER_NAME}${inTree}`,
    files.exists('/proc/device-tree')
      ? 'boot a vendor kernel, 5.10 or 6.1 (docs/board-setup.md)'
      : 'use an RK3588 board, or the simulated device (--device sim)',
    values,
  );
}
