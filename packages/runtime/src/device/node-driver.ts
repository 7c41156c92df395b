import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

/**
 * The driver of a DRM or accel node as sysfs tells it to everybody, in lower case: `rknpu`, `rockchip-drm`. The node is not
 * opened: whoever opens a display's becomes its DRM master meanwhile, where nobody else is, and keeps a compositor from it.
 * @param read a file's text, undefined where it cannot be read
 * @returns undefined where sysfs says nothing
 */
export function nodeDriver(
  node: string,
  read: (path: string) => string | undefined = readText,
): string | undefined {
  const name = basename(node);
  const uevent = read(`/sys/class/${name.startsWith('accel') ? 'accel' : 'drm'}/${name}/device/uevent`);
  return uevent === undefined ? undefined : /^DRIVER=(.*)$/m.exec(uevent)?.[1]?.toLowerCase();
}

/** nodeDriver, of what may be a simulated node. */
export function toldDriver(node: string, read = readText): string | undefined {
  return underNpuSim() ? undefined : nodeDriver(node, read);
}

/** Whether npu-sim started this process. Then sysfs knows nothing of the node, and what it says is of another's with that name. */
export function underNpuSim(): boolean {
  return (process.env['LD_PRELOAD'] ?? '').includes('libnpu_sim');
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
