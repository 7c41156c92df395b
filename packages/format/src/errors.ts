import { constants } from 'node:os';

/** Exit statuses of every command: see docs/architecture.md. */
export const ExitStatus = {
  fine: 0,
  npuWrong: 1,
  usageOrFile: 2,
  device: 3,
  /** A bug of ours, or no memory left. Node's own for it is 1; this is sysexits.h's EX_SOFTWARE. */
  internal: 70,
} as const;
export type ExitStatus = (typeof ExitStatus)[keyof typeof ExitStatus];

/** What a message says beside the problem itself. */
export interface ErrorFacts {
  /** What was found. */
  readonly got?: string;
  /** What was expected instead. */
  readonly wanted?: string;
  /** What the user can do about it. */
  readonly next?: string;
  readonly cause?: unknown;
}

/** Base of every error that this toolkit throws on purpose; its message is one line, fit for a terminal. */
export abstract class ToolkitError extends Error {
  abstract readonly exitStatus: ExitStatus;
  /** What the user can do about it; the end of the message. */
  readonly next: string | undefined;

  protected constructor(problem: string, facts: ErrorFacts = {}) {
    const found = [
      facts.got === undefined ? '' : `got ${facts.got}`,
      facts.wanted === undefined ? '' : `wanted ${facts.wanted}`,
    ].filter(part => part !== '');
    const withFound = found.length === 0 ? problem : `${problem}: ${found.join(', ')}`;
    super(
      facts.next === undefined ? withFound : `${withFound}; ${facts.next}`,
      facts.cause === undefined ? undefined : { cause: facts.cause },
    );
    this.name = new.target.name;
    this.next = facts.next;
  }
}

/** The command line, or an argument of a public function, is wrong. */
export class UsageError extends ToolkitError {
  readonly exitStatus = ExitStatus.usageOrFile;

  constructor(problem: string, facts?: ErrorFacts) {
    super(problem, facts);
  }
}

/** A file cannot be read or written, or does not hold what it should. */
export class FileError extends ToolkitError {
  readonly exitStatus = ExitStatus.usageOrFile;

  constructor(
    readonly path: string,
    problem: string,
    facts?: ErrorFacts,
  ) {
    super(`${path}: ${problem}`, facts);
  }
}

const ERRNO_NAMES = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

/** The errno name of an error thrown by node:fs, or undefined for any other value. */
export function errnoName(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  const { code } = error;
  if (typeof code === 'string' && /^E[A-Z0-9_]+$/.test(code)) return code;
  // libuv has no name for some: EDQUOT is `Unknown system error -122` there.
  return 'errno' in error && typeof error.errno === 'number' ? ERRNO_NAMES.get(-error.errno) : undefined;
}

const FILE_REMEDIES: Readonly<Record<string, readonly [problem: string, next: string]>> = {
  ENOENT: ['no such file or folder', 'check the path'],
  EACCES: ['permission denied', 'check the permissions of the file and its folder'],
  EPERM: ['operation not permitted', 'check the permissions of the file and its folder'],
  EISDIR: ['is a folder', 'name a file'],
  ENOTDIR: ['a part of the path is not a folder', 'check the path'],
  ENOSPC: ['no space left on the device', 'free some space or choose another folder'],
  EDQUOT: ['disk quota exceeded', 'free some space or choose another folder'],
  EROFS: ['the file system is read-only', 'choose another folder'],
  EFBIG: ['the file would be too large', 'choose another file system or raise the limit (ulimit -f)'],
  EMFILE: ['too many open files', 'close some or raise the limit (ulimit -n)'],
  ENAMETOOLONG: ['the name is too long', 'choose a shorter one'],
  ELOOP: ['its symbolic links go in a circle', 'remove them or choose another name'],
  EIO: ['input/output error', 'check the disk'],
};

/** Turns an error of node:fs on `path` into a FileError; passes errors of our own through. */
export function fileErrorFrom(error: unknown, path: string, doing: string): ToolkitError {
  if (error instanceof ToolkitError) return error;
  const errno = errnoName(error);
  const remedy = errno === undefined ? undefined : FILE_REMEDIES[errno];
  if (remedy !== undefined) {
    return new FileError(path, `cannot ${doing}: ${remedy[0]} (${errno})`, { next: remedy[1], cause: error });
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new FileError(path, `cannot ${doing}: ${reason}`, { cause: error });
}
