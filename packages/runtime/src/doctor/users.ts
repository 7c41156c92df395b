import { dirname, resolve } from 'node:path';
import { type Check, ok, skipped, warning } from './check.js';
import type { HostFiles } from './host-files.js';
import { readSysfs } from './sysfs.js';

/** Other programs on the NPU make the figures below meaningless, and a reset here ends their jobs. */
export const usersCheck: Check = {
  id: 'users',
  title: 'other users',
  section: 'Driver',
  needs: ['open'],
  run: ({ node, files, kind, identity }) => {
    if (kind === 'sim' || node === undefined) return skipped('since the simulated device is in this process');
    const users = usersOf(files, namesOf(files, node.path));
    const seen = identity.uid === 0 ? '' : ` among the processes of ${identity.name}`;
    if (users.length === 0) return ok(`none${seen}`, { users });
    const names = users.map(({ command, pid }) => `${command} (${pid})`).join(', ');
    return warning(
      `the NPU is open in ${names} as well`,
      'end them: the times below are shared with them, and a reset ends their jobs',
      { users },
    );
  },
};

/** What the NPU is called in /proc: a card node and a render node lead to it, and the path given may be a link (by-path). */
function namesOf(files: HostFiles, node: string): ReadonlySet<string> {
  const target = files.link(node);
  const real = target === undefined ? node : resolve(dirname(node), target);
  return new Set([real, ...readSysfs(files).vendorNodes]);
}

/** Processes, other than this one, that have a node of the NPU open, as far as this user may look. */
function usersOf(files: HostFiles, names: ReadonlySet<string>): { pid: number; command: string }[] {
  return files
    .list('/proc')
    .filter(pid => /^\d+$/.test(pid) && pid !== String(process.pid))
    .filter(pid =>
      files.list(`/proc/${pid}/fd`).some(fd => names.has(files.link(`/proc/${pid}/fd/${fd}`) ?? '')),
    )
    .map(pid => ({ pid: Number(pid), command: files.line(`/proc/${pid}/comm`) ?? 'a process' }));
}
