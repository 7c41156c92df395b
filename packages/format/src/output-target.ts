import { accessSync, constants, lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoName, FileError, fileErrorFrom } from './errors.js';

/** What to do when there already is a file of the target's name. */
export type ExistingTarget = 'refuse' | 'replace';

const STICKY_BIT = 0o1000;

/** Who may do what with a file, of its mode. */
export const PERMISSION_BITS = 0o777;

/** Where a file's name leads: a symbolic link to a model keeps pointing at it. @throws FileError for a link to nothing */
export function resolveTarget(path: string): string {
  try {
    if (!lstatSync(path).isSymbolicLink()) return path;
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return path;
    throw fileErrorFrom(error, path, 'write');
  }
  try {
    return realpathSync(path);
  } catch (error) {
    if (errnoName(error) !== 'ENOENT') throw fileErrorFrom(error, path, 'follow the link');
    throw new FileError(path, 'is a symbolic link to nothing', { next: 'remove it or choose another name' });
  }
}

/**
 * Checks what is there already.
 * @param path as it was given, for messages
 * @param target where it leads
 * @returns the file that is to be replaced, if there is one
 * @throws FileError when it is no regular file, may not be replaced, or could not be: better before the work than after it
 */
export function checkTarget(path: string, target: string, existing: ExistingTarget): Stats | undefined {
  const stat = statOf(path, target);
  if (stat === undefined) return undefined;
  if (!stat.isFile()) {
    throw new FileError(path, stat.isDirectory() ? 'is a folder' : 'is not a regular file', {
      next: 'name the file to write',
    });
  }
  if (existing === 'refuse') {
    throw new FileError(path, 'exists already', { next: 'choose another name, or replace it with --force' });
  }
  checkReplaceable(path, target, stat);
  return stat;
}

function statOf(path: string, target: string): Stats | undefined {
  try {
    return statSync(target, { throwIfNoEntry: false });
  } catch (error) {
    throw fileErrorFrom(error, path, 'look at what is there');
  }
}

/** A rename asks the folder alone. What its owner protected, or somebody else put there, is none of ours to replace. */
function checkReplaceable(path: string, target: string, stat: Stats): void {
  try {
    accessSync(target, constants.W_OK);
  } catch (error) {
    throw fileErrorFrom(error, path, 'replace');
  }
  const user = process.geteuid?.();
  const folder = statSync(dirname(target));
  if (user === 0 || user === stat.uid || user === folder.uid || (folder.mode & STICKY_BIT) === 0) return;
  throw new FileError(path, "is another user's, in a folder where only owners may replace (sticky)", {
    next: 'choose another name or folder',
  });
}
