import { type BigIntStats, statSync } from 'node:fs';
import { FileError } from '@npu-llama/format';

type Paths = readonly (string | undefined)[];

/**
 * Sees to it that a slip of the pen does not put a report in a model's place.
 * @throws FileError when a file to write is one of those to read, under whatever name: by a link, say
 */
export function refuseInputs(outputs: Paths, inputs: Paths): void {
  for (const output of outputs) {
    const there = statOf(output);
    if (output === undefined || there === undefined) continue;
    const same = inputs.find(input => isSame(there, statOf(input)));
    if (same === undefined) continue;
    throw new FileError(
      output,
      `is to be written, but also to be read${same === output ? '' : ` as ${same}`}`,
      {
        next: 'choose another name for what is written',
      },
    );
  }
}

function isSame(one: BigIntStats, other: BigIntStats | undefined): boolean {
  return one.dev === other?.dev && one.ino === other.ino;
}

/** Undefined where there is nothing, or nothing can be looked at: opening it will say why. */
function statOf(path: string | undefined): BigIntStats | undefined {
  if (path === undefined) return undefined;
  try {
    return statSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}
