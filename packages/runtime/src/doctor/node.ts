import { VENDOR_DRIVER_NAME } from '../device/find-node.js';
import { type Check, type Finding, ok, problem } from './check.js';
import type { DoctorContext } from './context.js';
import { isForbidden, type SeenNode, sysfsDriver } from './nodes.js';
import { inContainer, readSysfs } from './sysfs.js';

/** Which node is the NPU's, by the name that its driver answers: numbers differ from board to board. */
export const nodeCheck: Check = {
  id: 'node',
  title: 'device node',
  section: 'Driver',
  needs: ['driver'],
  run: context => {
    const { node, nodes, kind, simulated } = context;
    const others = nodes.filter(other => other !== node).map(described);
    const values = { path: node?.path, others };
    if (kind === 'sim' && node !== undefined) return ok('none needed: the simulated device is a library', {});
    if (node === undefined) return withoutNode(context, others);
    const beside = others.length === 0 ? '' : `; also there: ${others.join(', ')}`;
    return ok(`${node.path}${simulated ? ', by npu-sim' : ''}${beside}`, values);
  },
};

function described({ path, driver, otherDriver, errno }: SeenNode): string {
  return `${path} (${driver?.name ?? otherDriver ?? errno})`;
}

function withoutNode({ nodes, files }: DoctorContext, others: readonly string[]): Finding {
  const values = { others };
  const exhausted = nodes.find(({ errno }) => errno === 'EMFILE' || errno === 'ENFILE');
  if (exhausted !== undefined) {
    return problem(
      `cannot look for it: ${exhausted.problem}`,
      'raise the limit of open files (ulimit -n)',
      values,
    );
  }
  const sysfs = readSysfs(files);
  const forbidden = nodes.find(
    node => isForbidden(node) && [undefined, VENDOR_DRIVER_NAME].includes(sysfsDriver(files, node.path)),
  );
  if (forbidden !== undefined)
    return problem(`${forbidden.path} may not be opened`, 'see permission', values);
  const [made] = sysfs.vendorNodes;
  if (made !== undefined) {
    const container = inContainer(files);
    return problem(
      `the driver has made ${made}, but it is not in /dev${container ? ' of this container' : ''}`,
      container
        ? `start the container with --device ${made}`
        : `pass ${made} into this container, or start udev`,
      values,
    );
  }
  if (sysfs.dmaHeapNode) {
    return problem(
      'the driver was built for DMA heaps (/dev/rknpu) and has no DRM node',
      'build the kernel with CONFIG_ROCKCHIP_RKNPU_DRM_GEM=y',
      values,
    );
  }
  return problem('the driver has made no node', 'look at dmesg | grep -i rknpu', values);
}
