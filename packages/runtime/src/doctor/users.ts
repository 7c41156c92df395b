import { type Check, ok, skipped, warning } from './check.js';
import type { HostFiles } from './host-files.js';

/** Other programs on the NPU make the figures below meaningless, and a reset here ends their jobs. */
export const usersCheck: Check = {
  id: 'users',
  title: 'other users',
  section: 'Driver',
  needs: ['open'],
  run: ({ node, files, kind, identity }) => {
    if (kind === 'sim' || node === undefined) return skipped('since the simulated device is in this process');
    const users = usersOf(files, node.path);
    const seen = identity.uid === 0 ? '' : ` among the processes of ${identity.name}`;
    if (users.length === 0) return ok(`none${seen}`, { users });
    const names = users.map(({ command, pid }) => `${command} (${pid})`).join(', ');
    return warning(
      `${node.path} is open in ${names} as well`,
      'end them: the times below are shared with them, and a reset ends their jobs',
      { users },
    );
  },
};

/** Processes, other than this one, that have the node open, as far as this user may look. */
function usersOf(files: HostFiles, node: string): { pid: number; command: string }[] {
  return files
    .list('/proc')
    .filter(pid => /^\d+$/.test(pid) && pid !== String(process.pid))
    .filter(pid => files.list(`/proc/${pid}/fd`).some(fd => files.link(`/proc/${pid}/fd/${fd}`) === node))
    .map(pid => ({ pid: Number(pid), command: files.line(`/proc/${pid}/comm`) ?? 'a process' }));
}
