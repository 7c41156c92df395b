import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errnoName } from './errors.js';

/** Every file system takes names of this length. */
const MAX_NAME_BYTES = 255;
const TEMPORARY_NAME = /^\.(?<target>.*)\.(?<pid>\d+)\.[0-9a-f]{8}\.tmp$/s;

/** Temporary files of this process that are there now. */
const unfinished = new Set<string>();

/**
 * The name that a file has until it is whole, in the folder of `target`: `.<name>.<pid>.<random>.tmp`, so that whoever finds one
 * knows whose it is. A long name is cut, so that this one is not too long where that one fits.
 */
export function temporaryPath(target: string): string {
  const suffix = `.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  return join(dirname(target), `.${shortened(basename(target))}${suffix}`);
}

/** As much of a name as leaves room for the rest of a temporary file's with any process id (Linux: at most 7 digits). */
function shortened(name: string): string {
  const room = MAX_NAME_BYTES - '..1234567.12345678.tmp'.length;
  const bytes = Buffer.from(name);
  if (bytes.length <= room) return name;
  // A character that was cut in two must not become a longer one.
  return new TextDecoder().decode(bytes.subarray(0, room), { stream: true });
}

/** Notes that a temporary file is about to be made: see removeUnfinished. */
export function noteUnfinished(temporary: string): void {
  unfinished.add(temporary);
}

/** Notes that a temporary file is gone, or has its real name. */
export function noteFinished(temporary: string): void {
  unfinished.delete(temporary);
}

/** Takes the temporary files of this process off the disk, for one that ends at once. Nothing can be said there, so it does not throw. */
export function removeUnfinished(): void {
  for (const temporary of unfinished) {
    try {
      rmSync(temporary, { force: true });
    } catch {
      // Its name says what it is.
    }
  }
  unfinished.clear();
}

/** A temporary file that nobody will finish. */
export interface Leftover {
  readonly path: string;
  readonly bytes: number;
}

/**
 * What runs that were killed, or a power cut, left of files that were to become `target`. Those of processes that are there
 * are left out; those of another machine cannot be told apart, so this is for a person to judge and nothing to remove.
 */
export function findLeftovers(target: string): Leftover[] {
  const folder = dirname(target);
  const name = shortened(basename(target));
  try {
    return readdirSync(folder)
      .filter(entry => {
        const { target: of, pid } = TEMPORARY_NAME.exec(entry)?.groups ?? {};
        return of === name && !isRunning(Number(pid));
      })
      .sort()
      .map(entry => ({ path: join(folder, entry), bytes: statSync(join(folder, entry)).size }));
  } catch {
    // A folder that cannot be listed, or a file that went away meanwhile: this is a courtesy.
    return [];
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's, say.
    return errnoName(error) !== 'ESRCH';
  }
}
