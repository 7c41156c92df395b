import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
  /** Permission bits. */
  readonly mode: number;
}

/**
 * What the kernel tells in /proc, /sys, /etc and /dev, below a root that tests put elsewhere. What cannot be read is
 * undefined or empty: none of it is there on every machine.
 */
export class HostFiles {
  constructor(private readonly root = '/') {}

  path(path: string): string {
    return join(this.root, path);
  }

  bytes(path: string): Uint8Array | undefined {
    return attempt(() => readFileSync(this.path(path)));
  }

  text(path: string): string | undefined {
    return attempt(() => readFileSync(this.path(path), 'utf8'));
  }

  /** Without white space and the NUL that device trees end texts with. */
  line(path: string): string | undefined {
    const text = this.text(path)?.replaceAll('\0', '').trim();
    return text === '' ? undefined : text;
  }

  list(path: string): string[] {
    return attempt(() => readdirSync(this.path(path)).sort()) ?? [];
  }

  link(path: string): string | undefined {
    return attempt(() => readlinkSync(this.path(path)));
  }

  owner(path: string): FileOwner | undefined {
    return attempt(() => {
      const { uid, gid, mode } = statSync(this.path(path));
      return { uid, gid, mode: mode & 0o777 };
    });
  }

  exists(path: string): boolean {
    return this.owner(path) !== undefined;
  }
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
