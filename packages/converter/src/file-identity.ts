import { type BigIntStats, fstatSync, statSync } from 'node:fs';
import { FileError } from '@npu-llama/format';

/** Which file it is and what it was when it was looked at. */
export type FileState = Pick<BigIntStats, 'dev' | 'ino' | 'size' | 'mtimeNs'>;

export function fileState(fd: number): FileState {
  return fstatSync(fd, { bigint: true });
}

/** @throws FileError when the target is the file at `input`, under whatever name: by a link, say */
export function refuseSameFile(target: string, input: string, what: string): void {
  const there = stateAt(target);
  const here = stateAt(input);
  if (there === undefined || here === undefined) return;
  if (there.dev === here.dev && there.ino === here.ino) {
    throw new FileError(target, `is the ${what} itself`, { next: 'choose another name for the .npu file' });
  }
}

/** Undefined where nothing can be looked at: opening it will say why. */
function stateAt(path: string): FileState | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}

/** @throws FileError when the file was written to since */
export function refuseChangedFile(before: FileState, fd: number, path: string): void {
  const now = fileState(fd);
  if (now.size !== before.size || now.mtimeNs !== before.mtimeNs) {
    throw new FileError(path, 'was changed while it was being converted', { next: 'convert it again' });
  }
}
