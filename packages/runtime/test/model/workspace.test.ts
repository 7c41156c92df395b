import { describe, expect, test } from '@jest/globals';
import { headSize, kvDim, type ModelConfig } from '@npu-llama/format';
import { ModelLimitError } from '../../src/errors.js';
import { RopeTable } from '../../src/kernels/index.js';
import { Workspace, WorkspacePool } from '../../src/model/workspace.js';
import { thrownBy } from '../support/errors.js';
import { TINY } from '../support/models.js';
import { randomFloats } from '../support/random.js';

function contentsFor(config: ModelConfig, maxRows = 4) {
  const { dim, layerCount } = config;
  return {
    config,
    rmsAtt: randomFloats(layerCount * dim, 1),
    rmsFfn: randomFloats(layerCount * dim, 2),
    rmsFinal: randomFloats(dim, 3),
    rope: new RopeTable(headSize(config), config.seqLen),
    maxRows,
  };
}

describe('a workspace', () => {
  test('has what every session computes with, and its own keys and values, zero', () => {
    const contents = contentsFor(TINY);
    const workspace = new Workspace(contents);
    expect(workspace.rmsAtt).toEqual(contents.rmsAtt);
    expect(workspace.rmsFfn).toEqual(contents.rmsFfn);
    expect(workspace.rmsFinal).toEqual(contents.rmsFinal);
    expect(workspace.turns).toEqual(contents.rope.values);
    const { keys, values } = workspace.cache;
    const cached = TINY.layerCount * TINY.seqLen * kvDim(TINY);
    expect([keys.length, values.length]).toEqual([cached, cached]);
    expect([...keys, ...values].every(value => value === 0)).toBe(true);
  });

  test('is one memory for all of it', () => {
    const { cache, x, gate, turns } = new Workspace(contentsFor(TINY));
    const buffers = [cache.keys, cache.values, x, gate, turns].map(({ buffer }) => buffer);
    expect(new Set(buffers).size).toBe(1);
    expect(buffers[0]!.byteLength).toBe(new Workspace(contentsFor(TINY)).bytes);
  });

  test('whose keys and values are beyond 4 GiB is refused before anything is computed', () => {
    const rope = {
      get values(): Float32Array {
        throw new Error('computed');
      },
    } as unknown as RopeTable;
    const config = { ...TINY, seqLen: 1 << 24 };
    const error = thrownBy(() => new Workspace({ ...contentsFor(config), rope }));
    expect(error).toBeInstanceOf(ModelLimitError);
    expect(error).toMatchObject({ exitStatus: 2 });
    expect(error.message).toMatch(
      /^a session with 16777216 positions does not fit a WebAssembly memory: got \d+\.\d MiB \(\d+ bytes\) for keys, values and activations, wanted at most 4096\.0 MiB \(4294967296 bytes\); /,
    );
  });
});

describe('a pool', () => {
  /** Nothing of it is written to, so that it takes no memory however large it is. */
  const ofBytes = (bytes: number) => ({ bytes }) as Workspace;
  const MIB = 2 ** 20;

  /** A pool, and the workspaces that it has made. */
  function counted(bytes: number) {
    const made: Workspace[] = [];
    const pool = new WorkspacePool(() => {
      made.push(ofBytes(bytes));
      return made.at(-1)!;
    });
    const takeAll = (count: number): Workspace[] => Array.from({ length: count }, () => pool.take());
    return { made, pool, takeAll };
  }

  test('makes one workspace for sessions in turn, however many and large', () => {
    const { made, pool } = counted(2048 * MIB);
    for (let i = 0; i < 5; i++) pool.giveBack(pool.take());
    expect(made.length).toBe(1);
  });

  test('makes none where one of many sessions ends before the next begins', () => {
    const { made, pool, takeAll } = counted(2048 * MIB);
    const open = takeAll(3);
    for (let i = 0; i < 7; i++) {
      pool.giveBack(open.shift()!);
      open.push(pool.take());
    }
    expect(made.length).toBe(3);
    expect(new Set(open)).toEqual(new Set(made));
  });

  test.each([
    ['2 GiB', 2048 * MIB, 1],
    ['just over 128 MiB', 128 * MIB + 1, 1],
    ['128 MiB', 128 * MIB, 2],
    ['72 MiB', 72 * MIB, 3],
    ['32 MiB', 32 * MIB, 8],
    ['64 KiB', 2 ** 16, 8],
  ])('of ten workspaces of %s (%i bytes) that were in use at once keeps %i', (_, bytes, kept) => {
    const { made, pool, takeAll } = counted(bytes);
    for (const workspace of takeAll(10)) pool.giveBack(workspace);
    takeAll(kept);
    expect(made.length).toBe(10);
    pool.take();
    expect(made.length).toBe(11);
  });

  test('that was cleared keeps none', () => {
    const { made, pool } = counted(MIB);
    pool.giveBack(pool.take());
    pool.clear();
    pool.take();
    expect(made.length).toBe(2);
  });
});
