import { VENDOR_DRIVER_NAME } from '../device/find-node.js';
import { type Check, type Finding, ok, problem, skipped } from './check.js';
import type { DoctorContext, Identity } from './context.js';
import type { FileOwner, HostFiles } from './host-files.js';
import { isForbidden, sysfsDriver } from './nodes.js';
import { inContainer } from './sysfs.js';

/** Whose the node is, who asks, and the command that brings them together. */
export const permissionCheck: Check = {
  id: 'permission',
  title: 'permission',
  section: 'Driver',
  run: context => {
    const { node, nodes, files, identity } = context;
    if (node !== undefined) return allowed(context, node.path);
    const forbidden = nodes.find(
      seen => isForbidden(seen) && [undefined, VENDOR_DRIVER_NAME].includes(sysfsDriver(files, seen.path)),
    );
    if (forbidden === undefined) return skipped('since there is no node');
    const { path, errno = '' } = forbidden;
    const owner = files.owner(path);
    const groups = groupNames(files);
    const detail = `${identity.name} may not open ${path} (${errno}); ${describe(owner, identity, groups)}`;
    const next = remedy({ path, owner, identity, groups, container: inContainer(files) });
    return problem(detail, next, { path, errno, ...owner, user: identity.name, groups: identity.gids });
  },
};

function allowed({ files, identity, kind }: DoctorContext, path: string): Finding {
  if (kind === 'sim') return ok('none needed: the simulated device is a library');
  const owner = files.owner(path);
  const how = describe(owner, identity, groupNames(files));
  return ok(`${identity.name} may open it; ${how}`, { path, ...owner, user: identity.name });
}

interface Group {
  readonly name: string;
  readonly members: readonly string[];
}

/** /etc/group: `video:x:44:orangepi,pi`. */
function groupNames(files: HostFiles): ReadonlyMap<number, Group> {
  const lines = files.text('/etc/group')?.split('\n') ?? [];
  return new Map(
    lines.map(line => {
      const [name = '', , gid, members = ''] = line.split(':');
      return [Number(gid ?? Number.NaN), { name, members: members.split(',') }];
    }),
  );
}

function nameOf(gid: number, groups: ReadonlyMap<number, Group>): string {
  return groups.get(gid)?.name ?? String(gid);
}

function describe(
  owner: FileOwner | undefined,
  { gids, uid }: Identity,
  groups: ReadonlyMap<number, Group>,
): string {
  const theirs = gids.map(gid => nameOf(gid, groups)).join(', ');
  const user = uid === 0 ? 'the user is root' : `the user's groups: ${theirs}`;
  if (owner === undefined) return user;
  return `the node's group: ${nameOf(owner.gid, groups)}, mode ${owner.mode.toString(8)}; ${user}`;
}

interface Refusal {
  readonly path: string;
  readonly owner: FileOwner | undefined;
  readonly identity: Identity;
  readonly groups: ReadonlyMap<number, Group>;
  readonly container: boolean;
}

/** Read and write, which an open of the node asks for. */
const GROUP_READ_WRITE = 0o060;
/** Of the superuser: a node that only root may open is left to udev. */
const ROOT_GROUP = 0;

function remedy({ path, owner, identity, groups, container }: Refusal): string {
  if (owner === undefined) return 'see docs/board-setup.md, Permission';
  const { gid, mode } = owner;
  const member = identity.gids.includes(gid);
  if (identity.uid === 0 || (member && (mode & GROUP_READ_WRITE) === GROUP_READ_WRITE)) {
    return container
      ? `the mode allows it, the container does not: start it with --device ${path}`
      : 'the mode allows it: look at access lists (getfacl) and security modules (dmesg)';
  }
  if (gid === ROOT_GROUP || (mode & GROUP_READ_WRITE) !== GROUP_READ_WRITE) {
    return `sudo chgrp render ${path} && sudo chmod 660 ${path} (until the next boot; a udev rule makes it stay), with ${identity.name} in the group render`;
  }
  const group = groups.get(gid);
  if (container || group === undefined) return `start the container with --group-add ${gid}`;
  if (group.members.includes(identity.name)) {
    return `log in again: ${identity.name} is in ${group.name}, but this session is older than that`;
  }
  return `sudo usermod -aG ${group.name} ${identity.name}, then log in again`;
}
