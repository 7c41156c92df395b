import { readCmaInfo } from '../driver/cma.js';
import { cmaParameter } from '../driver/vendor/allocation-error.js';
import { type Check, ok, problem, skipped, warning } from './check.js';
import type { HostFiles } from './host-files.js';
import { readSysfs } from './sysfs.js';
import { mib } from './units.js';

/** What stories110M takes in DMA memory. */
const STORIES_110M_BYTES = 218 * 2 ** 20;

/** The kernel's contiguous memory against what a model takes. */
export const cmaCheck: Check = {
  id: 'cma',
  title: 'contiguous memory (CMA)',
  section: 'Memory',
  needs: ['driver'],
  run: ({ simulated, device, options: { model }, files }) => {
    if (simulated) return skipped("since the simulated device's is no matter of this machine's kernel");
    const cma = readCmaInfo(files.path('/proc/meminfo'));
    const neededBytes = model?.plan.totalBytes ?? STORIES_110M_BYTES;
    const values = { ...cma, ...(model && { neededBytes }) };
    const figures =
      cma === undefined
        ? 'this kernel has none'
        : `${mib(cma.totalBytes)}, ${mib(cma.freeBytes)} free${model ? `; the model takes ${mib(neededBytes)}` : ''}`;
    if (device?.iommu ?? isBehindIommu(files)) return ok(`${figures}; not needed behind an IOMMU`, values);
    const detail =
      device === undefined
        ? `${figures}; only needed without an IOMMU, which the driver is asked for when it opens`
        : figures;
    const parameter = cmaParameter(neededBytes);
    const boot = `boot with ${parameter} on the kernel command line (docs/board-setup.md)`;
    // Without a model it is only known that many will not fit; with a device that did not open not even whether it matters.
    const shortage = model === undefined || device === undefined ? warning : problem;
    if (cma === undefined || cma.totalBytes < neededBytes) {
      const lacking = model === undefined ? `; stories110M takes ${mib(neededBytes)}` : '';
      return shortage(`${detail}${lacking}`, boot, values);
    }
    if (cma.freeBytes < neededBytes && model !== undefined) {
      return shortage(detail, `close other users of it (display, camera, the NPU's), or ${boot}`, values);
    }
    return ok(detail, values);
  },
};

/** By sysfs, which tells everybody, also who may not open the node. No group proves nothing: the driver may not be bound. */
function isBehindIommu(files: HostFiles): boolean {
  return readSysfs(files).vendorDevices.some(name =>
    files.exists(`/sys/bus/platform/devices/${name}/iommu_group`),
  );
}
