import { bytesOf, compileC } from './compile-c.js';

/** Draws from a few logit vectors in turn, with one seed. */
export interface DrawCase {
  readonly temperature: number;
  readonly topP: number;
  readonly seed: bigint;
  /** [vectors][vocab] */
  readonly vectors: readonly Float32Array[];
  readonly draws: number;
}

/** Compiles native/sampler.c into a folder; what comes back gives the tokens that it draws in each case. */
export function compileCSampler(folder: string): (cases: readonly DrawCase[]) => Int32Array[] {
  const run = compileC('sampler', folder);
  return cases => {
    const input = Buffer.concat(cases.flatMap(one => [headOf(one), ...one.vectors.map(bytesOf)]));
    const output = run(input);
    let next = 0;
    return cases.map(({ draws }) => {
      const first = next;
      next += draws;
      return Int32Array.from({ length: draws }, (_, i) => output.readInt32LE((first + i) * 4));
    });
  };
}

function headOf({ temperature, topP, seed, vectors, draws }: DrawCase): Buffer {
  const head = Buffer.alloc(28);
  head.writeInt32LE(vectors[0]!.length, 0);
  head.writeInt32LE(vectors.length, 4);
  head.writeInt32LE(draws, 8);
  head.writeFloatLE(temperature, 12);
  head.writeFloatLE(topP, 16);
  head.writeBigUInt64LE(BigInt.asUintN(64, seed), 20);
  return head;
}
